#include "connectors/kafka/row_encoder.h"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "spi/services.h"
#include <millrace/row_kind.h>

namespace millrace {
namespace {

std::shared_ptr<arrow::RecordBatch> Selected(const arrow::RecordBatch& rows,
                                             const std::vector<int>& columns,
                                             const std::shared_ptr<arrow::Schema>& schema) {
  arrow::ArrayVector arrays;
  for (const int i : columns) arrays.push_back(rows.column(i));
  return arrow::RecordBatch::Make(schema, rows.num_rows(), std::move(arrays));
}

void AddHeaders(const arrow::MapArray& map, int64_t row, KafkaMessage* message) {
  if (map.IsNull(row)) return;
  const auto& keys = static_cast<const arrow::BinaryArray&>(*map.keys());
  const auto& values = static_cast<const arrow::BinaryArray&>(*map.items());
  for (int64_t i = map.value_offset(row); i < map.value_offset(row + 1); ++i) {
    std::optional<std::string> value;
    if (values.IsValid(i)) value = std::string(values.GetView(i));
    message->headers.emplace_back(std::string(keys.GetView(i)), std::move(value));
  }
}

}  // namespace

Result<std::unique_ptr<KafkaRowEncoder>> KafkaRowEncoder::Make(const SinkRequest& request) {
  const TableConfig& table = request.config.table;
  ARROW_ASSIGN_OR_RAISE(
      const KafkaColumns columns,
      ColumnsOf(table, request.options, request.config.metadata, request.services.registries()));
  std::unique_ptr<KafkaRowEncoder> self(new KafkaRowEncoder());
  for (const auto& column : request.config.metadata) {
    const int at = table.physical.Find(column.name);
    if (column.key == "headers") {
      self->headers_column_ = at;
    } else if (column.key == "timestamp") {
      self->timestamp_column_ = at;
    } else {
      return Error::User("the metadata '" + column.key + "' cannot be written")
          .In(table.name)
          .Hint("declare the column `" + column.name + "` as VIRTUAL");
    }
  }
  self->key_columns_ = columns.key_columns;
  self->value_columns_ = columns.value_columns;
  self->key_schema_ = columns.key.ToArrow();
  self->value_schema_ = columns.value.ToArrow();
  ARROW_ASSIGN_OR_RAISE(self->value_encoder_,
                        request.format->make_encoder(columns.value, request.format_options));
  if (columns.key_format != nullptr) {
    ARROW_ASSIGN_OR_RAISE(self->key_encoder_,
                          columns.key_format->make_encoder(columns.key, columns.key_options));
  }
  return self;
}

Status KafkaRowEncoder::Encode(const Batch& batch, std::vector<KafkaMessage>* out) {
  const arrow::RecordBatch& rows = *batch.rows;
  values_.clear();
  keys_.clear();
  ARROW_RETURN_NOT_OK(
      value_encoder_->EncodeMessages(*Selected(rows, value_columns_, value_schema_), &values_));
  if (key_encoder_) {
    ARROW_RETURN_NOT_OK(
        key_encoder_->EncodeMessages(*Selected(rows, key_columns_, key_schema_), &keys_));
  }
  for (int64_t row = 0; row < rows.num_rows(); ++row) {
    const auto i = static_cast<size_t>(row);
    const auto kind =
        batch.kinds ? static_cast<RowKind>(batch.kinds->Value(row)) : RowKind::kInsert;
    if (kind == RowKind::kUpdateBefore) continue;
    KafkaMessage& message = out->emplace_back();
    if (kind != RowKind::kDelete) message.value = std::move(values_[i]);
    if (key_encoder_) message.key = std::move(keys_[i]);
    if (headers_column_ >= 0) {
      AddHeaders(static_cast<const arrow::MapArray&>(*rows.column(headers_column_)), row, &message);
    }
    if (timestamp_column_ >= 0 && rows.column(timestamp_column_)->IsValid(row)) {
      const auto& times =
          static_cast<const arrow::TimestampArray&>(*rows.column(timestamp_column_));
      message.timestamp_ms = times.Value(row) / 1000;
    }
  }
  return Status::OK();
}

}  // namespace millrace

#include "connectors/kafka/row_decoder.h"

#include <algorithm>
#include <map>

#include <arrow/array.h>
#include <arrow/compute/api_vector.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "spi/services.h"
#include "types/column_buffer.h"
#include <millrace/row_kind.h>

namespace millrace {
namespace {

std::shared_ptr<arrow::Array> IndexArray(const std::vector<int32_t>& rows) {
  ColumnBuffer indices(SqlType::Int());
  for (const int32_t row : rows) {
    if (row < 0) {
      indices.AppendNull();
    } else {
      indices.Append(row);
    }
  }
  return indices.Finish();
}

std::string_view NameOf(KafkaTimestampType type) {
  switch (type) {
    case KafkaTimestampType::kCreateTime:
      return "CreateTime";
    case KafkaTimestampType::kLogAppendTime:
      return "LogAppendTime";
    case KafkaTimestampType::kNone:
      break;
  }
  return "NoTimestampType";
}

void AppendHeaders(const std::vector<KafkaHeader>& headers, ColumnBuffer* out) {
  std::map<std::string_view, std::optional<std::string_view>> last;
  for (const auto& header : headers) last[header.key] = header.value;
  for (const auto& [key, value] : last) {
    out->child(0).AppendBytes(key);
    if (value) {
      out->child(1).AppendBytes(*value);
    } else {
      out->child(1).AppendNull();
    }
  }
  out->AppendList();
}

}  // namespace

Result<std::unique_ptr<KafkaRowDecoder>> KafkaRowDecoder::Make(const SourceRequest& request) {
  const TableConfig& table = request.config.table;
  ARROW_ASSIGN_OR_RAISE(const KafkaColumns columns,
                        ColumnsOf(table, request.options, {}, request.services.registries()));
  std::unique_ptr<KafkaRowDecoder> self(new KafkaRowDecoder());
  self->upsert_ = IsUpsert(table);
  self->metadata_ = request.config.metadata;
  self->schema_ = request.OutputSchema().ToArrow();
  std::vector<int> of_key, of_value;
  for (const int column : request.config.projection) {
    const auto find = [column](const std::vector<int>& all) {
      const auto at = std::find(all.begin(), all.end(), column);
      return at == all.end() ? -1 : static_cast<int>(at - all.begin());
    };
    const int in_key = find(columns.key_columns), in_value = find(columns.value_columns);
    const bool key = in_value < 0 || (self->upsert_ && in_key >= 0);
    auto& wanted = key ? of_key : of_value;
    self->origins_.push_back({key, static_cast<int>(wanted.size())});
    wanted.push_back(key ? in_key : in_value);
  }
  ARROW_ASSIGN_OR_RAISE(
      self->value_decoder_,
      request.format->make_decoder({columns.value, of_value}, request.format_options));
  if (!of_key.empty() || self->upsert_) {
    ARROW_ASSIGN_OR_RAISE(self->key_decoder_, columns.key_format->make_decoder(
                                                  {columns.key, of_key}, columns.key_options));
  }
  return self;
}

Result<KafkaRowDecoder::Part> KafkaRowDecoder::DecodePart(Decoder& decoder,
                                                          const std::vector<KafkaRecord>& records,
                                                          bool keys, const std::string& source,
                                                          std::vector<RejectedRecord>* rejected) {
  messages_.clear();
  offsets_.clear();
  indices_.clear();
  for (size_t i = 0; i < records.size(); ++i) {
    const auto& bytes = keys ? records[i].key : records[i].value;
    if (!bytes) continue;
    messages_.push_back(*bytes);
    offsets_.push_back(records[i].offset);
    indices_.push_back(static_cast<int32_t>(i));
  }
  Part part;
  ARROW_ASSIGN_OR_RAISE(Decoded decoded, decoder.DecodeMessages(messages_, offsets_, source));
  part.row_of_record.assign(records.size(), -1);
  const int64_t rows = decoded.rows->num_rows();
  for (int64_t row = 0; row < rows; ++row) {
    const auto message = decoded.line_of_row.empty()
                             ? static_cast<size_t>(row)
                             : static_cast<size_t>(decoded.line_of_row[static_cast<size_t>(row)]);
    part.row_of_record[static_cast<size_t>(indices_[message])] = static_cast<int32_t>(row);
  }
  for (auto& record : decoded.rejected) {
    if (keys) record.reason = "the key: " + record.reason;
    rejected->push_back(std::move(record));
  }
  part.ignored = decoded.ignored;
  part.rows = std::move(decoded.rows);
  return part;
}

Result<DecodedRecords> KafkaRowDecoder::Decode(const KafkaRecords& batch,
                                               const TopicPartition& partition) {
  const auto& records = batch.records();
  const std::string source = partition.ToString();
  DecodedRecords out;
  ARROW_ASSIGN_OR_RAISE(const Part values,
                        DecodePart(*value_decoder_, records, false, source, &out.rejected));
  Part keys;
  if (key_decoder_) {
    ARROW_ASSIGN_OR_RAISE(keys, DecodePart(*key_decoder_, records, true, source, &out.rejected));
  }
  out.ignored = values.ignored + keys.ignored;

  std::vector<int32_t> kept, value_rows, key_rows;
  std::vector<int8_t> kinds;
  for (size_t i = 0; i < records.size(); ++i) {
    const KafkaRecord& record = records[i];
    const int32_t value_row = values.row_of_record[i];
    const int32_t key_row = key_decoder_ ? keys.row_of_record[i] : -1;
    if (!record.value && !upsert_) {
      out.rejected.push_back({source, record.offset, "the record has no value", ""});
      continue;
    }
    if (!record.key && upsert_) {
      const auto raw = record.value.value_or("").substr(0, kMaxRejectedBytes);
      out.rejected.push_back({source, record.offset, "the record has no key", std::string(raw)});
      continue;
    }
    if (record.value && value_row < 0) continue;
    if (key_decoder_ && record.key && key_row < 0) continue;
    kept.push_back(static_cast<int32_t>(i));
    value_rows.push_back(value_row);
    key_rows.push_back(key_row);
    kinds.push_back(static_cast<int8_t>(record.value ? RowKind::kUpdateAfter : RowKind::kDelete));
  }

  const auto rows = static_cast<int64_t>(kept.size());
  const auto column_of = [&](const Part& part, const std::vector<int32_t>& taken,
                             int column) -> Result<std::shared_ptr<arrow::Array>> {
    const auto& array = part.rows->column(column);
    if (part.rows->num_rows() == rows && kept.size() == records.size() &&
        std::find(taken.begin(), taken.end(), -1) == taken.end()) {
      return array;
    }
    return arrow::compute::Take(*array, *IndexArray(taken),
                                arrow::compute::TakeOptions::NoBoundsCheck());
  };
  std::vector<std::shared_ptr<arrow::Array>> columns;
  for (const Origin& origin : origins_) {
    ARROW_ASSIGN_OR_RAISE(columns.emplace_back(),
                          origin.key ? column_of(keys, key_rows, origin.column)
                                     : column_of(values, value_rows, origin.column));
  }
  for (const auto& column : metadata_) columns.push_back(Metadata(column, batch, partition, kept));
  out.rows.rows = arrow::RecordBatch::Make(schema_, rows, std::move(columns));
  if (upsert_) {
    ColumnBuffer buffer(SqlType::TinyInt());
    std::copy(kinds.begin(), kinds.end(), buffer.Extend<int8_t>(rows));
    out.rows.kinds = std::static_pointer_cast<arrow::Int8Array>(buffer.Finish());
  }
  return out;
}

std::shared_ptr<arrow::Array> KafkaRowDecoder::Metadata(const MetadataColumn& column,
                                                        const KafkaRecords& batch,
                                                        const TopicPartition& partition,
                                                        const std::vector<int32_t>& kept) const {
  const auto& records = batch.records();
  ColumnBuffer buffer(column.type);
  for (const int32_t i : kept) {
    const KafkaRecord& record = records[static_cast<size_t>(i)];
    if (column.key == "offset") {
      buffer.Append(record.offset);
    } else if (column.key == "timestamp") {
      buffer.Append(record.timestamp_ms * 1000);
    } else if (column.key == "partition") {
      buffer.Append(partition.partition);
    } else if (column.key == "topic") {
      buffer.AppendBytes(partition.topic);
    } else if (column.key == "timestamp-type") {
      buffer.AppendBytes(NameOf(record.timestamp_type));
    } else {
      AppendHeaders(batch.Headers(static_cast<size_t>(i)), &buffer);
    }
  }
  return buffer.Finish();
}

}  // namespace millrace

#include "operators/micro_batch_call.h"

#include <algorithm>
#include <utility>

#include <arrow/array.h>
#include <arrow/array/concatenate.h>
#include <arrow/buffer.h>
#include <arrow/builder.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

namespace millrace {
namespace {

const arrow::ListArray& ListAt(const arrow::RecordBatch& lists, int column) {
  return static_cast<const arrow::ListArray&>(*lists.column(column));
}

}  // namespace

Result<MicroBatchCall> MicroBatchCall::Make(const arrow::RecordBatch& lists,
                                            std::shared_ptr<arrow::Schema> element_schema) {
  MicroBatchCall call;
  const int64_t n = lists.num_rows();
  std::vector<arrow::ArrayVector> parts(static_cast<size_t>(lists.num_columns()));
  call.offsets_.push_back(0);
  for (int64_t row = 0; row < n; ++row) {
    const char* fault = nullptr;
    for (int c = 0; c < lists.num_columns() && fault == nullptr; ++c) {
      if (lists.column(c)->IsNull(row)) {
        fault = "is NULL";
      } else if (ListAt(lists, c).value_length(row) != ListAt(lists, 0).value_length(row)) {
        fault = "has another length than the first";
      }
      if (fault == nullptr) continue;
      call.errors_.push_back(
          {static_cast<int32_t>(row), "the array '" + lists.column_name(c) + "' " + fault, {}});
    }
    call.valid_.push_back(fault == nullptr);
    const int32_t length = fault == nullptr ? ListAt(lists, 0).value_length(row) : 0;
    for (int c = 0; c < lists.num_columns() && length > 0; ++c) {
      parts[static_cast<size_t>(c)].push_back(ListAt(lists, c).value_slice(row));
    }
    call.offsets_.push_back(call.offsets_.back() + length);
  }
  arrow::ArrayVector columns;
  for (int c = 0; c < lists.num_columns(); ++c) {
    auto& pieces = parts[static_cast<size_t>(c)];
    if (pieces.empty()) pieces.push_back(ListAt(lists, c).values()->Slice(0, 0));
    ARROW_ASSIGN_OR_RAISE(columns.emplace_back(), arrow::Concatenate(pieces));
  }
  call.elements_.rows =
      arrow::RecordBatch::Make(std::move(element_schema), call.offsets_.back(), std::move(columns));
  return call;
}

Result<Prediction> MicroBatchCall::Fold(Prediction elements) const {
  Prediction rows = std::move(elements);
  const auto element_errors = std::exchange(rows.errors, errors_);
  for (const RowError& error : element_errors) {
    const auto after = std::upper_bound(offsets_.begin(), offsets_.end(), error.row);
    const auto row = static_cast<int32_t>(after - offsets_.begin()) - 1;
    const bool known = std::any_of(rows.errors.begin(), rows.errors.end(),
                                   [&](const RowError& each) { return each.row == row; });
    if (known) continue;
    const int32_t element = error.row - offsets_[static_cast<size_t>(row)] + 1;
    rows.errors.push_back(
        {row, "element " + std::to_string(element) + ": " + error.text, error.position});
  }
  arrow::TypedBufferBuilder<bool> bits;
  int64_t nulls = 0;
  for (const uint8_t valid : valid_) {
    ARROW_RETURN_NOT_OK(bits.Append(valid != 0));
    nulls += valid == 0;
  }
  ARROW_ASSIGN_OR_RAISE(const auto validity, bits.Finish());
  const auto offsets = arrow::Buffer::FromVector(offsets_);
  const auto n = static_cast<int64_t>(valid_.size());
  arrow::ArrayVector columns;
  arrow::FieldVector fields;
  for (int c = 0; c < rows.outputs->num_columns(); ++c) {
    const auto type = arrow::list(rows.outputs->column(c)->type());
    columns.push_back(std::make_shared<arrow::ListArray>(type, n, offsets, rows.outputs->column(c),
                                                         nulls > 0 ? validity : nullptr, nulls));
    fields.push_back(arrow::field(rows.outputs->column_name(c), type));
  }
  rows.outputs = arrow::RecordBatch::Make(arrow::schema(std::move(fields)), n, std::move(columns));
  return rows;
}

}  // namespace millrace

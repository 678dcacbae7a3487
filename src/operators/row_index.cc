#include "operators/row_index.h"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/builder.h>
#include <arrow/compute/api_vector.h>

namespace millrace {

arrow::Int32Array RowIndex(const std::vector<int32_t>& rows) {
  return {static_cast<int64_t>(rows.size()), arrow::Buffer::Wrap(rows)};
}

Result<arrow::ArrayVector> TakeRows(const arrow::ArrayVector& columns,
                                    const std::vector<int32_t>& rows) {
  const arrow::Int32Array index = RowIndex(rows);
  arrow::ArrayVector taken;
  for (const auto& column : columns) {
    ARROW_ASSIGN_OR_RAISE(taken.emplace_back(), arrow::compute::Take(*column, index));
  }
  return taken;
}

Result<std::shared_ptr<arrow::Array>> NumbersOf(std::span<const int64_t> values) {
  arrow::Int64Builder builder;
  ARROW_RETURN_NOT_OK(builder.AppendValues(values.data(), static_cast<int64_t>(values.size())));
  return builder.Finish();
}

}  // namespace millrace

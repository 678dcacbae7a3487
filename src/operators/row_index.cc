#include "operators/row_index.h"

#include <memory>
#include <utility>

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/compute/api_vector.h>
#include <arrow/type_traits.h>

namespace millrace {
namespace {

template <class T>
std::shared_ptr<arrow::Buffer> Pick(const arrow::ArrayData& column,
                                    const std::vector<int32_t>& rows) {
  const T* from = column.GetValues<T>(1);
  std::vector<T> picked;
  picked.reserve(rows.size());
  for (const int32_t row : rows) picked.push_back(from[row]);
  return arrow::Buffer::FromVector(std::move(picked));
}

// Few rows are taken often: a kernel's call would cost more than they do.
Result<std::shared_ptr<arrow::Array>> TakeColumn(const std::shared_ptr<arrow::Array>& column,
                                                 const arrow::Int32Array& index,
                                                 const std::vector<int32_t>& rows) {
  const arrow::DataType& type = *column->type();
  const bool plain = arrow::is_primitive(type.id()) && column->null_count() == 0;
  if (!plain || (type.bit_width() != 64 && type.bit_width() != 32)) {
    return arrow::compute::Take(*column, index);
  }
  auto values = type.bit_width() == 64 ? Pick<uint64_t>(*column->data(), rows)
                                       : Pick<uint32_t>(*column->data(), rows);
  return arrow::MakeArray(
      arrow::ArrayData::Make(column->type(), index.length(), {nullptr, std::move(values)}, 0));
}

}  // namespace

arrow::Int32Array RowIndex(const std::vector<int32_t>& rows) {
  return {static_cast<int64_t>(rows.size()), arrow::Buffer::Wrap(rows)};
}

Result<arrow::ArrayVector> TakeRows(const arrow::ArrayVector& columns,
                                    const std::vector<int32_t>& rows) {
  const arrow::Int32Array index = RowIndex(rows);
  arrow::ArrayVector taken;
  for (const auto& column : columns) {
    ARROW_ASSIGN_OR_RAISE(taken.emplace_back(), TakeColumn(column, index, rows));
  }
  return taken;
}

Result<std::shared_ptr<arrow::Array>> NumbersOf(std::span<const int64_t> values) {
  auto buffer = arrow::Buffer::FromVector(std::vector<int64_t>(values.begin(), values.end()));
  return std::make_shared<arrow::Int64Array>(static_cast<int64_t>(values.size()),
                                             std::move(buffer));
}

}  // namespace millrace

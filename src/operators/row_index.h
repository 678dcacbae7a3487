#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <arrow/array/array_primitive.h>

#include "base/error.h"

namespace millrace {

/// Rows as an index of `Take`; valid as long as `rows` is.
arrow::Int32Array RowIndex(const std::vector<int32_t>& rows);

/// These rows of the columns, in this order.
Result<arrow::ArrayVector> TakeRows(const arrow::ArrayVector& columns,
                                    const std::vector<int32_t>& rows);

/// A column of BIGINT without NULLs.
Result<std::shared_ptr<arrow::Array>> NumbersOf(std::span<const int64_t> values);

}  // namespace millrace

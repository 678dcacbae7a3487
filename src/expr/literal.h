#pragma once

#include <memory>

#include <arrow/type_fwd.h>

#include "base/error.h"
#include "plan/expression.h"

namespace millrace {

/// A literal as an array of one value; an error where the value is not of its type.
Result<std::shared_ptr<arrow::Array>> LiteralArray(const Expression& literal);

/// Value `row` of `array` as a literal's value. Nested types have none: an error.
Result<LiteralValue> LiteralOf(const arrow::Array& array, int64_t row, const SqlType& type);

}  // namespace millrace

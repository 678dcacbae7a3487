#pragma once

#include "expr/row_kernel.h"
#include "types/sql_type.h"

namespace millrace {

/// Calls `f` with a value of the C type of an integer, FLOAT, DOUBLE or DECIMAL (Int128); null for
/// other types.
template <class F>
auto DispatchNumber(const SqlType& type, F f) -> decltype(f(int8_t{})) {
  switch (type.kind()) {
    case TypeKind::kTinyInt:
      return f(int8_t{});
    case TypeKind::kSmallInt:
      return f(int16_t{});
    case TypeKind::kInt:
      return f(int32_t{});
    case TypeKind::kBigInt:
      return f(int64_t{});
    case TypeKind::kFloat:
      return f(float{});
    case TypeKind::kDouble:
      return f(double{});
    case TypeKind::kDecimal:
      return f(Int128{});
    default:
      return nullptr;
  }
}

}  // namespace millrace

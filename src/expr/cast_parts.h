#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "expr/row_kernel.h"

namespace millrace::cast {

/// Kernels of families of casts; null where the pair is not of the family. For cast.cc.
ScalarKernel NumericCast(const SqlType& from, const SqlType& to);
ScalarKernel TemporalCast(const SqlType& from, const SqlType& to);
ScalarKernel CastToText(const SqlType& from, const SqlType& to);
ScalarKernel CastFromText(const SqlType& from, const SqlType& to, bool try_cast);

/// Calls `f` with a value of the C type of an integer, FLOAT, DOUBLE or DECIMAL (Int128).
template <class F>
ScalarKernel DispatchNumber(const SqlType& type, F f) {
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

}  // namespace millrace::cast

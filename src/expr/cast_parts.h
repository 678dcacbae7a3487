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

}  // namespace millrace::cast

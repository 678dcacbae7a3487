#pragma once

#include <optional>
#include <string>

#include "functions/declare.h"

namespace millrace::functions {

/// `+`, `-`, `*`, `/` over times and intervals; none where the types are others.
std::optional<BoundFunction> BindTemporalArithmetic(const std::string& sign, Types types);
BoundFunction NegateInterval(const SqlType& type);
/// FLOOR and CEIL of (x, unit); `function` tells which.
Result<BoundFunction> BindRoundToUnit(const std::string& function, Types types, Literals literals);

}  // namespace millrace::functions

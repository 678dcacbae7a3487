#pragma once

#include <string>

#include "functions/declare.h"

namespace millrace::functions {

/// Which of the values of a group an aggregate keeps: MIN, MAX, FIRST_VALUE, LAST_VALUE.
enum class Keep { kLeast, kGreatest, kFirst, kLast };

Result<BoundAggregate> BindKeep(const std::string& name, Types types, Keep keep);

}  // namespace millrace::functions

#pragma once

#include "models/pmml/expression.h"

namespace millrace::pmml {

/// An <Apply> of a built-in function, or of one that the document defines.
std::unique_ptr<Expression> CompileApply(const Element& apply, Scope& scope);

}  // namespace millrace::pmml

#pragma once

#include <vector>

#include "plan/expression.h"

namespace millrace::sql {

/// The parts of `a AND b AND …`; the whole where it is no AND.
std::vector<ExpressionPtr> SplitConjuncts(const ExpressionPtr& condition);

/// Their AND; null for none.
ExpressionPtr JoinConjuncts(std::vector<ExpressionPtr> conjuncts);

}  // namespace millrace::sql

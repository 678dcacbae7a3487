#pragma once

#include <span>

#include "plan/expression.h"
#include "types/schema.h"

namespace millrace {

/// Whether a model whose INPUT is `input` is given ARRAYs of what it takes: each row is then a
/// micro-batch, and its results are ARRAYs of the same length and order (T13).
bool IsMicroBatch(const Schema& input, std::span<const ExpressionPtr> arguments);

/// The columns, each as an ARRAY of what it is.
Schema ArraysOf(const Schema& columns);

}  // namespace millrace

#pragma once

#include <optional>
#include <string_view>

#include "syntax/ast_expression.h"

namespace millrace::syntax {

std::string_view WordOf(IntervalUnit unit);                         ///< "DAY"
std::optional<IntervalUnit> IntervalUnitOf(std::string_view word);  ///< "DAY", "days"

/// Whether there is an interval `from TO to`.
Status CheckRange(IntervalUnit from, IntervalUnit to);

/// Checks the qualifier and the text of `literal`, and fills `is_months` and `amount`.
/// The error says what the text should look like.
Status Resolve(IntervalLiteral* literal);

}  // namespace millrace::syntax

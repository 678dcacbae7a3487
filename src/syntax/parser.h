#pragma once

#include <string_view>
#include <vector>

#include "syntax/ast.h"

namespace millrace::syntax {

// All functions are thread-safe and never throw. The first error is returned, of the class kUser,
// with its position in `sql` and mostly with a hint. The trees own what they hold and do not refer
// to `sql`.

/// The statements of a script, which are separated by ';'.
Result<std::vector<StatementPtr>> ParseScript(std::string_view sql);

/// Exactly one statement; a ';' may follow.
Result<StatementPtr> ParseStatement(std::string_view sql);

/// An expression on its own, as in rules.
Result<ExpressionPtr> ParseExpression(std::string_view sql);

/// A row pattern on its own, as in MATCH_RECOGNIZE's PATTERN (…): "A B+ C{2,3}".
Result<Ptr<Pattern>> ParsePattern(std::string_view sql);

/// A type, such as "ROW<a INT NOT NULL, b ARRAY<STRING>>"; also every text of `SqlType::ToString`.
Result<SqlType> ParseType(std::string_view sql);

}  // namespace millrace::syntax

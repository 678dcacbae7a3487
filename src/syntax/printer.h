#pragma once

#include <span>
#include <string>

#include "syntax/ast.h"

namespace millrace::syntax {

// SQL for people: clauses on lines of their own, few parentheses, backquotes where they are needed.
// The parser reads every text back as an equal tree. Comments inside a statement are not kept.

std::string Print(const Statement& statement);  ///< without a ';'
std::string Print(const Query& query);
std::string Print(const Expression& expression);
std::string Print(const Pattern& pattern);
std::string Print(const SqlType& type);  ///< names without backquotes, where they need none

/// The statements, each with its ';' and a blank line between them.
std::string PrintScript(std::span<const StatementPtr> statements);

}  // namespace millrace::syntax

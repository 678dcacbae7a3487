#pragma once

#include <string>
#include <string_view>

namespace millrace::syntax {

/// A word that cannot be a name without backquotes, because the grammar would be ambiguous. Any
/// case. Fewer than Flink reserves: VALUE, TIMESTAMP, MODEL, KEY, TYPE and the like are free.
bool IsReserved(std::string_view word);

/// A function that is called without parentheses, such as CURRENT_DATE. Any case. All of them are
/// reserved.
bool IsNiladic(std::string_view word);

/// Reserved, but a function when a parenthesis follows: LEFT(s, 2).
bool IsReservedFunction(std::string_view word);

/// `name` as it is written in SQL: in backquotes where it would not be read back as this name in
/// every place.
std::string WriteName(std::string_view name);

/// `name` of a function: names with a syntax of their own (EXTRACT, MAP, ROLLUP …) need backquotes,
/// too.
std::string WriteFunctionName(std::string_view name);

}  // namespace millrace::syntax

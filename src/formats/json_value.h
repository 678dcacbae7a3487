#pragma once

#include <string_view>

#include "types/column_buffer.h"
#include "types/sql_type.h"

namespace millrace {

/// Whether the text is of the grammar of JSON's numbers.
bool IsJsonNumber(std::string_view text);

/// Appends the value of a string, a key or a number's digits. False, and nothing is appended, where
/// the text is none of the type. `iso`: a timestamp has a T, not a space, before its time.
bool AppendJsonText(std::string_view text, const SqlType& type, bool iso, ColumnBuffer& out);

}  // namespace millrace

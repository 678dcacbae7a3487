#pragma once

#include <string>

#include <arrow/type_fwd.h>

#include "types/sql_type.h"

namespace millrace {

/// Appends a value that is not NULL as its plain text, where a type has one for all formats:
/// BOOLEAN, numbers, DATE, and the bytes of CHAR and STRING. False, and nothing is appended, for
/// other types.
bool AppendPlainText(const SqlType& type, const arrow::Array& column, int64_t row,
                     std::string* out);

}  // namespace millrace

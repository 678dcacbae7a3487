#pragma once

#include <cstdint>
#include <string>

#include <arrow/type_fwd.h>

#include "types/schema.h"

namespace millrace::cli {

/// The SQL types of a result's columns: as its fields say ("sql.type"), else those that hold the
/// Arrow types.
Result<Schema> SqlColumns(const arrow::Schema& schema);

/// A value as the shell shows it, NULL as "NULL": times as SQL writes them, nested values as `[1,
/// 2]`, `{a=1}`, `(1, b)`. Instants are UTC and end with "Z". Control characters are escaped, so
/// that a value stays on its line.
void AppendCell(const SqlType& type, const arrow::Array& values, int64_t row, std::string* out);

}  // namespace millrace::cli

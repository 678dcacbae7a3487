#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "formats/csv.h"
#include "formats/csv_scanner.h"
#include "types/column_buffer.h"

namespace millrace {

/// A field that its column cannot hold.
struct FieldError {
  int64_t row;
  std::string reason;  ///< "column 3 `amount`: 'abc' is not a DOUBLE"
};

/// A column to read: which one it is, for errors, and where its fields are.
struct CsvColumn {
  std::string name;
  SqlType type;
  int number = 0;  ///< in the file, 1-based
  int slot = 0;    ///< among the wanted fields of a row
};

/// Whether the format can hold the type; a user error that names the column where it cannot.
Status CheckCsvType(const std::string& column, const SqlType& type);

/// Appends the column's value of every record. A field that is not such a value becomes NULL and an
/// error, rows in ascending order.
void AppendCsvColumn(const CsvColumn& column, const CsvOptions& options, std::string_view text,
                     const CsvRecords& records, int width, ColumnBuffer* out,
                     std::vector<FieldError>* errors);

}  // namespace millrace

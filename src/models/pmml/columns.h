#pragma once

#include <memory>

#include <arrow/type_fwd.h>

#include "models/pmml/scope.h"
#include "types/sql_type.h"

namespace millrace::pmml {

/// Whether `FillInput` takes values of the SQL type for a field.
bool TakesInput(DataType field, const SqlType& type);
/// Whether `OutputColumn` gives a field as the SQL type.
bool GivesOutput(const Field& field, const StringPool& strings, const SqlType& type);

/// Fills a field's column with rows [first, first + rows) of an array, or binds it to them.
void FillInput(const arrow::Array& array, int64_t first, int rows, const Field& field,
               Frame& frame);

/// Gathers a field's blocks as a column of a SQL type.
class OutputColumn {
 public:
  virtual ~OutputColumn() = default;
  /// Rows with `failed` (a byte each, may be null) become NULL.
  virtual Status Append(Frame& frame, const uint8_t* failed) = 0;
  virtual Result<std::shared_ptr<arrow::Array>> Finish() = 0;

  static std::unique_ptr<OutputColumn> Make(const Field& field, const SqlType& type, int64_t rows);
};

}  // namespace millrace::pmml

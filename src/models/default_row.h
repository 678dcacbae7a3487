#pragma once

#include <memory>
#include <span>
#include <string>

#include <arrow/type_fwd.h>

#include "spi/operator.h"
#include "types/schema.h"

namespace millrace {

/// One row of a model's outputs from its 'default-value': text as it is, else as JSON; several
/// outputs as one JSON object by column; "null" is NULL. A user error where the text is no value of
/// the columns.
Result<std::shared_ptr<arrow::RecordBatch>> ParseDefaultRow(const Schema& outputs,
                                                            const std::string& text);

/// The outputs with the rows of `errors` replaced by the one row of `row`.
Result<std::shared_ptr<arrow::RecordBatch>> WithDefaults(const arrow::RecordBatch& outputs,
                                                         std::span<const RowError> errors,
                                                         const arrow::RecordBatch& row);

}  // namespace millrace

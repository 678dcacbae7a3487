#pragma once

#include <functional>

#include "models/model_columns.h"
#include "spi/model.h"

namespace millrace {

/// Scores rows in one go; an error of the class data may be one row's fault.
using ScoreRows = std::function<Result<std::shared_ptr<arrow::RecordBatch>>(const Batch& rows)>;

/// Scores the groups of a batch. Where a group fails by its data, halves of it are tried until the
/// rows at fault are alone; where it fails otherwise, all its rows fail. `outputs`: the schema of
/// what `score` gives. `version` and `attempts` are left to the caller.
Result<Prediction> ScoreIsolated(const Batch& batch, RowGroups groups,
                                 const std::shared_ptr<arrow::Schema>& outputs,
                                 const ScoreRows& score);

}  // namespace millrace

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/metrics.h"
#include "base/value_sketch.h"
#include "types/schema.h"

namespace millrace {

/// How far a column of a version of a model is from its reference (M10): of the latest complete
/// window of rows.
struct ModelDrift {
  std::string model, version;
  std::string side;  ///< "input" or "output"
  std::string column;
  int64_t windows = 0;                   ///< that have been compared
  int64_t rows = 0, reference_rows = 0;  ///< values that were compared
  int64_t compared_us = 0;               ///< since 1970
  Shift shift;
};

/// Puts a comparison into the metrics: its labels, then `windows` is counted up.
void Publish(const ModelDrift& drift, MetricRegistry& metrics);

/// Of every column that was compared, by model, version, side and column.
std::vector<ModelDrift> DriftOf(const MetricRegistry& metrics);

/// Columns of the table `millrace.model_drift`: the members above, `column` as `column_name`.
Schema ModelDriftSchema();

}  // namespace millrace

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/metrics.h"
#include "types/schema.h"

namespace millrace {

/// What a version of a model has done in this process (M7). Times of calls in µs.
struct ModelStatistics {
  std::string model, version;
  int64_t calls = 0, failed_calls = 0, rows = 0, failed_rows = 0;
  int64_t first_use_us = 0, last_use_us = 0;  ///< since 1970; 0: never
  int64_t min_us = 0, mean_us = 0, p50_us = 0, p90_us = 0, p99_us = 0, max_us = 0;
};

/// Of every model and version, from the metrics that the model runtime keeps; by name.
std::vector<ModelStatistics> StatisticsOf(const MetricRegistry& metrics);

/// Columns of the table `millrace.model_stats`: the members above, times as TIMESTAMP_LTZ(3).
Schema ModelStatisticsSchema();

}  // namespace millrace

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/metrics.h"

namespace millrace {

/// Metrics in InfluxDB's line protocol with a time stamp in milliseconds. Names get the prefix
/// "millrace_", labels become tags; a counter or gauge has the field `value`, a histogram `count`,
/// `sum`, `max`, `p50`, `p90` and `p99`.
std::string InfluxText(const std::vector<MetricValue>& metrics, int64_t now_us);

}  // namespace millrace

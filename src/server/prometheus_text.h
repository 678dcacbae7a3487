#pragma once

#include <string>
#include <vector>

#include "base/metrics.h"

namespace millrace {

/// The metric's name as other systems take it: "millrace_", then letters, digits and '_'.
std::string ExportedName(const MetricValue& metric);

/// Metrics in Prometheus' text format, version 0.0.4. Names get the prefix "millrace_"; a histogram
/// becomes a summary of the quantiles 0.5, 0.9, 0.99 with its sum and count.
std::string PrometheusText(const std::vector<MetricValue>& metrics);

}  // namespace millrace

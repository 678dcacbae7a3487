#include "spi/model_statistics.h"

#include <map>
#include <utility>

namespace millrace {

std::vector<ModelStatistics> StatisticsOf(const MetricRegistry& metrics) {
  std::map<std::pair<std::string, std::string>, ModelStatistics> by_version;
  for (const MetricValue& metric : metrics.Snapshot()) {
    const auto model = metric.labels.find("model");
    const auto version = metric.labels.find("version");
    // Operators have metrics of their calls, too, with their own labels.
    if (metric.labels.size() != 2 || model == metric.labels.end() ||
        version == metric.labels.end()) {
      continue;
    }
    ModelStatistics& one = by_version[{model->second, version->second}];
    one.model = model->second;
    one.version = version->second;
    if (metric.name == "model_requests") one.calls = metric.value;
    if (metric.name == "model_failure") one.failed_calls = metric.value;
    if (metric.name == "model_output_rows") one.rows = metric.value;
    if (metric.name == "model_failed_rows") one.failed_rows = metric.value;
    if (metric.name == "model_first_use") one.first_use_us = metric.value;
    if (metric.name == "model_last_use") one.last_use_us = metric.value;
    if (metric.name == "model_fastest") one.min_us = metric.value;
    if (metric.name != "model_latency" || metric.histogram->count() == 0) continue;
    const Histogram& latency = *metric.histogram;
    one.mean_us = latency.sum() / latency.count();
    one.p50_us = latency.Quantile(0.5);
    one.p90_us = latency.Quantile(0.9);
    one.p99_us = latency.Quantile(0.99);
    one.max_us = latency.max();
  }
  std::vector<ModelStatistics> all;
  for (auto& [name, one] : by_version) {
    // What stands for the versions before the first one has no name.
    if (!one.version.empty() || one.calls > 0) all.push_back(std::move(one));
  }
  return all;
}

Schema ModelStatisticsSchema() {
  Schema schema;
  for (const char* name : {"model", "version"}) schema.Add(name, SqlType::String());
  for (const char* name : {"calls", "failed_calls", "rows", "failed_rows"}) {
    schema.Add(name, SqlType::BigInt());
  }
  for (const char* name : {"first_use", "last_use"}) schema.Add(name, SqlType::TimestampLtz(3));
  for (const char* name : {"min_us", "mean_us", "p50_us", "p90_us", "p99_us", "max_us"}) {
    schema.Add(name, SqlType::BigInt());
  }
  return schema;
}

}  // namespace millrace

#include "server/model_times.h"

#include <nlohmann/json.hpp>

namespace millrace {

std::map<ModelVersion, nlohmann::json> TimesOf(const MetricRegistry& metrics) {
  std::map<ModelVersion, nlohmann::json> times;
  std::map<ModelVersion, std::pair<int64_t, int64_t>> queues;  ///< sum and count of all operators
  for (const MetricValue& metric : metrics.Snapshot()) {
    const auto model = metric.labels.find("model"), version = metric.labels.find("version");
    if (model == metric.labels.end() || version == metric.labels.end()) continue;
    const ModelVersion of(model->second, version->second);
    if (metric.name == "engine_queue") {
      queues[of].first += metric.histogram->sum();
      queues[of].second += metric.histogram->count();
    }
    for (const char* part : {"network", "server_queue", "server_compute"}) {
      if (metric.name == std::string("model_") + part) times[of][part] = metric.value;
    }
  }
  for (const auto& [of, queue] : queues) {
    if (queue.second > 0) times[of]["engine_queue"] = queue.first / queue.second;
  }
  return times;
}

}  // namespace millrace

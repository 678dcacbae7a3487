#include "server/job_json.h"

#include <nlohmann/json.hpp>

#include "base/options.h"

namespace millrace {
namespace {

using nlohmann::json;

/// The counts of an operator, by the names that JSON and metrics share.
struct Count {
  const char* name;
  int64_t OperatorMetrics::* value;
};
constexpr Count kCounts[] = {{"rows_in", &OperatorMetrics::rows_in},
                             {"rows_out", &OperatorMetrics::rows_out},
                             {"rows_rejected", &OperatorMetrics::rejected},
                             {"busy_us", &OperatorMetrics::busy_us},
                             {"backpressured_us", &OperatorMetrics::backpressured_us}};

json TextOrNull(const std::string& text) { return text.empty() ? json() : json(text); }

}  // namespace

json JobSummary(const ServedJob& job) {
  return {{"name", job.record.definition.name},       {"phase", ToString(job.record.phase)},
          {"submitted_us", job.record.submitted_us},  {"changed_us", job.record.changed_us},
          {"error", TextOrNull(job.record.error)},    {"rows_read", job.metrics.rows_read},
          {"rows_written", job.metrics.rows_written}, {"rows_rejected", job.metrics.rows_rejected}};
}

json JobDetails(const ServedJob& job) {
  json details = JobSummary(job);
  json settings = json::object();
  for (const auto& [key, value] : job.record.definition.settings) {
    settings[key] = RedactedValue(key, value);
  }
  details["sql"] = job.record.definition.sql;
  details["settings"] = std::move(settings);
  details["run"] = job.record.run;
  details["restored_from"] = TextOrNull(job.record.restore_from);
  details["id"] = TextOrNull(job.id);
  if (job.started_us != 0) details["started_us"] = job.started_us;
  details["elapsed_us"] = job.metrics.elapsed_us;
  details["operators"] = json::array();
  for (const OperatorMetrics& metrics : job.metrics.operators) {
    json node = {{"node", metrics.node}, {"op", metrics.op}};
    for (const Count& count : kCounts) node[count.name] = metrics.*count.value;
    details["operators"].push_back(std::move(node));
  }
  return details;
}

void AppendMetrics(const ServedJob& job, std::vector<MetricValue>* metrics) {
  const std::string& name = job.record.definition.name;
  const int64_t running = job.record.phase == JobPhase::kRunning ? 1 : 0;
  metrics->push_back({"job_running", {{"job", name}}, MetricValue::Kind::kGauge, running, {}});
  for (const OperatorMetrics& node : job.metrics.operators) {
    const MetricLabels labels = {{"job", name}, {"node", node.node}, {"op", node.op}};
    for (const Count& count : kCounts) {
      metrics->push_back({std::string("operator_") + count.name,
                          labels,
                          MetricValue::Kind::kCounter,
                          node.*count.value,
                          {}});
    }
  }
}

}  // namespace millrace

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
                             {"most_rows_in", &OperatorMetrics::most_rows_in},
                             {"rows_rejected", &OperatorMetrics::rejected},
                             {"busy_us", &OperatorMetrics::busy_us},
                             {"backpressured_us", &OperatorMetrics::backpressured_us}};

/// What is told of a checkpoint, by name.
struct Measure {
  const char* name;
  int64_t CheckpointInfo::* value;
};
constexpr Measure kMeasures[] = {{"id", &CheckpointInfo::id},
                                 {"begun_us", &CheckpointInfo::begun_us},
                                 {"duration_us", &CheckpointInfo::duration_us},
                                 {"alignment_us", &CheckpointInfo::alignment_us},
                                 {"pause_us", &CheckpointInfo::pause_us},
                                 {"write_us", &CheckpointInfo::write_us},
                                 {"written_bytes", &CheckpointInfo::written_bytes},
                                 {"total_bytes", &CheckpointInfo::total_bytes}};

/// What an operator has now, as `Count`.
constexpr Count kLevels[] = {{"state_bytes", &OperatorMetrics::state_bytes},
                             {"queued_bytes", &OperatorMetrics::queued_bytes},
                             {"queue_capacity_bytes", &OperatorMetrics::queue_capacity_bytes}};
struct Time {
  const char* name;
  std::optional<int64_t> OperatorMetrics::* value;
};
constexpr Time kTimes[] = {{"watermark_us", &OperatorMetrics::watermark_us},
                           {"watermark_lag_us", &OperatorMetrics::watermark_lag_us}};

json TextOrNull(const std::string& text) { return text.empty() ? json() : json(text); }

}  // namespace

json JobSummary(const ServedJob& job) {
  const std::string_view phase = job.restarting ? "restarting" : ToString(job.record.phase);
  return {{"name", job.record.definition.name},       {"phase", phase},
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
  details["restarts"] = job.metrics.restarts;
  details["last_failure"] = TextOrNull(job.metrics.last_failure);
  details["restored"] = json();
  if (const RestoreInfo& restored = job.restored; !restored.checkpoint.empty()) {
    details["restored"] = {{"checkpoint", restored.checkpoint},
                           {"kept", restored.kept},
                           {"new", restored.added},
                           {"dropped", restored.dropped},
                           {"skipped", restored.skipped}};
  }
  details["checkpoints"] = json::array();
  for (const CheckpointInfo& checkpoint : job.metrics.checkpoints) {
    json entry = {{"kind", checkpoint.kind},
                  {"path", TextOrNull(checkpoint.path)},
                  {"failure", TextOrNull(checkpoint.failure)},
                  {"state_bytes", checkpoint.state_bytes}};
    for (const Measure& measure : kMeasures) entry[measure.name] = checkpoint.*measure.value;
    details["checkpoints"].push_back(std::move(entry));
  }
  details["operators"] = json::array();
  for (const OperatorMetrics& metrics : job.metrics.operators) {
    json node = {{"node", metrics.node},
                 {"op", metrics.op},
                 {"subtasks", metrics.subtasks},
                 {"skew_hint", TextOrNull(metrics.skew_hint)}};
    for (const Count& count : kCounts) node[count.name] = metrics.*count.value;
    for (const Count& level : kLevels) node[level.name] = metrics.*level.value;
    for (const Time& time : kTimes) {
      const auto& value = metrics.*time.value;
      node[time.name] = value ? json(*value) : json();
    }
    details["operators"].push_back(std::move(node));
  }
  return details;
}

void AppendMetrics(const ServedJob& job, std::vector<MetricValue>* metrics) {
  const std::string& name = job.record.definition.name;
  const int64_t running = job.record.phase == JobPhase::kRunning ? 1 : 0;
  metrics->push_back({"job_running", {{"job", name}}, MetricValue::Kind::kGauge, running, {}});
  metrics->push_back(
      {"job_restarts", {{"job", name}}, MetricValue::Kind::kCounter, job.metrics.restarts, {}});
  if (!job.metrics.checkpoints.empty()) {
    const CheckpointInfo& last = job.metrics.checkpoints.back();
    for (const Measure& measure : kMeasures) {
      metrics->push_back({std::string("last_checkpoint_") + measure.name,
                          {{"job", name}},
                          MetricValue::Kind::kGauge,
                          last.*measure.value,
                          {}});
    }
  }
  for (const OperatorMetrics& node : job.metrics.operators) {
    const MetricLabels labels = {{"job", name}, {"node", node.node}, {"op", node.op}};
    for (const Count& count : kCounts) {
      metrics->push_back({std::string("operator_") + count.name,
                          labels,
                          MetricValue::Kind::kCounter,
                          node.*count.value,
                          {}});
    }
    const auto gauge = [&](const char* what, int64_t value) {
      metrics->push_back(
          {std::string("operator_") + what, labels, MetricValue::Kind::kGauge, value, {}});
    };
    for (const Count& level : kLevels) gauge(level.name, node.*level.value);
    for (const Time& time : kTimes) {
      if (const auto& value = node.*time.value) gauge(time.name, *value);
    }
  }
}

}  // namespace millrace

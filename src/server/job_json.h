#pragma once

#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/metrics.h"
#include "server/job_service.h"

namespace millrace {

/// A job for a list: name, phase, times, counts.
nlohmann::json JobSummary(const ServedJob& job);
/// All there is to say about a job.
nlohmann::json JobDetails(const ServedJob& job);
/// Whether it runs, restarts, its last checkpoint; the counts of its operators, with labels job,
/// node and op.
void AppendMetrics(const ServedJob& job, std::vector<MetricValue>* metrics);

}  // namespace millrace

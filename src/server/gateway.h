#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/metrics.h"
#include "server/api.h"
#include "server/job_service.h"

namespace millrace {

/// The REST interface of a job service, without the HTTP; docs/guide/service.md lists its pages.
/// What a client does wrong is a 4xx with {"error", "hint", "line", "column"}. Thread-safe; works,
/// and waits, on the caller's thread.
class Gateway {
 public:
  /// Both outlive the object. `token`: what requests must bear; empty: none.
  Gateway(JobService& jobs, MetricRegistry& metrics, std::string token)
      : jobs_(jobs), metrics_(metrics), token_(std::move(token)) {}

  ApiResponse Answer(const ApiRequest& request) const;
  /// Of the process and of all jobs.
  std::vector<MetricValue> Metrics() const;

 private:
  ApiResponse AnswerJobs(const ApiRequest& request, const std::vector<std::string>& path) const;
  Result<ApiResponse> Submit(const ApiRequest& request) const;
  Result<ApiResponse> Remove(const std::string& name) const;
  Result<ApiResponse> Act(const ApiRequest& request, const std::string& name,
                          const std::string& action) const;
  /// What the models of the process have done, by version (M7).
  nlohmann::json Models() const;

  JobService& jobs_;
  MetricRegistry& metrics_;
  const std::string token_;
};

}  // namespace millrace

#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/metrics.h"
#include "server/api.h"
#include "server/job_service.h"
#include "spi/services.h"

namespace millrace {

/// The REST interface of a job service, without the HTTP; docs/guide/service.md lists its pages.
/// What a client does wrong is a 4xx with {"error", "hint", "line", "column"}. Thread-safe; works,
/// and waits, on the caller's thread.
class Gateway {
 public:
  /// All outlive the object. `token`: what requests must bear; empty: none.
  Gateway(JobService& jobs, Services& services, std::string token)
      : jobs_(jobs), services_(services), token_(std::move(token)) {}

  ApiResponse Answer(const ApiRequest& request) const;
  /// Of the process and of all jobs.
  std::vector<MetricValue> Metrics() const;

 private:
  ApiResponse AnswerJobs(const ApiRequest& request, const std::vector<std::string>& path) const;
  Result<ApiResponse> Submit(const ApiRequest& request) const;
  Result<ApiResponse> Remove(const std::string& name) const;
  Result<ApiResponse> Act(const ApiRequest& request, const std::string& name,
                          const std::string& action) const;
  /// What the models of the process have done, and what became of their versions (M7, M9, M10).
  ApiResponse AnswerModels(const ApiRequest& request, const std::vector<std::string>& path) const;

  JobService& jobs_;
  Services& services_;
  const std::string token_;
};

}  // namespace millrace

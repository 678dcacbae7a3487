#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "plan/physical_plan.h"
#include "runtime/runtime.h"
#include "session/engine.h"
#include <millrace/session.h>

namespace millrace {

/// Thread-safe. Holds the job until it is known to have ended, then only what it said last.
class JobClient::Impl {
 public:
  Impl(std::shared_ptr<Engine> engine, std::string name, JobHandle handle,
       const PhysicalPlan& plan);

  const std::string id;
  const std::string name;
  const int64_t started_us;

  Status Wait();
  std::optional<Status> WaitFor(int64_t timeout_us);
  void WhenOver(std::function<void()> done);
  void Cancel();
  Result<std::string> Savepoint(const std::string& folder, bool stop);
  JobStatus status();
  JobMetrics metrics();
  RestoreInfo restored();

 private:
  struct Node {
    std::string id;
    std::string op;
    std::string skew_hint;  ///< what to do where one subtask has most rows
  };

  std::optional<JobHandle> handle();
  JobMetrics Measure(const JobProgress& progress) const;
  void Settle(const Status& outcome);

  const std::shared_ptr<Engine> engine_;
  std::vector<Node> nodes_;
  const int64_t began_us_;  ///< monotonic
  std::mutex mutex_;
  std::optional<JobHandle> handle_;  ///< while it is not known to have ended
  Status outcome_;
  JobMetrics last_;
  RestoreInfo last_restored_;
};

}  // namespace millrace

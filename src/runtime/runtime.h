#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "plan/physical_plan.h"
#include "spi/operator_factory.h"
#include "task/stage_task.h"

namespace millrace {

class Executor;
class Job;

/// How a job runs. The default: no checkpoints on disk, a bounded job commits its sinks when it
/// ends.
struct JobOptions {
  std::string name = "job";
  std::string checkpoint_folder;       ///< empty: checkpoints are not written
  int64_t checkpoint_interval_us = 0;  ///< 0: only the last one, when the inputs have ended
  int keep_checkpoints = 1;
  std::string
      restore_from;  ///< a checkpoint's folder, or the folder above it; empty: a fresh start
  bool allow_dropped_state = false;  ///< state that the plan does not know any more is left behind
  int64_t channel_bytes = 1 << 20;   ///< room between two subtasks
  int64_t memory_limit = int64_t{1} << 30;  ///< of each subtask
};

enum class JobState { kRunning, kFinished, kFailed, kCancelled };
std::string_view ToString(JobState state);

/// What a restore did with each table of state: names are "node/table".
struct RestoreReport {
  std::string checkpoint;  ///< its folder
  std::vector<std::string> kept, added, dropped;
};

struct JobProgress {
  JobState state = JobState::kRunning;
  std::vector<NodeStats> nodes;  ///< in the plan's order, summed over subtasks
  int64_t checkpoints = 0;       ///< completed
  std::string last_checkpoint;   ///< its folder; empty: none was written
};

/// A job that was submitted. Copies refer to the same job, which goes on when they are gone.
/// Thread-safe.
class JobHandle {
 public:
  explicit JobHandle(std::shared_ptr<Job> job) : job_(std::move(job)) {}

  const std::string& id() const;
  /// Until the job is over: OK where it finished, the first error where it failed, Cancelled where
  /// it was cancelled.
  Status Wait() const;
  /// As `Wait`, for at most `timeout_us`; nothing while the job still runs.
  std::optional<Status> WaitFor(int64_t timeout_us) const;
  /// Calls `done` when the job is over: on a worker's thread, where it must not block, or at once.
  void WhenOver(std::function<void()> done) const;
  /// Stops without a last checkpoint; prompt. `Wait` tells when it is done.
  void Cancel() const;
  /// Takes a checkpoint into `folder` and waits for it; gives its path.
  Result<std::string> Savepoint(const std::string& folder) const;
  JobProgress progress() const;
  const RestoreReport& restored() const;

 private:
  std::shared_ptr<Job> job_;
};

/// Runs jobs in this process on shared workers. Thread-safe. Outlived by `Services`, whose `Env` it
/// uses.
class Runtime {
 public:
  /// `workers` 0: as many as there are cores. `finder` defaults to `MakeSplitFinder`.
  Runtime(Services& services, OperatorMaker maker, int workers = 0, SplitFinderMaker finder = {});
  /// On another executor: the simulator's.
  Runtime(Services& services, OperatorMaker maker, std::unique_ptr<Executor> executor,
          SplitFinderMaker finder = {});
  /// Cancels what still runs and waits for it.
  ~Runtime();

  /// Checks the plan, makes its operators, reads the checkpoint to restore (may block for it) and
  /// starts.
  Result<JobHandle> Submit(std::shared_ptr<const PhysicalPlan> plan, JobOptions options = {});
  std::vector<JobHandle> jobs() const;  ///< that still run

 private:
  void Sweep() const;

  Services& services_;
  OperatorMaker maker_;
  SplitFinderMaker finder_;
  std::unique_ptr<Executor> executor_;
  mutable std::mutex mutex_;
  mutable std::vector<std::shared_ptr<Job>> jobs_;
  int64_t next_job_ = 1;
};

}  // namespace millrace

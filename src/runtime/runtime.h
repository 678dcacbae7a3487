#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "plan/physical_plan.h"
#include "runtime/restart.h"
#include "spi/operator_factory.h"
#include "task/stage_task.h"

namespace millrace {

class Executor;
class Job;

/// How a job runs. The default: no checkpoints on disk, a bounded job commits its sinks when it
/// ends.
struct JobOptions {
  std::string name = "job";
  std::string checkpoint_folder;       ///< of this job alone; empty: checkpoints are not written
  int64_t checkpoint_interval_us = 0;  ///< 0: only the last one, when the inputs have ended
  int64_t checkpoint_timeout_us = 600'000'000;  ///< a written one that takes longer is given up
  int64_t checkpoint_min_pause_us = 0;          ///< between the end of one and the next
  int keep_checkpoints = 1;
  /// How many periodic checkpoints in a row may fail before the job does; empty: any number.
  std::optional<int64_t> tolerated_checkpoint_failures;
  RestartOptions restart;
  std::string
      restore_from;  ///< a checkpoint's folder, or the folder above it; empty: a fresh start
  bool allow_dropped_state = false;  ///< state that the plan does not know any more is left behind
  int64_t channel_bytes = 1 << 20;   ///< room between two subtasks
  int64_t memory_limit = int64_t{1} << 30;  ///< of each subtask
};

enum class JobState { kRunning, kRestarting, kFinished, kFailed, kCancelled };
std::string_view ToString(JobState state);

struct SkippedCheckpoint {
  std::string path;
  std::string cause;
};

/// What a restore did with each table of state: names are "node/table".
struct RestoreReport {
  std::string checkpoint;                  ///< its folder; empty: a fresh start
  std::vector<SkippedCheckpoint> skipped;  ///< newer ones, which are damaged
  std::vector<std::string> kept, added, dropped;
};

/// One checkpoint or savepoint that was tried.
struct CheckpointRecord {
  enum class Kind { kPeriodic, kSavepoint, kLast };
  CheckpointId id{0};
  Kind kind = Kind::kPeriodic;
  std::string path;           ///< empty: it failed
  std::string failure;        ///< empty: it is complete
  int64_t begun_us = 0;       ///< wall clock
  int64_t duration_us = 0;    ///< from the trigger until it was complete
  int64_t alignment_us = 0;   ///< the longest of a task: from its first barrier to its last
  int64_t pause_us = 0;       ///< the longest of a task: in which it took no rows, after alignment
  int64_t write_us = 0;       ///< to storage, beside the tasks
  int64_t written_bytes = 0;  ///< of state that no older checkpoint holds
  int64_t total_bytes = 0;    ///< of all state in it
  std::map<std::string, int64_t> state_bytes;  ///< by "node/table"
};
std::string_view ToString(CheckpointRecord::Kind kind);

struct JobProgress {
  JobState state = JobState::kRunning;
  /// In the plan's order, summed over subtasks and attempts: what was read again counts again.
  std::vector<NodeStats> nodes;
  int64_t checkpoints = 0;                ///< completed, also those that were not to be written
  int64_t failed_checkpoints = 0;         ///< of any kind
  std::string last_checkpoint;            ///< the folder of the newest; empty: none was written
  std::vector<CheckpointRecord> history;  ///< of those that were to be written, the last ten
  int64_t restarts = 0;
  std::string last_failure;  ///< why it restarted last; empty: it never has
};

/// A job that was submitted. Copies refer to the same job, which goes on when they are gone.
/// Thread-safe.
class JobHandle {
 public:
  explicit JobHandle(std::shared_ptr<Job> job) : job_(std::move(job)) {}

  const std::string& id() const;
  /// Until the job is over, through all its restarts: OK where it finished, the first error where
  /// it failed, Cancelled where it was cancelled.
  Status Wait() const;
  /// As `Wait`, for at most `timeout_us`; nothing while the job still runs.
  std::optional<Status> WaitFor(int64_t timeout_us) const;
  /// Calls `done` when the job is over: on a worker's thread, where it must not block, or at once.
  void WhenOver(std::function<void()> done) const;
  /// Stops without a last checkpoint; prompt. `Wait` tells when it is done.
  void Cancel() const;
  /// Takes a savepoint into a new folder below `folder` and waits for it; gives its path.
  Result<std::string> Savepoint(const std::string& folder) const;
  /// The same, and nothing is processed after it: the job finishes once its sinks have committed
  /// what is in the savepoint. Where that fails, the job goes on.
  Result<std::string> StopWithSavepoint(const std::string& folder) const;
  JobState state() const;  ///< cheaper than `progress`
  JobProgress progress() const;
  RestoreReport restored() const;  ///< of its last (re)start

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
  void Sweep() const;  ///< forgets jobs that are over
  Status CheckFolderIsFree(const JobOptions& options) const;

  Services& services_;
  OperatorMaker maker_;
  SplitFinderMaker finder_;
  std::unique_ptr<Executor> executor_;
  mutable std::mutex mutex_;
  mutable std::vector<std::shared_ptr<Job>> jobs_;
  size_t sweep_at_ = 16;  ///< so many jobs
  int64_t next_job_ = 1;
};

}  // namespace millrace

#pragma once

#include <condition_variable>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "runtime/coordinator.h"
#include "runtime/execution.h"
#include "runtime/executor.h"
#include "runtime/restart.h"
#include "runtime/runtime.h"

namespace millrace {

/// One job through all its attempts: starts it, restarts it after a failure, ends it. What happens
/// comes as messages, handled one at a time in slices of the executor; nothing here blocks.
class Job final : public Runnable, private ExecutionListener, private CoordinatorListener {
 public:
  /// Makes the tasks and restores them; may block.
  static Result<std::shared_ptr<Job>> Make(std::string id, std::shared_ptr<const PhysicalPlan> plan,
                                           JobOptions options, Executor& executor,
                                           Services& services, const OperatorMaker& maker,
                                           const SplitFinderMaker& finder);
  void Start();

  // --- any thread
  const std::string& id() const { return definition_.id; }
  const JobOptions& options() const { return definition_.options; }
  void Cancel();
  /// Takes a checkpoint as soon as none is under way, beside those that are due by time.
  void TakeCheckpoint();
  /// Into a new folder below `folder`. `stop`: the job finishes with it.
  std::future<Result<std::string>> Savepoint(std::string folder, bool stop);
  bool over() const;
  Status Wait() const;
  std::optional<Status> WaitFor(int64_t timeout_us) const;
  void WhenOver(std::function<void()> done);
  JobState state() const;
  JobProgress progress() const;
  RestoreReport restored() const;

 protected:
  bool RunSlice() override;

 private:
  enum class Phase {
    kRunning,
    kEnding,   ///< the tasks close, the last file is written; then the job is over
    kFailing,  ///< the tasks close; then the job restarts
    kPausing,
    kRestoring,
    kOver,
  };

  Job(JobDefinition definition);

  void Post(std::function<void()> message);
  Execution::Post Poster();
  void Tick();
  void Fail(const Status& status);
  void BeginPause();
  /// The checkpoints that `from` stands for, the newest first; none where it is empty. `from` may
  /// be the folder in which this job's folder of checkpoints is. May block.
  Result<std::vector<std::string>> Candidates(const std::string& from) const;
  void Restart();
  void OnRestored(Result<std::shared_ptr<Execution>> execution);
  void Run(std::shared_ptr<Execution> execution);
  void DropExecution();
  void SetOutcome(JobState state, Status status);
  void End();

  // --- ExecutionListener, CoordinatorListener
  void OnSnapshot(int runner, CheckpointId id, TaskCheckpoint checkpoint) override;
  void OnTaskFinished() override { coordinator_.OnTaskFinished(); }
  void OnFailed(Status status) override { Fail(status); }
  void OnAllClosed() override;
  void OnLastCheckpoint() override { phase_ = Phase::kEnding; }
  void OnCheckpointsFailed(Status status) override { Fail(status); }
  void OnQuiet() override;

  const JobDefinition definition_;

  std::mutex messages_mutex_;
  std::vector<std::function<void()>> messages_;

  // The job's own thread.
  CheckpointCoordinator coordinator_;
  RestartPolicy restart_policy_;
  Phase phase_ = Phase::kRunning;
  int64_t restart_at_us_ = AlarmHeap::kNever;

  mutable std::mutex state_mutex_;
  mutable std::condition_variable over_;
  std::shared_ptr<Execution> execution_;  ///< written on the job's thread
  std::vector<NodeStats> earlier_stats_;  ///< of the attempts before
  RestoreReport restored_;
  JobState state_ = JobState::kRunning;
  bool is_over_ = false;
  std::vector<std::function<void()>> when_over_;
  Status status_;
  int64_t restarts_ = 0;
  std::string last_failure_;
};

}  // namespace millrace

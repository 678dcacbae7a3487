#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "runtime/channel.h"
#include "runtime/checkpoint.h"
#include "runtime/executor.h"
#include "runtime/runtime.h"
#include "runtime/split_assigner.h"
#include "runtime/task_runner.h"

namespace millrace {

/// One job and its coordinator: starts and ends its tasks, takes checkpoints, assigns splits. What
/// happens comes as messages, handled one at a time in slices of the executor; nothing here blocks.
class Job final : public Runnable, public TaskListener {
 public:
  static Result<std::shared_ptr<Job>> Make(std::string id, std::shared_ptr<const PhysicalPlan> plan,
                                           JobOptions options, Executor& executor,
                                           Services& services, const OperatorMaker& maker,
                                           const SplitFinderMaker& finder);
  void Start();

  // --- any thread
  const std::string& id() const { return id_; }
  void Cancel();
  void Savepoint(std::string folder, std::function<void(Result<std::string>)> done);
  bool over() const;
  Status Wait() const;
  std::optional<Status> WaitFor(int64_t timeout_us) const;
  void WhenOver(std::function<void()> done);
  JobProgress progress() const;
  const RestoreReport& restored() const { return restored_; }

  // --- TaskListener
  void OnSnapshot(int runner, CheckpointId id, std::shared_ptr<StageSnapshot> snapshot) override;
  void OnFinished(int runner) override;
  void OnFailed(int runner, Status status) override;
  void OnClosed(int runner) override;

 protected:
  bool RunSlice() override;

 private:
  using SavepointDone = std::function<void(Result<std::string>)>;
  struct SavepointRequest {
    std::string folder;
    SavepointDone done;
  };
  /// The checkpoint that is being taken.
  struct Pending {
    CheckpointContent content;
    size_t missing = 0;  ///< snapshots, then flushes
    bool last = false;
    std::string folder;  ///< empty: not written
    std::optional<SavepointRequest> savepoint;
  };

  Job(std::string id, std::shared_ptr<const PhysicalPlan> plan, JobOptions options,
      Executor& executor, Services& services);
  Status Build(const OperatorMaker& maker);
  void Connect(const Exchange& exchange, const std::vector<std::vector<TaskRunner*>>& by_stage);
  Status Restore();
  Status MakeAssigners(const SplitFinderMaker& finder);

  void Post(std::function<void()> message);
  std::function<void(std::function<void()>)> Poster();
  void Tick();
  void Request();
  void Begin();
  void Collected();
  void Flushed(CheckpointId id, const Status& status);
  void Written(CheckpointId id, const Result<std::string>& path);
  void FailJob(const Status& status);
  void CloseAll();
  void End();

  const std::string id_;
  const std::shared_ptr<const PhysicalPlan> plan_;
  const JobOptions options_;
  Services& services_;
  RestoreReport restored_;

  std::vector<std::unique_ptr<Channel>> channels_;
  std::vector<std::shared_ptr<TaskRunner>> runners_;
  std::vector<CheckpointContent::Task> task_files_;  ///< per runner, without a snapshot
  std::vector<std::shared_ptr<SplitAssigner>> assigners_;
  std::vector<CheckpointContent::Finder> finder_states_;  ///< restored

  std::mutex messages_mutex_;
  std::vector<std::function<void()>> messages_;

  // The coordinator's own.
  std::unique_ptr<Pending> pending_;
  std::deque<SavepointRequest> savepoints_;
  int64_t next_checkpoint_ = 1;
  int64_t next_tick_us_ = AlarmHeap::kNever;
  bool requested_ = false;  ///< a periodic checkpoint is due
  size_t unfinished_ = 0;
  size_t open_ = 0;
  bool ending_ = false;  ///< the tasks are being closed

  mutable std::mutex state_mutex_;
  mutable std::condition_variable over_;
  JobState state_ = JobState::kRunning;
  bool is_over_ = false;
  std::vector<std::function<void()>> when_over_;
  Status status_;
  int64_t completed_ = 0;
  std::string last_checkpoint_;
};

}  // namespace millrace

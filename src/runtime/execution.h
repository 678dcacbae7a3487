#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "runtime/channel.h"
#include "runtime/checkpoint.h"
#include "runtime/executor.h"
#include "runtime/runtime.h"
#include "runtime/split_assigner.h"
#include "runtime/task_runner.h"

namespace millrace {

/// What a job is made of, for all its attempts.
struct JobDefinition {
  std::string id;
  std::shared_ptr<const PhysicalPlan> plan;
  JobOptions options;
  Executor& executor;
  Services& services;
  OperatorMaker make_operator;
  SplitFinderMaker make_finder;
};

/// How the tasks of an execution fare. Called on the job's thread.
class ExecutionListener {
 public:
  virtual ~ExecutionListener() = default;
  virtual void OnSnapshot(int runner, CheckpointId id, TaskCheckpoint checkpoint) = 0;
  virtual void OnTaskFinished() = 0;  ///< all rows of one more task have left
  virtual void OnFailed(Status status) = 0;
  virtual void OnAllClosed() = 0;
};

/// Adds the numbers of a node to those that are there of the same node, in an earlier attempt.
void AddStats(const NodeStats& stats, std::vector<NodeStats>* nodes);

/// One attempt of a job: its tasks, the channels between them, the finders of its splits. Made on
/// any thread; all other calls on the job's thread, except `stats`.
class Execution final : public TaskListener, public std::enable_shared_from_this<Execution> {
 public:
  /// Runs a function on the job's thread; from any thread.
  using Post = std::function<void(std::function<void()>)>;

  /// From the first of the checkpoints in `candidates` that can be read; empty: from the beginning.
  /// May block.
  static Result<std::shared_ptr<Execution>> Make(const JobDefinition& job, Post post,
                                                 const std::vector<std::string>& candidates);
  ~Execution() override;

  /// `listener` outlives this, or `Detach` is called.
  void Start(ExecutionListener& listener);
  void Detach();

  /// False: a finder is at work; `when_quiet` is called when it has ended, for another try.
  bool FindersAreQuiet(std::function<void()> when_quiet);
  Result<std::vector<CheckpointContent::Finder>> FinderStates();
  /// `hold`: behind the barrier the tasks wait for the outcome.
  void Trigger(CheckpointId id, bool hold);
  void Outcome(CheckpointId id, CheckpointOutcome outcome, bool last);
  void Cancel();

  /// Per runner, without a snapshot.
  const std::vector<CheckpointContent::Task>& task_files() const { return task_files_; }
  size_t unfinished() const { return unfinished_; }
  bool all_closed() const { return open_ == 0; }
  const RestoreReport& restored() const { return restored_; }
  std::vector<NodeStats> stats() const;  ///< summed over subtasks; any thread

 private:
  Execution(const JobDefinition& job, Post post) : job_(job), post_(std::move(post)) {}
  Status Build();
  void Connect(const Exchange& exchange, const std::vector<std::vector<TaskRunner*>>& by_stage);
  Status Restore(const std::string& checkpoint);
  Status CheckDropped() const;
  Status RestoreParts(const Checkpoint& checkpoint);
  Status MakeAssigners();
  /// Calls `event` with the listener on the job's thread, as long as there is one.
  void Tell(std::function<void(ExecutionListener&)> event);

  // --- TaskListener
  void OnSnapshot(int runner, CheckpointId id, TaskCheckpoint checkpoint) override;
  void OnFinished(int runner) override;
  void OnFailed(int runner, Status status) override;
  void OnClosed(int runner) override;

  const JobDefinition& job_;
  const Post post_;
  ExecutionListener* listener_ = nullptr;
  RestoreReport restored_;
  std::vector<std::unique_ptr<Channel>> channels_;
  std::vector<std::shared_ptr<TaskRunner>> runners_;
  std::vector<CheckpointContent::Task> task_files_;
  std::vector<std::shared_ptr<SplitAssigner>> assigners_;
  std::map<NodeId, std::string> finder_states_;  ///< restored
  size_t unfinished_ = 0;
  size_t open_ = 0;
};

}  // namespace millrace

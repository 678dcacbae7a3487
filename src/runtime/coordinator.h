#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/metrics.h"
#include "runtime/checkpoint.h"
#include "runtime/execution.h"
#include "runtime/runtime.h"

namespace millrace {

/// What the coordinator wants of its job. Called on the job's thread.
class CoordinatorListener {
 public:
  virtual ~CoordinatorListener() = default;
  /// The last checkpoint is complete, or a savepoint to stop with: the tasks are closing.
  virtual void OnLastCheckpoint() = 0;
  virtual void OnCheckpointsFailed(Status status) = 0;
  /// Nothing is being written any more.
  virtual void OnQuiet() = 0;
};

/// Takes the checkpoints of a job: those that are due, those that are asked for, and the last one.
/// One at a time. All calls on the job's thread, except `Fill`.
class CheckpointCoordinator {
 public:
  using Post = Execution::Post;
  using SavepointDone = std::function<void(Result<std::string>)>;

  CheckpointCoordinator(const JobDefinition& job, CoordinatorListener& listener)
      : job_(job), listener_(listener) {}

  /// May block: looks at what is in the job's folder.
  void Open(Post post);
  /// For an attempt of the job, until `Abandon`.
  void Start(std::shared_ptr<Execution> execution);
  /// Gives up what is under way. Savepoints that are asked for wait for the next `Start`.
  void Abandon(const Status& cause);
  /// No savepoint will come any more.
  void Close();

  /// As soon as none is under way.
  void TakeCheckpoint();
  void Savepoint(std::string folder, bool stop, SavepointDone done);
  void OnSnapshot(int runner, CheckpointId id, TaskCheckpoint checkpoint);
  void OnTaskFinished() { Request(); }
  void Tick();
  int64_t next_tick_us() const;  ///< on the monotonic clock; AlarmHeap::kNever: none

  bool writing() const { return writes_ > 0; }
  /// The newest complete checkpoint of this job's life.
  const std::string& newest() const { return newest_; }
  /// The coordinator's share of it. Any thread.
  void Fill(JobProgress* progress) const;

 private:
  static constexpr size_t kHistory = 10;

  struct SavepointRequest {
    std::string folder;
    bool stop = false;
    SavepointDone done;
  };
  /// The checkpoint that is being taken.
  struct Pending {
    CheckpointContent content;
    CheckpointRecord record;
    size_t missing = 0;    ///< snapshots, then flushes
    std::string path;      ///< empty: not written
    int64_t begun_us = 0;  ///< monotonic
    std::optional<SavepointRequest> savepoint;
    bool overdue = false;  ///< but it is becoming complete
    std::shared_ptr<CheckpointClaim> claim = std::make_shared<CheckpointClaim>();

    bool last() const {
      return record.kind == CheckpointRecord::Kind::kLast || (savepoint && savepoint->stop);
    }
  };
  struct Written {
    Status status;
    Checkpoint checkpoint;
    int64_t us = 0;
  };

  Env& env() const { return job_.executor.env(); }
  bool IsPending(CheckpointId id) const { return pending_ && pending_->content.id == id; }
  void Request();
  void Begin();
  void Collected();
  void Flushed(CheckpointId id, const Status& status);
  void Write();
  void RemoveOld(CheckpointId newest);
  void OnWritten(CheckpointId id, bool savepoint, const Written& written);
  void Complete(const Written& written);
  void Decline(const Status& cause);
  void Keep(CheckpointRecord record);

  const JobDefinition& job_;
  Post post_;
  CoordinatorListener& listener_;
  std::shared_ptr<Execution> execution_;
  std::unique_ptr<Pending> pending_;
  std::deque<SavepointRequest> savepoints_;
  int64_t next_id_ = 1;
  int64_t due_us_ = AlarmHeap::kNever;  ///< the next periodic one
  int64_t earliest_us_ = 0;             ///< after the pause that the last one is owed
  bool requested_ = false;              ///< a periodic one is due
  int64_t failed_in_a_row_ = 0;
  int writes_ = 0;  ///< under way, also of checkpoints that were given up
  std::string newest_;
  std::shared_ptr<const Checkpoint> base_;  ///< the newest that these tasks have written

  mutable std::mutex mutex_;
  int64_t completed_ = 0;
  int64_t failed_ = 0;
  std::deque<CheckpointRecord> history_;
  std::string last_path_;
};

}  // namespace millrace

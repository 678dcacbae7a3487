#include "runtime/coordinator.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "spi/services.h"

namespace millrace {

namespace {

Status Ended() { return Error::User("the job has ended"); }

/// Nothing below it has that name yet: many jobs save there.
std::string SavepointPath(const std::string& folder, std::string name, CheckpointId id,
                          uint64_t random) {
  std::ranges::replace(name, '/', '_');
  return folder + "/savepoint-" + name + "-" + std::to_string(Raw(id)) + "-" +
         std::to_string(random % 1'000'000'000);
}

}  // namespace

void CheckpointCoordinator::Open(Post post) {
  post_ = std::move(post);
  const std::string& folder = job_.options.checkpoint_folder;
  if (!folder.empty()) next_id_ = HighestCheckpoint(env().files(), folder) + 1;
}

void CheckpointCoordinator::Start(std::shared_ptr<Execution> execution) {
  execution_ = std::move(execution);
  const int64_t interval = job_.options.checkpoint_interval_us;
  if (interval > 0) due_us_ = env().MonotonicMicros() + interval;
  Request();
}

void CheckpointCoordinator::Abandon(const Status& cause) {
  execution_.reset();
  base_.reset();
  due_us_ = AlarmHeap::kNever;
  requested_ = false;
  if (pending_ == nullptr) return;
  const auto given_up = std::exchange(pending_, nullptr);
  given_up->claim->GiveUp();
  if (!given_up->path.empty()) {
    given_up->record.failure = cause.message();
    given_up->record.duration_us = env().MonotonicMicros() - given_up->begun_us;
    Keep(std::move(given_up->record));
  }
  if (given_up->savepoint) given_up->savepoint->done(cause);
}

void CheckpointCoordinator::Close() {
  Abandon(Ended());
  for (SavepointRequest& savepoint : std::exchange(savepoints_, {})) savepoint.done(Ended());
}

void CheckpointCoordinator::TakeCheckpoint() {
  requested_ = execution_ != nullptr;
  Request();
}

void CheckpointCoordinator::Savepoint(std::string folder, bool stop, SavepointDone done) {
  savepoints_.push_back({std::move(folder), stop, std::move(done)});
  Request();
}

int64_t CheckpointCoordinator::next_tick_us() const {
  if (execution_ == nullptr) return AlarmHeap::kNever;
  int64_t next = due_us_;
  if (pending_ != nullptr) {
    if (!pending_->path.empty() && !pending_->overdue)
      next = std::min(next, pending_->begun_us + job_.options.checkpoint_timeout_us);
  } else if (requested_) {
    next = std::min(next, earliest_us_);
  }
  return next;
}

void CheckpointCoordinator::Tick() {
  const int64_t now = env().MonotonicMicros();
  if (execution_ == nullptr || now < next_tick_us()) return;
  if (pending_ != nullptr && !pending_->path.empty() && !pending_->overdue &&
      now >= pending_->begun_us + job_.options.checkpoint_timeout_us) {
    pending_->overdue = !pending_->claim->GiveUp();
    if (!pending_->overdue) {
      Decline(Error::Transient("it took longer than " +
                               std::to_string(job_.options.checkpoint_timeout_us / 1000) + " ms")
                  .Hint("raise 'execution.checkpointing.timeout', or see which task is slow"));
    }
    if (execution_ == nullptr) return;
  }
  if (now >= due_us_) {
    due_us_ = now + job_.options.checkpoint_interval_us;
    requested_ = true;
  }
  Request();
}

/// Begins the next checkpoint that is wanted, if none is under way.
void CheckpointCoordinator::Request() {
  if (pending_ != nullptr || execution_ == nullptr) return;
  const bool periodic = requested_ && env().MonotonicMicros() >= earliest_us_;
  if (execution_->unfinished() > 0 && !periodic && savepoints_.empty()) return;
  // What a finder is about to find must not be known to it and to no reader.
  if (execution_->FindersAreQuiet([this] { Request(); })) Begin();
}

void CheckpointCoordinator::Begin() {
  pending_ = std::make_unique<Pending>();
  Pending& pending = *pending_;
  pending.begun_us = env().MonotonicMicros();
  const CheckpointId id{next_id_++};
  pending.content = {id, job_.options.name, execution_->task_files(), {}, nullptr};
  pending.missing = pending.content.tasks.size();
  pending.record.id = id;
  pending.record.begun_us = env().NowMicros();
  if (!savepoints_.empty()) {
    pending.savepoint = std::move(savepoints_.front());
    savepoints_.pop_front();
    pending.record.kind = CheckpointRecord::Kind::kSavepoint;
    pending.path = SavepointPath(pending.savepoint->folder, job_.options.name, id, env().Random());
  } else {
    requested_ = false;
    if (execution_->unfinished() == 0) pending.record.kind = CheckpointRecord::Kind::kLast;
    const std::string& folder = job_.options.checkpoint_folder;
    if (!folder.empty()) pending.path = CheckpointPath(folder, id);
    pending.content.base = base_;
  }
  auto states = execution_->FinderStates();
  if (!states.ok()) {
    Decline(states.status());
    return;
  }
  pending.content.finders = *std::move(states);
  execution_->Trigger(id, pending.savepoint && pending.savepoint->stop);
}

void CheckpointCoordinator::OnSnapshot(int runner, CheckpointId id, TaskCheckpoint checkpoint) {
  if (!IsPending(id)) return;
  CheckpointRecord& record = pending_->record;
  record.alignment_us = std::max(record.alignment_us, checkpoint.alignment_us);
  record.pause_us = std::max(record.pause_us, checkpoint.pause_us);
  pending_->content.tasks[static_cast<size_t>(runner)].snapshot = std::move(checkpoint.snapshot);
  if (--pending_->missing == 0) Collected();
}

void CheckpointCoordinator::Collected() {
  const CheckpointId id = pending_->content.id;
  const auto tasks = pending_->content.tasks;
  pending_->missing = tasks.size();
  for (const CheckpointContent::Task& task : tasks) {
    if (task.snapshot == nullptr) {
      Flushed(id, Status::OK());
      continue;
    }
    task.snapshot->WhenFlushed([post = post_, this, id](Status status) {
      post([this, id, status = std::move(status)] { Flushed(id, status); });
    });
  }
}

void CheckpointCoordinator::Flushed(CheckpointId id, const Status& status) {
  if (!IsPending(id)) return;
  if (!status.ok()) {
    // Rows that left the engine are lost: they come again from the last checkpoint.
    listener_.OnCheckpointsFailed(
        status.WithMessage("what a sink wrote is not durable: ", status.message()));
    return;
  }
  if (--pending_->missing == 0) Write();
}

void CheckpointCoordinator::Write() {
  const CheckpointId id = pending_->content.id;
  if (pending_->path.empty()) {
    OnWritten(id, false, {});
    return;
  }
  ++writes_;
  env().Execute([post = post_, this, &env = env(), path = pending_->path,
                 content = pending_->content, claim = pending_->claim,
                 savepoint = pending_->savepoint.has_value()] {
    Written written;
    const int64_t start = env.MonotonicMicros();
    try {
      auto checkpoint = WriteCheckpoint(env.files(), path, content, *claim);
      written.status = checkpoint.status();
      if (checkpoint.ok()) written.checkpoint = *std::move(checkpoint);
    } catch (const std::exception& e) {
      written.status = Error::Internal(std::string("unexpected exception: ") + e.what());
    }
    written.us = env.MonotonicMicros() - start;
    post([this, id = content.id, savepoint, written = std::move(written)] {
      --writes_;
      OnWritten(id, savepoint, written);
      if (writes_ == 0) listener_.OnQuiet();
    });
  });
}

/// Only after a complete one is known to be: what a restart begins with must stay.
void CheckpointCoordinator::RemoveOld(CheckpointId newest) {
  ++writes_;
  env().Execute([post = post_, this, &env = env(), folder = job_.options.checkpoint_folder, newest,
                 keep = job_.options.keep_checkpoints] {
    const Status removed = RemoveOldCheckpoints(env.files(), folder, newest, keep);
    if (!removed.ok()) {
      Log(LogLevel::kWarn, "runtime", "an old checkpoint could not be removed",
          {{"cause", Describe(removed)}});
    }
    post([this] {
      if (--writes_ == 0) listener_.OnQuiet();
    });
  });
}

void CheckpointCoordinator::OnWritten(CheckpointId id, bool savepoint, const Written& written) {
  if (!IsPending(id)) {
    // The attempt failed while it became complete: after a crash of the process, too, it would be
    // the newest one, so the job goes on from it.
    if (written.status.ok() && !savepoint) newest_ = written.checkpoint.path;
    return;
  }
  if (written.status.ok()) {
    Complete(written);
  } else {
    Decline(written.status);
  }
}

void CheckpointCoordinator::Complete(const Written& written) {
  const auto done = std::exchange(pending_, nullptr);
  const int64_t now = env().MonotonicMicros();
  earliest_us_ = now + job_.options.checkpoint_min_pause_us;
  failed_in_a_row_ = 0;
  {
    std::lock_guard lock(mutex_);
    ++completed_;
  }
  if (!done->path.empty()) {
    CheckpointRecord& record = done->record;
    record.path = done->path;
    record.duration_us = now - done->begun_us;
    record.write_us = written.us;
    for (const StoredPart& part : written.checkpoint.parts) {
      record.state_bytes[part.id.node + "/" + part.id.state] += part.length;
    }
    record.total_bytes = written.checkpoint.state_bytes();
    record.written_bytes = written.checkpoint.written_bytes;
    // A savepoint is its owner's: it may be moved or removed, and nothing refers to it.
    if (!done->savepoint) {
      newest_ = done->path;
      base_ = std::make_shared<const Checkpoint>(written.checkpoint);
      RemoveOld(done->content.id);
    }
    Keep(std::move(record));
  }
  const auto execution = execution_;
  execution->Outcome(done->content.id, CheckpointOutcome::kCompleted, done->last());
  if (done->savepoint) done->savepoint->done(done->path);
  if (done->last()) {
    execution_.reset();
    listener_.OnLastCheckpoint();
    return;
  }
  Request();
}

/// The job goes on from where it is; what its sinks have written is committed with the next one.
void CheckpointCoordinator::Decline(const Status& cause) {
  const auto declined = std::exchange(pending_, nullptr);
  declined->claim->GiveUp();
  const CheckpointId id = declined->content.id;
  Log(LogLevel::kWarn, "runtime", "a checkpoint failed",
      {{"job", job_.id}, {"checkpoint", std::to_string(Raw(id))}, {"cause", Describe(cause)}});
  const int64_t now = env().MonotonicMicros();
  earliest_us_ = now + job_.options.checkpoint_min_pause_us;
  CheckpointRecord& record = declined->record;
  const auto kind = record.kind;
  record.duration_us = now - declined->begun_us;
  record.failure = cause.message();
  Keep(std::move(record));
  if (declined->savepoint) declined->savepoint->done(cause);
  if (kind == CheckpointRecord::Kind::kLast) {
    listener_.OnCheckpointsFailed(
        cause.WithMessage("the last checkpoint failed: ", cause.message()));
    return;
  }
  const auto tolerated = job_.options.tolerated_checkpoint_failures;
  if (kind == CheckpointRecord::Kind::kPeriodic && tolerated && ++failed_in_a_row_ > *tolerated) {
    failed_in_a_row_ = 0;
    listener_.OnCheckpointsFailed(
        cause.WithMessage("too many checkpoints failed, the last one because ", cause.message()));
    return;
  }
  execution_->Outcome(id, CheckpointOutcome::kAborted, false);
  Request();
}

void CheckpointCoordinator::Keep(CheckpointRecord record) {
  const MetricLabels labels{{"job", job_.id}};
  MetricRegistry& metrics = job_.services.metrics();
  if (record.failure.empty()) {
    metrics.counter("checkpoints_completed", labels)->Add();
    metrics.histogram("checkpoint_duration_us", labels)->Record(record.duration_us);
    metrics.histogram("checkpoint_alignment_us", labels)->Record(record.alignment_us);
    metrics.histogram("checkpoint_written_bytes", labels)->Record(record.written_bytes);
  } else {
    metrics.counter("checkpoints_failed", labels)->Add();
  }
  std::lock_guard lock(mutex_);
  if (!record.failure.empty()) ++failed_;
  if (!record.path.empty()) last_path_ = record.path;
  history_.push_back(std::move(record));
  if (history_.size() > kHistory) history_.pop_front();
}

void CheckpointCoordinator::Fill(JobProgress* progress) const {
  std::lock_guard lock(mutex_);
  progress->checkpoints = completed_;
  progress->failed_checkpoints = failed_;
  progress->last_checkpoint = last_path_;
  progress->history.assign(history_.begin(), history_.end());
}

}  // namespace millrace

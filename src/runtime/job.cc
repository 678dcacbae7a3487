#include "runtime/job.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/log.h"

namespace millrace {

Job::Job(std::string id, std::shared_ptr<const PhysicalPlan> plan, JobOptions options,
         Executor& executor, Services& services)
    : Runnable(executor),
      id_(std::move(id)),
      plan_(std::move(plan)),
      options_(std::move(options)),
      services_(services) {}

Result<std::shared_ptr<Job>> Job::Make(std::string id, std::shared_ptr<const PhysicalPlan> plan,
                                       JobOptions options, Executor& executor, Services& services,
                                       const OperatorMaker& maker, const SplitFinderMaker& finder) {
  std::shared_ptr<Job> job(
      new Job(std::move(id), std::move(plan), std::move(options), executor, services));
  ARROW_RETURN_NOT_OK(job->Build(maker));
  if (!job->options_.restore_from.empty()) ARROW_RETURN_NOT_OK(job->Restore());
  ARROW_RETURN_NOT_OK(job->MakeAssigners(finder));
  return job;
}

void Job::Start() {
  unfinished_ = open_ = runners_.size();
  for (const auto& runner : runners_) runner->Start();
  Post([this] {
    for (const auto& assigner : assigners_) assigner->Start();
    if (options_.checkpoint_interval_us > 0) {
      next_tick_us_ = executor_.env().NowMicros() + options_.checkpoint_interval_us;
      WakeAt(next_tick_us_);
    }
  });
}

// --- messages

void Job::Post(std::function<void()> message) {
  {
    std::lock_guard lock(messages_mutex_);
    messages_.push_back(std::move(message));
  }
  Wake();
}

std::function<void(std::function<void()>)> Job::Poster() {
  return [weak = std::weak_ptr<Job>(std::static_pointer_cast<Job>(shared_from_this()))](
             std::function<void()> message) {
    if (auto job = weak.lock()) job->Post(std::move(message));
  };
}

bool Job::RunSlice() {
  std::vector<std::function<void()>> messages;
  {
    std::lock_guard lock(messages_mutex_);
    messages.swap(messages_);
  }
  for (const auto& message : messages) message();
  Tick();
  return false;
}

void Job::OnSnapshot(int runner, CheckpointId id, std::shared_ptr<StageSnapshot> snapshot) {
  Post([this, runner, id, snapshot = std::move(snapshot)] {
    if (pending_ == nullptr || pending_->content.id != id) return;
    pending_->content.tasks[static_cast<size_t>(runner)].snapshot = snapshot;
    if (--pending_->missing == 0) Collected();
  });
}

void Job::OnFinished(int /*runner*/) {
  Post([this] {
    --unfinished_;
    Request();
  });
}

void Job::OnFailed(int /*runner*/, Status status) {
  Post([this, status = std::move(status)] { FailJob(status); });
}

void Job::OnClosed(int /*runner*/) {
  Post([this] {
    if (--open_ == 0) End();
  });
}

// --- checkpoints

void Job::Tick() {
  if (next_tick_us_ == AlarmHeap::kNever || ending_) return;
  const int64_t now = executor_.env().NowMicros();
  if (now < next_tick_us_) return;
  next_tick_us_ = now + options_.checkpoint_interval_us;
  WakeAt(next_tick_us_);
  requested_ = true;
  Request();
}

void Job::Savepoint(std::string folder, SavepointDone done) {
  Post([this, folder = std::move(folder), done = std::move(done)] {
    if (ending_) {
      done(Error::User("the job has ended"));
      return;
    }
    savepoints_.push_back({folder, done});
    Request();
  });
}

/// Begins the next checkpoint that is wanted, if none is under way.
void Job::Request() {
  if (pending_ != nullptr || ending_) return;
  if (unfinished_ > 0 && !requested_ && savepoints_.empty()) return;
  for (const auto& assigner : assigners_) {
    // What the finder is about to find must not be known to it and to no reader.
    if (!assigner->busy()) continue;
    assigner->WhenQuiet([this] { Request(); });
    return;
  }
  Begin();
}

void Job::Begin() {
  pending_ = std::make_unique<Pending>();
  pending_->content = {CheckpointId{next_checkpoint_++}, options_.name, task_files_, {}};
  pending_->missing = runners_.size();
  pending_->folder = options_.checkpoint_folder;
  if (!savepoints_.empty()) {
    pending_->savepoint = std::move(savepoints_.front());
    pending_->folder = pending_->savepoint->folder;
    savepoints_.pop_front();
  } else {
    requested_ = false;
    pending_->last = unfinished_ == 0;
  }
  for (const auto& assigner : assigners_) {
    Result<std::string> state = assigner->Snapshot();
    if (!state.ok()) {
      FailJob(state.status());
      return;
    }
    pending_->content.finders.push_back({assigner->node(), *std::move(state)});
  }
  for (const auto& runner : runners_) runner->Trigger(pending_->content.id);
}

void Job::Collected() {
  pending_->missing = runners_.size();
  const auto post = Poster();
  const CheckpointId id = pending_->content.id;
  const auto tasks = pending_->content.tasks;
  for (const CheckpointContent::Task& task : tasks) {
    if (task.snapshot == nullptr) {
      Flushed(id, Status::OK());
      continue;
    }
    task.snapshot->WhenFlushed([post, this, id](Status status) {
      post([this, id, status = std::move(status)] { Flushed(id, status); });
    });
  }
}

void Job::Flushed(CheckpointId id, const Status& status) {
  if (pending_ == nullptr || pending_->content.id != id) return;
  if (!status.ok()) {
    Written(id, status);
    return;
  }
  if (--pending_->missing > 0) return;
  if (pending_->folder.empty()) {
    Written(id, std::string());
    return;
  }
  const int keep = pending_->savepoint ? 0 : options_.keep_checkpoints;
  executor_.env().Execute([post = Poster(), this, &env = executor_.env(), id, keep,
                           content = pending_->content, folder = pending_->folder] {
    Result<std::string> path = [&]() -> Result<std::string> {
      try {
        return WriteCheckpoint(env.files(), folder, content);
      } catch (const std::exception& e) {
        return Error::Internal(std::string("unexpected exception: ") + e.what());
      }
    }();
    if (path.ok() && keep > 0) {
      if (const Status removed = RemoveOldCheckpoints(env.files(), folder, keep); !removed.ok()) {
        Log(LogLevel::kWarn, "runtime", "an old checkpoint could not be removed",
            {{"cause", removed.message()}});
      }
    }
    post([this, id, path = std::move(path)] { Written(id, path); });
  });
}

void Job::Written(CheckpointId id, const Result<std::string>& path) {
  if (pending_ == nullptr || pending_->content.id != id) return;
  const std::unique_ptr<Pending> written = std::move(pending_);
  if (written->savepoint) written->savepoint->done(path);
  if (path.ok()) {
    std::lock_guard lock(state_mutex_);
    ++completed_;
    last_checkpoint_ = *path;
  } else {
    Log(LogLevel::kWarn, "runtime", "a checkpoint failed",
        {{"job", id_},
         {"checkpoint", std::to_string(Raw(id))},
         {"cause", path.status().message()}});
    if (written->last) {
      FailJob(path.status().WithMessage("the last checkpoint failed: ", path.status().message()));
      return;
    }
  }
  const auto outcome = path.ok() ? CheckpointOutcome::kCompleted : CheckpointOutcome::kAborted;
  if (written->last) ending_ = true;
  for (const auto& runner : runners_) runner->Outcome(id, outcome, written->last);
  Request();
}

// --- the end

void Job::Cancel() {
  Post([this] {
    if (ending_ && open_ == 0) return;
    {
      std::lock_guard lock(state_mutex_);
      if (state_ == JobState::kRunning) {
        state_ = JobState::kCancelled;
        status_ = Status::Cancelled("the job '", options_.name, "' was cancelled");
      }
    }
    CloseAll();
  });
}

void Job::FailJob(const Status& status) {
  {
    std::lock_guard lock(state_mutex_);
    if (state_ != JobState::kRunning) return;
    state_ = JobState::kFailed;
    status_ = status;
  }
  CloseAll();
}

void Job::CloseAll() {
  ending_ = true;
  for (const auto& runner : runners_) runner->Cancel();
}

void Job::End() {
  ending_ = true;
  WakeAt(AlarmHeap::kNever);
  for (const auto& assigner : assigners_) assigner->Stop();
  const Status gone = Error::User("the job has ended");
  if (pending_ != nullptr && pending_->savepoint) pending_->savepoint->done(gone);
  for (SavepointRequest& savepoint : savepoints_) savepoint.done(gone);
  pending_.reset();
  savepoints_.clear();
  services_.metrics().Remove("job", id_);
  {
    std::lock_guard lock(state_mutex_);
    if (state_ == JobState::kRunning) state_ = JobState::kFinished;
    is_over_ = true;
  }
  over_.notify_all();
  std::vector<std::function<void()>> done;
  {
    std::lock_guard lock(state_mutex_);
    done.swap(when_over_);
  }
  for (const auto& call : done) call();
}

void Job::WhenOver(std::function<void()> done) {
  {
    std::lock_guard lock(state_mutex_);
    if (!is_over_) {
      when_over_.push_back(std::move(done));
      return;
    }
  }
  done();
}

bool Job::over() const {
  std::lock_guard lock(state_mutex_);
  return is_over_;
}

Status Job::Wait() const {
  std::unique_lock lock(state_mutex_);
  over_.wait(lock, [this] { return is_over_; });
  return status_;
}

std::optional<Status> Job::WaitFor(int64_t timeout_us) const {
  std::unique_lock lock(state_mutex_);
  const std::chrono::microseconds timeout(timeout_us);
  if (!over_.wait_for(lock, timeout, [this] { return is_over_; })) return std::nullopt;
  return status_;
}

JobProgress Job::progress() const {
  JobProgress progress;
  for (const auto& runner : runners_) {
    for (const NodeStats& stats : runner->stats()) {
      auto known = std::find_if(progress.nodes.begin(), progress.nodes.end(),
                                [&](const NodeStats& each) { return each.node == stats.node; });
      if (known == progress.nodes.end()) {
        progress.nodes.push_back(stats);
        continue;
      }
      known->rows_in += stats.rows_in;
      known->rows_out += stats.rows_out;
      known->batches_in += stats.batches_in;
      known->dead_rows += stats.dead_rows;
      if (known->dead_reason.empty()) known->dead_reason = stats.dead_reason;
      known->busy_us += stats.busy_us;
      known->backpressured_us += stats.backpressured_us;
    }
  }
  std::lock_guard lock(state_mutex_);
  progress.state = is_over_ ? state_ : JobState::kRunning;
  progress.checkpoints = completed_;
  progress.last_checkpoint = last_checkpoint_;
  return progress;
}

}  // namespace millrace

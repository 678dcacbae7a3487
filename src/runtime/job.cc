#include "runtime/job.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/log.h"
#include "spi/services.h"

namespace millrace {

Job::Job(JobDefinition definition)
    : Runnable(definition.executor),
      definition_(std::move(definition)),
      coordinator_(definition_, *this),
      restart_policy_(definition_.options.restart) {}

Result<std::shared_ptr<Job>> Job::Make(std::string id, std::shared_ptr<const PhysicalPlan> plan,
                                       JobOptions options, Executor& executor, Services& services,
                                       const OperatorMaker& maker, const SplitFinderMaker& finder) {
  std::shared_ptr<Job> job(new Job(
      {std::move(id), std::move(plan), std::move(options), executor, services, maker, finder}));
  ARROW_ASSIGN_OR_RAISE(const auto candidates, job->Candidates(job->options().restore_from));
  ARROW_ASSIGN_OR_RAISE(job->execution_,
                        Execution::Make(job->definition_, job->Poster(), candidates));
  job->restored_ = job->execution_->restored();
  job->coordinator_.Open(job->Poster());
  return job;
}

void Job::Start() {
  Post([this] { Run(execution_); });
}

// --- messages

void Job::Post(std::function<void()> message) {
  {
    std::lock_guard lock(messages_mutex_);
    messages_.push_back(std::move(message));
  }
  Wake();
}

Execution::Post Job::Poster() {
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

void Job::Tick() {
  if (phase_ == Phase::kRunning) coordinator_.Tick();
  if (phase_ == Phase::kPausing && executor_.env().MonotonicMicros() >= restart_at_us_) Restart();
  int64_t next = AlarmHeap::kNever;
  if (phase_ == Phase::kRunning) next = coordinator_.next_tick_us();
  if (phase_ == Phase::kPausing) next = restart_at_us_;
  WakeAt(next);
}

void Job::OnSnapshot(int runner, CheckpointId id, TaskCheckpoint checkpoint) {
  coordinator_.OnSnapshot(runner, id, std::move(checkpoint));
}

void Job::TakeCheckpoint() {
  Post([this] { coordinator_.TakeCheckpoint(); });
}

std::future<Result<std::string>> Job::Savepoint(std::string folder, bool stop) {
  auto promise = std::make_shared<std::promise<Result<std::string>>>();
  Post([this, folder = std::move(folder), stop, promise] {
    if (phase_ == Phase::kEnding || phase_ == Phase::kOver) {
      promise->set_value(Error::User("the job has ended"));
      return;
    }
    coordinator_.Savepoint(
        folder, stop, [promise](Result<std::string> path) { promise->set_value(std::move(path)); });
  });
  return promise->get_future();
}

// --- attempts

void Job::Run(std::shared_ptr<Execution> execution) {
  execution->Start(*this);
  coordinator_.Start(std::move(execution));
}

void Job::Fail(const Status& status) {
  if (phase_ != Phase::kRunning && phase_ != Phase::kEnding) return;
  {
    std::lock_guard lock(state_mutex_);
    if (state_ != JobState::kRunning) return;
  }
  // What the user has to mend would fail in the same way again.
  std::optional<int64_t> pause;
  if (InfoOf(status).error_class != ErrorClass::kUser) {
    Env& env = executor_.env();
    pause = restart_policy_.OnFailure(env.MonotonicMicros(), env.Random());
  }
  coordinator_.Abandon(
      status.WithMessage("the job failed before it was complete: ", status.message()));
  if (!pause) {
    SetOutcome(JobState::kFailed, status);
    phase_ = Phase::kEnding;
  } else {
    Log(LogLevel::kWarn, "runtime", "a job failed and restarts",
        {{"job", id()},
         {"pause_ms", std::to_string(*pause / 1000)},
         {"from", coordinator_.newest().empty() ? "its beginning" : coordinator_.newest()},
         {"cause", Describe(status)}});
    definition_.services.metrics().counter("restarts", {{"job", id()}})->Add();
    restart_at_us_ = executor_.env().MonotonicMicros() + *pause;
    phase_ = Phase::kFailing;
    std::lock_guard lock(state_mutex_);
    state_ = JobState::kRestarting;
    ++restarts_;
    last_failure_ = status.message();
  }
  if (execution_ == nullptr || execution_->all_closed()) {
    OnAllClosed();
  } else {
    execution_->Cancel();
  }
}

void Job::OnAllClosed() {
  DropExecution();
  if (phase_ != Phase::kFailing) return End();
  BeginPause();
}

void Job::OnQuiet() {
  if (phase_ == Phase::kEnding && execution_ == nullptr) return End();
  BeginPause();
}

/// Once the attempt before leaves nothing behind: a checkpoint that it still writes would become
/// the newest one.
void Job::BeginPause() {
  if (phase_ != Phase::kFailing || execution_ != nullptr || coordinator_.writing()) return;
  phase_ = Phase::kPausing;
}

Result<std::vector<std::string>> Job::Candidates(const std::string& from) const {
  if (from.empty()) return std::vector<std::string>();
  FileSystem& files = definition_.executor.env().files();
  auto found = FindCheckpoints(files, from);
  if (found.ok()) return found;
  auto own = FindCheckpoints(files, from + '/' + options().name);
  return own.ok() ? own : found;
}

void Job::Restart() {
  phase_ = Phase::kRestoring;
  std::string from = coordinator_.newest();
  // Older ones of this job's life lie beside it; before the first, the job begins as it did.
  const bool own = !from.empty();
  if (!own) from = options().restore_from;
  const auto self = std::static_pointer_cast<Job>(shared_from_this());
  executor_.env().Execute([weak = std::weak_ptr<Job>(self), from, own] {
    const auto job = weak.lock();
    if (job == nullptr) return;
    auto made = [&]() -> Result<std::shared_ptr<Execution>> {
      try {
        const std::string all = own ? job->options().checkpoint_folder : from;
        ARROW_ASSIGN_OR_RAISE(auto candidates, job->Candidates(all));
        // A newer one is of a checkpoint that was given up.
        if (own) candidates.erase(candidates.begin(), std::ranges::find(candidates, from));
        if (own && candidates.empty()) candidates = {from};
        return Execution::Make(job->definition_, job->Poster(), candidates);
      } catch (const std::exception& e) {
        return Error::Internal(std::string("unexpected exception: ") + e.what());
      }
    }();
    job->Post([job = job.get(), made = std::move(made)] { job->OnRestored(made); });
  });
}

void Job::OnRestored(Result<std::shared_ptr<Execution>> made) {
  if (phase_ == Phase::kEnding) return End();
  phase_ = Phase::kRunning;
  {
    std::lock_guard lock(state_mutex_);
    state_ = JobState::kRunning;
    if (made.ok()) {
      execution_ = *made;
      restored_ = execution_->restored();
    }
  }
  if (!made.ok()) return Fail(made.status());
  Log(LogLevel::kInfo, "runtime", "a job was restarted",
      {{"job", id()}, {"from", restored_.checkpoint}});
  Run(execution_);
}

void Job::DropExecution() {
  if (execution_ == nullptr) return;
  execution_->Detach();
  auto stats = execution_->stats();
  std::shared_ptr<Execution> dropped;  // freed outside of the lock
  std::lock_guard lock(state_mutex_);
  for (NodeStats& each : stats) {
    each.levels = {};
    AddStats(each, &earlier_stats_);
  }
  dropped.swap(execution_);
}

// --- the end

void Job::Cancel() {
  Post([this] {
    if (phase_ == Phase::kOver) return;
    {
      std::lock_guard lock(state_mutex_);
      if (state_ == JobState::kRestarting) state_ = JobState::kRunning;
    }
    const Status cancelled = Status::Cancelled("the job '", options().name, "' was cancelled");
    SetOutcome(JobState::kCancelled, cancelled);
    coordinator_.Abandon(cancelled);
    const bool restoring = phase_ == Phase::kRestoring;
    phase_ = Phase::kEnding;
    if (execution_ != nullptr) return execution_->Cancel();
    if (!restoring) End();
  });
}

/// The first counts.
void Job::SetOutcome(JobState state, Status status) {
  std::lock_guard lock(state_mutex_);
  if (state_ != JobState::kRunning) return;
  state_ = state;
  status_ = std::move(status);
}

/// Once nothing is written any more: a folder of an ended job is its owner's.
void Job::End() {
  phase_ = Phase::kEnding;
  if (coordinator_.writing()) return;
  phase_ = Phase::kOver;
  WakeAt(AlarmHeap::kNever);
  coordinator_.Close();
  definition_.services.metrics().Remove("job", id());
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

JobState Job::state() const {
  std::lock_guard lock(state_mutex_);
  return state_ == JobState::kRestarting || is_over_ ? state_ : JobState::kRunning;
}

JobProgress Job::progress() const {
  JobProgress progress;
  progress.state = state();
  std::shared_ptr<Execution> execution;
  {
    std::lock_guard lock(state_mutex_);
    progress.nodes = earlier_stats_;
    progress.restarts = restarts_;
    progress.last_failure = last_failure_;
    execution = execution_;
  }
  if (execution != nullptr) {
    for (const NodeStats& stats : execution->stats()) AddStats(stats, &progress.nodes);
  }
  coordinator_.Fill(&progress);
  return progress;
}

RestoreReport Job::restored() const {
  std::lock_guard lock(state_mutex_);
  return restored_;
}

}  // namespace millrace

#include "runtime/runtime.h"

#include <algorithm>
#include <utility>

#include "runtime/job.h"
#include "runtime/thread_executor.h"

namespace millrace {

std::string_view ToString(JobState state) {
  switch (state) {
    case JobState::kRunning:
      return "running";
    case JobState::kRestarting:
      return "restarting";
    case JobState::kFinished:
      return "finished";
    case JobState::kFailed:
      return "failed";
    case JobState::kCancelled:
      return "cancelled";
  }
  return "";
}

std::string_view ToString(CheckpointRecord::Kind kind) {
  switch (kind) {
    case CheckpointRecord::Kind::kPeriodic:
      return "periodic";
    case CheckpointRecord::Kind::kSavepoint:
      return "savepoint";
    case CheckpointRecord::Kind::kLast:
      return "last";
  }
  return "";
}

const std::string& JobHandle::id() const { return job_->id(); }
Status JobHandle::Wait() const { return job_->Wait(); }
std::optional<Status> JobHandle::WaitFor(int64_t timeout_us) const {
  return job_->WaitFor(timeout_us);
}
void JobHandle::WhenOver(std::function<void()> done) const { job_->WhenOver(std::move(done)); }
void JobHandle::Cancel() const { job_->Cancel(); }
JobState JobHandle::state() const { return job_->state(); }
JobProgress JobHandle::progress() const { return job_->progress(); }
RestoreReport JobHandle::restored() const { return job_->restored(); }

Result<std::string> JobHandle::Savepoint(const std::string& folder) const {
  return job_->Savepoint(folder, false).get();
}

Result<std::string> JobHandle::StopWithSavepoint(const std::string& folder) const {
  return job_->Savepoint(folder, true).get();
}

Runtime::Runtime(Services& services, OperatorMaker maker, int workers, SplitFinderMaker finder)
    : Runtime(services, std::move(maker), std::make_unique<ThreadExecutor>(services.env(), workers),
              std::move(finder)) {}

Runtime::Runtime(Services& services, OperatorMaker maker, std::unique_ptr<Executor> executor,
                 SplitFinderMaker finder)
    : services_(services),
      maker_(std::move(maker)),
      finder_(finder ? std::move(finder) : SplitFinderMaker(MakeSplitFinder)),
      executor_(std::move(executor)) {}

Runtime::~Runtime() {
  for (const JobHandle& job : jobs()) {
    job.Cancel();
    (void)job.Wait();
  }
}

Result<JobHandle> Runtime::Submit(std::shared_ptr<const PhysicalPlan> plan, JobOptions options) {
  ARROW_RETURN_NOT_OK(Validate(*plan));
  std::string id;
  {
    std::lock_guard lock(mutex_);
    ARROW_RETURN_NOT_OK(CheckFolderIsFree(options));
    id = options.name + "-" + std::to_string(next_job_++);
  }
  ARROW_ASSIGN_OR_RAISE(auto job, Job::Make(std::move(id), std::move(plan), std::move(options),
                                            *executor_, services_, maker_, finder_));
  {
    std::lock_guard lock(mutex_);
    jobs_.push_back(job);
    if (jobs_.size() >= sweep_at_) {
      Sweep();
      sweep_at_ = 2 * jobs_.size() + 16;
    }
  }
  job->Start();
  return JobHandle(job);
}

Status Runtime::CheckFolderIsFree(const JobOptions& options) const {
  if (options.checkpoint_folder.empty()) return Status::OK();
  for (const auto& job : jobs_) {
    if (job->over() || job->options().checkpoint_folder != options.checkpoint_folder) continue;
    return Error::User("the job '" + job->id() + "' writes its checkpoints there")
        .In(options.checkpoint_folder)
        .Hint("give this job another name: SET 'pipeline.name' = '…'");
  }
  return Status::OK();
}

void Runtime::Sweep() const {
  std::erase_if(jobs_, [](const std::shared_ptr<Job>& job) { return job->over(); });
}

std::vector<JobHandle> Runtime::jobs() const {
  std::lock_guard lock(mutex_);
  Sweep();
  std::vector<JobHandle> handles;
  for (const auto& job : jobs_) handles.emplace_back(job);
  return handles;
}

}  // namespace millrace

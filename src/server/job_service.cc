#include "server/job_service.h"

#include <mutex>
#include <utility>

#include "base/log.h"
#include "base/suggest.h"
#include "session/session_impl.h"

namespace millrace {
namespace {

constexpr std::string_view kComponent = "server.jobs";
constexpr char kCheckpointFolder[] = "execution.checkpointing.dir";
constexpr char kRestorePath[] = "execution.state-recovery.path";

/// `b` where both have a key.
std::map<std::string, std::string> Merged(std::map<std::string, std::string> a,
                                          const std::map<std::string, std::string>& b) {
  for (const auto& [key, value] : b) a.insert_or_assign(key, value);
  return a;
}

Status NotRunning(const std::string& name, JobPhase phase) {
  return Error::User("job '" + name + "' does not run: it is " + std::string(ToString(phase)))
      .Hint("start it first");
}

}  // namespace

class JobService::Core : public std::enable_shared_from_this<Core> {
 public:
  Core(JobServiceOptions options, Env& env)
      : options_(std::move(options)), env_(env), records_(options_.folder + "/jobs") {}

  Status Load();
  void EndRuns();

  Result<ServedJob> Submit(JobDefinition definition, const std::string& restore_from);
  std::vector<ServedJob> List() const;
  Result<ServedJob> Find(const std::string& name) const;
  Result<std::string> Savepoint(const std::string& name, const std::string& folder);
  Result<std::string> Stop(const std::string& name, const std::string& folder);
  Result<ServedJob> Start(const std::string& name, const std::string& restore_from);
  Status Cancel(const std::string& name);
  Status Remove(const std::string& name);

 private:
  struct Entry {
    std::mutex operation;  ///< held by the one operation that changes the run; before `mutex`
    mutable std::mutex mutex;
    JobRecord record;
    std::unique_ptr<Session> session;
    std::shared_ptr<JobClient> job;
  };
  using EntryPtr = std::shared_ptr<Entry>;

  static ServedJob View(const Entry& entry);
  static std::shared_ptr<JobClient> RunningJob(const Entry& entry);
  Result<EntryPtr> Get(const std::string& name) const;
  std::vector<EntryPtr> Entries() const;
  Status Run(const EntryPtr& entry);
  Result<std::string> NewestState(const JobRecord& record) const;
  std::string CheckpointsOf(const JobRecord& record) const;
  std::string SavepointFolder(const std::string& name, const std::string& folder) const;
  Status Keep(Entry& entry, JobPhase phase, const std::string& error = {});
  void RunEnded(Entry& entry, const JobClient& job);

  const JobServiceOptions options_;
  Env& env_;
  const std::string records_;
  mutable std::mutex mutex_;
  std::map<std::string, EntryPtr> entries_;
  bool ending_ = false;  ///< runs that end now go on next time
};

Status JobService::Core::Load() {
  ARROW_RETURN_NOT_OK(env_.files().CreateDirectories(records_));
  ARROW_ASSIGN_OR_RAISE(const auto paths, ListRecords(env_.files(), records_));
  for (const std::string& path : paths) {
    ARROW_ASSIGN_OR_RAISE(JobRecord record, ReadRecord(env_.files(), path));
    auto entry = std::make_shared<Entry>();
    entry->record = std::move(record);
    entries_.emplace(entry->record.definition.name, entry);
  }
  for (const auto& [name, entry] : entries_) {
    if (entry->record.phase != JobPhase::kRunning) continue;
    const Status started = Run(entry);
    if (started.ok()) continue;
    Log(LogLevel::kError, kComponent, "a job did not start again",
        {{"job", name}, {"cause", Describe(started)}});
    ARROW_RETURN_NOT_OK(Keep(*entry, JobPhase::kFailed, Describe(started)));
  }
  return Status::OK();
}

void JobService::Core::EndRuns() {
  {
    std::lock_guard lock(mutex_);
    ending_ = true;
  }
  std::vector<std::shared_ptr<JobClient>> jobs;
  for (const EntryPtr& entry : Entries()) {
    if (auto job = RunningJob(*entry)) jobs.push_back(std::move(job));
  }
  for (const auto& job : jobs) job->Cancel();
  for (const auto& job : jobs) static_cast<void>(job->Wait());
}

std::vector<JobService::Core::EntryPtr> JobService::Core::Entries() const {
  std::lock_guard lock(mutex_);
  std::vector<EntryPtr> entries;
  for (const auto& [name, entry] : entries_) entries.push_back(entry);
  return entries;
}

Result<JobService::Core::EntryPtr> JobService::Core::Get(const std::string& name) const {
  std::lock_guard lock(mutex_);
  if (const auto it = entries_.find(name); it != entries_.end()) return it->second;
  std::vector<std::string> names;
  for (const auto& [known, entry] : entries_) names.push_back(known);
  return Error::User("there is no job '" + name + "'").Hint(Suggest(name, names));
}

ServedJob JobService::Core::View(const Entry& entry) {
  std::lock_guard lock(entry.mutex);
  ServedJob view;
  view.record = entry.record;
  if (entry.job == nullptr) return view;
  view.metrics = entry.job->metrics();
  view.restored = entry.job->restored();
  if (entry.record.phase != JobPhase::kRunning) return view;
  view.id = entry.job->id();
  view.started_us = entry.job->started_us();
  view.restarting = entry.job->status() == JobStatus::kRestarting;
  return view;
}

std::shared_ptr<JobClient> JobService::Core::RunningJob(const Entry& entry) {
  std::lock_guard lock(entry.mutex);
  return entry.record.phase == JobPhase::kRunning ? entry.job : nullptr;
}

std::vector<ServedJob> JobService::Core::List() const {
  std::vector<ServedJob> views;
  for (const EntryPtr& entry : Entries()) views.push_back(View(*entry));
  return views;
}

Result<ServedJob> JobService::Core::Find(const std::string& name) const {
  ARROW_ASSIGN_OR_RAISE(const EntryPtr entry, Get(name));
  return View(*entry);
}

Result<ServedJob> JobService::Core::Submit(JobDefinition definition,
                                           const std::string& restore_from) {
  ARROW_RETURN_NOT_OK(CheckJobName(definition.name));
  const std::string name = definition.name;
  auto entry = std::make_shared<Entry>();
  entry->record.definition = std::move(definition);
  entry->record.restore_from = restore_from;
  entry->record.submitted_us = env_.NowMicros();
  std::lock_guard operation(entry->operation);
  {
    std::lock_guard lock(mutex_);
    if (!entries_.emplace(name, entry).second) {
      return Error::User("there is a job '" + name + "' already")
          .Hint("take another name, or remove that job first");
    }
  }
  Status started = Run(entry);
  if (!started.ok()) {
    std::lock_guard lock(mutex_);
    entries_.erase(name);
    return started;
  }
  return View(*entry);
}

std::string JobService::Core::CheckpointsOf(const JobRecord& record) const {
  return options_.folder + "/checkpoints/" + std::to_string(record.run);
}

// A run's own checkpoints are newer than what it began with.
Result<std::string> JobService::Core::NewestState(const JobRecord& record) const {
  const std::string own = CheckpointsOf(record) + '/' + record.definition.name;
  ARROW_ASSIGN_OR_RAISE(const auto manifests, env_.files().List(own + "/*/manifest.json"));
  return manifests.empty() ? record.restore_from : own;
}

// Called with `operation` held. The record is written once the run has started.
Status JobService::Core::Run(const EntryPtr& entry) {
  const JobRecord record = entry->record;
  const std::string& name = record.definition.name;
  SessionOptions options;
  options.settings = {{"execution.checkpointing.interval", "10 s"},
                      {"execution.checkpointing.savepoint-dir", options_.folder + "/savepoints"}};
  options.settings =
      Merged(Merged(options.settings, options_.settings), record.definition.settings);
  ARROW_ASSIGN_OR_RAISE(auto session, Session::Open(std::move(options)));
  ARROW_ASSIGN_OR_RAISE(auto planned, session->impl().PlanScript(record.definition.sql));
  auto& settings = planned.plan.settings;
  settings["pipeline.name"] = name;
  settings[kCheckpointFolder] = CheckpointsOf(record);
  ARROW_ASSIGN_OR_RAISE(const std::string state, NewestState(record));
  if (!state.empty()) settings[kRestorePath] = state;
  ARROW_ASSIGN_OR_RAISE(StatementResult started, session->impl().RunPlan(std::move(planned.plan)));
  if (started.job == nullptr) {
    return Error::User("the script's job is a SELECT, whose rows nobody would read")
        .Hint("INSERT INTO a table instead");
  }
  const auto job = started.job;
  {
    std::lock_guard lock(entry->mutex);
    entry->session = std::move(session);
    entry->job = job;
  }
  ARROW_RETURN_NOT_OK(Keep(*entry, JobPhase::kRunning));
  Log(LogLevel::kInfo, kComponent, "a job runs",
      {{"job", name}, {"id", job->id()}, {"from", state.empty() ? "nothing" : state}});
  job->WhenOver([weak = weak_from_this(), entry, job] {
    const auto core = weak.lock();
    if (core == nullptr) return;
    core->env_.Execute([core, entry, job] { core->RunEnded(*entry, *job); });
  });
  return Status::OK();
}

void JobService::Core::RunEnded(Entry& entry, const JobClient& job) {
  std::lock_guard operation(entry.operation);
  {
    std::lock_guard lock(mutex_);
    if (ending_) return;
  }
  {
    std::lock_guard lock(entry.mutex);
    const bool is_this = entry.record.phase == JobPhase::kRunning && entry.job->id() == job.id();
    if (!is_this) return;
  }
  const Status outcome = job.Wait();
  const JobPhase phase = outcome.ok()            ? JobPhase::kFinished
                         : outcome.IsCancelled() ? JobPhase::kCancelled
                                                 : JobPhase::kFailed;
  const std::string error = phase == JobPhase::kFailed ? Describe(outcome) : std::string();
  const Status kept = Keep(entry, phase, error);
  Log(phase == JobPhase::kFailed || !kept.ok() ? LogLevel::kError : LogLevel::kInfo, kComponent,
      "a job ended",
      {{"job", entry.record.definition.name},
       {"phase", std::string(ToString(phase))},
       {"cause", kept.ok() ? error : Describe(kept)}});
}

Status JobService::Core::Keep(Entry& entry, JobPhase phase, const std::string& error) {
  JobRecord record;
  {
    std::lock_guard lock(entry.mutex);
    entry.record.phase = phase;
    entry.record.error = error;
    entry.record.changed_us = env_.NowMicros();
    record = entry.record;
  }
  return WriteRecord(env_.files(), records_, record);
}

Result<std::string> JobService::Core::Savepoint(const std::string& name,
                                                const std::string& folder) {
  ARROW_ASSIGN_OR_RAISE(const EntryPtr entry, Get(name));
  const auto job = RunningJob(*entry);
  if (job == nullptr) return NotRunning(name, View(*entry).record.phase);
  return job->Savepoint(SavepointFolder(name, folder));
}

std::string JobService::Core::SavepointFolder(const std::string& name,
                                              const std::string& folder) const {
  return folder.empty() ? options_.folder + "/savepoints/" + name : folder;
}

Result<std::string> JobService::Core::Stop(const std::string& name, const std::string& folder) {
  ARROW_ASSIGN_OR_RAISE(const EntryPtr entry, Get(name));
  std::lock_guard operation(entry->operation);
  const auto job = RunningJob(*entry);
  if (job == nullptr) return NotRunning(name, View(*entry).record.phase);
  ARROW_ASSIGN_OR_RAISE(std::string path, job->StopWithSavepoint(SavepointFolder(name, folder)));
  {
    std::lock_guard lock(entry->mutex);
    entry->record.restore_from = path;
    ++entry->record.run;  // what it starts with next is the savepoint, not this run's checkpoints
  }
  ARROW_RETURN_NOT_OK(Keep(*entry, JobPhase::kStopped));
  return path;
}

Result<ServedJob> JobService::Core::Start(const std::string& name,
                                          const std::string& restore_from) {
  ARROW_ASSIGN_OR_RAISE(const EntryPtr entry, Get(name));
  std::lock_guard operation(entry->operation);
  if (RunningJob(*entry) != nullptr) return Error::User("job '" + name + "' runs already");
  const JobRecord before = entry->record;
  std::string state = restore_from;
  if (state.empty()) {
    ARROW_ASSIGN_OR_RAISE(state, NewestState(before));
  }
  {
    std::lock_guard lock(entry->mutex);
    entry->record.restore_from = state;
    ++entry->record.run;
  }
  Status started = Run(entry);
  if (!started.ok()) {
    std::lock_guard lock(entry->mutex);
    entry->record = before;
    return started;
  }
  return View(*entry);
}

Status JobService::Core::Cancel(const std::string& name) {
  ARROW_ASSIGN_OR_RAISE(const EntryPtr entry, Get(name));
  std::lock_guard operation(entry->operation);
  const auto job = RunningJob(*entry);
  if (job == nullptr) return NotRunning(name, View(*entry).record.phase);
  ARROW_RETURN_NOT_OK(Keep(*entry, JobPhase::kCancelled));
  job->Cancel();
  static_cast<void>(job->Wait());
  return Status::OK();
}

Status JobService::Core::Remove(const std::string& name) {
  ARROW_ASSIGN_OR_RAISE(const EntryPtr entry, Get(name));
  std::lock_guard operation(entry->operation);
  if (RunningJob(*entry) != nullptr) {
    return Error::User("job '" + name + "' runs").Hint("stop or cancel it first");
  }
  ARROW_RETURN_NOT_OK(RemoveRecord(env_.files(), records_, name));
  std::lock_guard lock(mutex_);
  entries_.erase(name);
  return Status::OK();
}

Result<std::unique_ptr<JobService>> JobService::Open(JobServiceOptions options, Env& env) {
  auto core = std::make_shared<Core>(std::move(options), env);
  ARROW_RETURN_NOT_OK(core->Load());
  return std::unique_ptr<JobService>(new JobService(std::move(core)));
}

JobService::~JobService() { core_->EndRuns(); }

Result<ServedJob> JobService::Submit(JobDefinition definition, const std::string& restore_from) {
  return core_->Submit(std::move(definition), restore_from);
}
std::vector<ServedJob> JobService::List() const { return core_->List(); }
Result<ServedJob> JobService::Find(const std::string& name) const { return core_->Find(name); }
Result<std::string> JobService::Savepoint(const std::string& name, const std::string& folder) {
  return core_->Savepoint(name, folder);
}
Result<std::string> JobService::Stop(const std::string& name, const std::string& folder) {
  return core_->Stop(name, folder);
}
Result<ServedJob> JobService::Start(const std::string& name, const std::string& restore_from) {
  return core_->Start(name, restore_from);
}
Status JobService::Cancel(const std::string& name) { return core_->Cancel(name); }
Status JobService::Remove(const std::string& name) { return core_->Remove(name); }

}  // namespace millrace

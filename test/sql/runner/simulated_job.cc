#include "simulated_job.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "operators/registry.h"
#include "results.h"
#include "runtime/checkpoint.h"
#include "runtime/job.h"
#include "sim_services.h"

namespace millrace::sql_script {
namespace {

constexpr int64_t kTooManySteps = 2'000'000;
constexpr int kMostFaults = 4;  ///< of a life's disk
constexpr int kMostTries = 20;  ///< more than faults can fail
constexpr int64_t kRestartMicros =
    1'000'000;  ///< as long as a failed load of a model is remembered

/// The port whose rows reach the plan's collect node; null where it has none.
const PortPlan* CollectedPort(const PhysicalPlan& plan) {
  for (const Stage& stage : plan.stages) {
    for (size_t i = 0; i < stage.chain.size(); ++i) {
      if (stage.chain[i].config->op() != CollectConfig::kOp) continue;
      if (i > 0) return &stage.chain[i - 1].ports.at(0);
      for (const Exchange& exchange : plan.exchanges) {
        if (exchange.to != stage.id) continue;
        for (const PlanNode& node : plan.stage(exchange.from)->chain) {
          if (node.id == exchange.node) return &node.ports.at(static_cast<size_t>(exchange.port));
        }
      }
    }
  }
  return nullptr;
}

constexpr int64_t kQuietMicros = 60'000'000;

}  // namespace

/// One process.
struct SimulatedJob::Life {
  Life(SimulatedJob& owner, ModelDelays delays)
      : env(owner.site_.random(), owner.site_.now_us, owner.site_.disk),
        services(env, owner.registries_, owner.secrets_, owner.results_, owner.site_.models,
                 delays),
        executor(env, owner.site_.trace),
        kafka(*owner.site_.kafka),
        models(owner.site_.models) {
    const auto after = [this](int64_t us, std::function<void()> work) {
      env.After(us, std::move(work));
    };
    const auto random = [this] { return env.Random(); };
    const auto reaches = [&power = owner.site_.disk.power()] { return power.Use(); };
    kafka.Begin({after, random, reaches, owner.configuration_.faults && !owner.sound_});
    models.Begin({after, random, reaches});
  }
  ~Life() {
    job.reset();
    executor.Drop();
    models.Crash();
    env.Drop();
    kafka.Crash();
  }

  SimEnv env;
  SimServices services;
  SimExecutor executor;
  FakeKafka& kafka;
  FakeModelServer& models;
  std::shared_ptr<Job> job;
};

SimulatedJob::SimulatedJob(Site& site, const Configuration& configuration,
                           const SecretProvider& secrets,
                           std::shared_ptr<const Registries> registries, std::string folder,
                           Planner plan)
    : site_(site),
      configuration_(configuration),
      secrets_(secrets),
      registries_(std::move(registries)),
      folder_(std::move(folder)),
      plan_(std::move(plan)),
      commits_(configuration.commits()),
      barrier_in_(configuration.barrier_at) {
  if (configuration.commits()) DrawWays();
}

SimulatedJob::~SimulatedJob() = default;

void SimulatedJob::DrawWays() {
  constexpr int64_t kChannelBytes[] = {1, 200, 2000, 2000, 1 << 20};
  constexpr int64_t kBarrierEvery[] = {5, 20, 20, 100, 1000};
  ways_.channel_bytes = kChannelBytes[site_.Draw(std::size(kChannelBytes))];
  if (configuration_.barrier_at > 0) return;
  if (site_.Draw(4) == 0) {
    ways_.interval_us = int64_t{300} << site_.Draw(8);
  } else {
    ways_.barrier_every = kBarrierEvery[site_.Draw(std::size(kBarrierEvery))];
  }
  if (configuration_.faults && site_.Draw(2) == 0) ways_.jump_every = 20;
}

/// Early, in the middle, late: jobs of scripts take tens to thousands of steps, and as many effects
/// on the disk.
void SimulatedJob::DrawCrash() {
  kill_after_ = std::numeric_limits<int64_t>::max();
  if (last_life() || configuration_.barrier_at > 0) return;
  const int64_t drawn = 1 + site_.Draw(int64_t{32} << site_.Draw(5));
  switch (site_.Draw(3)) {
    case 0:
      kill_after_ = drawn;
      break;
    case 1:
      site_.disk.power().LoseAfter(drawn);
      break;
    default:
      site_.disk.power().LoseAfterCompletions(1 + site_.Draw(4));
      break;
  }
}

Status SimulatedJob::RunToEnd() {
  barriers_left_ = std::numeric_limits<int64_t>::max();
  while (true) {
    ARROW_RETURN_NOT_OK(Begin(configuration_.parallelism[lives_]));
    DrawCrash();
    while (!CrashIsDue() && !life_->job->over() && Step()) continue;
    if (CrashIsDue()) {
      Die();
      continue;
    }
    const Status status = life_->job->over() ? life_->job->Wait()
                                             : Error::Internal("the job does not come to its end");
    const bool fault =
        !sound_ && configuration_.faults && InfoOf(status).error_class == ErrorClass::kTransient;
    EndLife();
    if (!fault) return status;
    sound_ = true;
    --lives_;
  }
}

Status SimulatedJob::Begin(int parallelism) {
  ARROW_ASSIGN_OR_RAISE(PhysicalPlan plan, plan_(parallelism));
  ++lives_;
  steps_ = 0;
  if (results_ == nullptr) {
    const PortPlan* port = CollectedPort(plan);
    results_ = std::make_shared<Results>(port == nullptr ? Schema() : port->schema);
    if (port != nullptr) {
      changes_.mode = port->changelog;
      changes_.key = port->key;
    }
  }
  site_.trace.Add("life", lives_, static_cast<uint64_t>(parallelism));
  if (configuration_.faults && !sound_) {
    site_.disk.SetFaults(
        {site_.Draw(2) == 0 ? 0.02 : 0, site_.Draw(2) == 0 ? 0.02 : 0, kMostFaults});
  }
  for (int tries = 1; true; ++tries) {
    const Status begun = Restore(plan);
    if (begun.ok()) return begun;
    EndLife();
    const bool again = InfoOf(begun).error_class == ErrorClass::kTransient && tries < kMostTries;
    if (!configuration_.faults || !again) return begun;
  }
}

Status SimulatedJob::Restore(PhysicalPlan plan) {
  ModelDelays delays;
  if (configuration_.faults && site_.Draw(2) == 0) delays = {true, 20'000, 0.05};
  life_ = std::make_unique<Life>(*this, delays);
  JobOptions options;
  options.name = "script";
  OperatorMaker maker = MakeOperator;
  if (commits_) {
    options.checkpoint_folder = folder_;
    options.checkpoint_interval_us = ways_.interval_us;
    options.channel_bytes = ways_.channel_bytes;
    if (FindCheckpoints(site_.disk, folder_).ok()) options.restore_from = folder_;
    maker = [results =
                 results_](const OperatorRequest& request) -> Result<std::unique_ptr<Operator>> {
      if (request.node.config->op() != CollectConfig::kOp) return MakeOperator(request);
      return MakeCommittingCollect(*results);
    };
  }
  if (configuration_.faults) {
    options.restart.strategy = RestartOptions::Strategy::kFixedDelay;
    options.restart.attempts = kMostTries;
    options.restart.delay_us = kRestartMicros;
  }
  const bool restores = !options.restore_from.empty();
  ARROW_ASSIGN_OR_RAISE(
      life_->job,
      Job::Make(folder_, std::make_shared<const PhysicalPlan>(std::move(plan)), std::move(options),
                life_->executor, life_->services, maker, MakeSplitFinder));
  if (restores) ++site_.restores;
  life_->job->Start();
  return Status::OK();
}

bool SimulatedJob::CrashIsDue() const {
  return steps_ >= kill_after_ || site_.disk.power().lost() ||
         (barrier_life_ == lives_ && life_->job->progress().checkpoints > before_barrier_);
}

bool SimulatedJob::Step() {
  const auto happens = [this](int64_t every) { return every > 0 && site_.Draw(every) == 0; };
  if (barriers_left_ > 0 && happens(ways_.barrier_every)) {
    --barriers_left_;
    life_->job->TakeCheckpoint();
  }
  if (barrier_in_ > 0 && --barrier_in_ == 0) {
    ++site_.barriers;
    barrier_life_ = lives_;
    before_barrier_ = life_->job->progress().checkpoints;
    life_->job->TakeCheckpoint();
  }
  if (happens(ways_.jump_every)) {
    constexpr int64_t kFar = 600'000'000;
    // Not to before the process began: scripts tell the day.
    const int64_t least = site_.now_us - life_->env.NowMicros();
    life_->env.JumpClock(std::max(site_.Draw(2 * kFar) - kFar, least));
  }
  return ++steps_ < kTooManySteps && life_->executor.Step();
}

void SimulatedJob::Die() {
  ++site_.crashes;
  site_.trace.Add("crash", static_cast<uint64_t>(steps_));
  site_.disk.power().Lose();
  EndLife();
  site_.disk.Crash();
}

void SimulatedJob::EndLife() {
  if (life_->job != nullptr) site_.restarts += life_->job->progress().restarts;
  site_.now_us = life_->env.MonotonicMicros();
  life_.reset();
  site_.disk.power().Restore();
  site_.disk.SetFaults({});
}

// --- without an end

Status SimulatedJob::Start() {
  commits_ = true;
  // Neither is ever quiet, and scripts tell the time.
  ways_.interval_us = ways_.jump_every = 0;
  ARROW_RETURN_NOT_OK(Begin(configuration_.parallelism[0]));
  DrawCrash();
  return Status::OK();
}

Status SimulatedJob::GoOn(std::optional<int> parallelism) {
  if (life_ != nullptr) return Error::User("the job runs; 'crash' comes first");
  const auto& all = configuration_.parallelism;
  ARROW_RETURN_NOT_OK(Begin(parallelism.value_or(all[lives_ % all.size()])));
  DrawCrash();
  return Status::OK();
}

Status SimulatedJob::StepOrGoOn() {
  if (CrashIsDue()) {
    Die();
    return GoOn(std::nullopt);
  }
  if (Step()) return Status::OK();
  return Error::Internal("the job does not come to rest");
}

Status SimulatedJob::RunUntilQuiet() {
  if (life_ == nullptr) return Error::User("the job has crashed; 'restore' comes first");
  barriers_left_ = 1 + site_.Draw(8);
  steps_ = 0;
  while (CrashIsDue() || life_->executor.next_us() <= life_->env.MonotonicMicros() + kQuietMicros) {
    if (!CrashIsDue() && life_->job->over()) return life_->job->Wait();
    ARROW_RETURN_NOT_OK(StepOrGoOn());
  }
  return Status::OK();
}

Status SimulatedJob::Settle() {
  for (int tries = 0; tries < kMostTries; ++tries) {
    ARROW_RETURN_NOT_OK(RunUntilQuiet());
    if (life_->job->over()) return Status::OK();
    const auto complete = [this] { return std::pair(lives_, life_->job->progress().checkpoints); };
    const auto before = complete();
    const int64_t restarts = life_->job->progress().restarts;
    life_->job->TakeCheckpoint();
    ARROW_RETURN_NOT_OK(RunUntilQuiet());
    const auto after = complete();
    const bool same = after.first == before.first && life_->job->progress().restarts == restarts;
    if (same && after.second > before.second) return Status::OK();
  }
  return Error::Internal("no checkpoint becomes complete");
}

Status SimulatedJob::Barrier() {
  if (life_ == nullptr) return Error::User("the job has crashed; 'restore' comes first");
  const int64_t before = life_->job->progress().checkpoints;
  const size_t life = lives_;
  for (int64_t some = site_.Draw(64); some > 0 && life == lives_; --some) {
    if (life_->executor.next_us() != AlarmHeap::kNever) ARROW_RETURN_NOT_OK(StepOrGoOn());
  }
  // A fault may be the end of one.
  for (int tries = 0; tries < kMostTries; ++tries) {
    life_->job->TakeCheckpoint();
    const int64_t until = life_->env.MonotonicMicros() + kQuietMicros;
    while (CrashIsDue() || life_->executor.next_us() <= until) {
      if (!CrashIsDue() && life_->job->over()) return life_->job->Wait();
      ARROW_RETURN_NOT_OK(StepOrGoOn());
      if (life != lives_ || life_->job->progress().checkpoints > before) return Status::OK();
    }
  }
  return Error::Internal("no checkpoint becomes complete");
}

Status SimulatedJob::Crash() {
  if (life_ == nullptr) return Error::User("the job has crashed already");
  Die();
  return Status::OK();
}

Status SimulatedJob::PassUntil(int64_t us) {
  if (life_ == nullptr) return Error::User("the job has crashed; 'restore' comes first");
  const int64_t ahead = us - life_->env.NowMicros();
  if (ahead < 0) {
    life_->env.JumpClock(ahead);
    return Status::OK();
  }
  const int64_t until = life_->env.MonotonicMicros() + ahead;
  while (CrashIsDue() || life_->executor.next_us() <= until) ARROW_RETURN_NOT_OK(StepOrGoOn());
  life_->env.AdvanceTo(until);
  return Status::OK();
}

Changes SimulatedJob::TakeChanges() {
  Changes taken = changes_;
  if (results_ != nullptr) taken.rows = results_->Take();
  for (const Change& change : taken.rows) site_.trace.AddText("row", SignedLineOf(change));
  return taken;
}

}  // namespace millrace::sql_script

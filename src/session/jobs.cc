// INSERT, statement sets, SELECT, EXPLAIN and STOP JOB.

#include <algorithm>
#include <utility>

#include "base/suggest.h"
#include "session/job_client.h"
#include "session/query_result.h"
#include "session/session_impl.h"
#include "syntax/parser.h"

namespace millrace {
namespace {

/// Under which a plan knows the receiver of a query before it is started.
constexpr char kResult[] = "result";
constexpr size_t kEndedJobsKept = 50;

std::string JoinedTargets(const std::vector<const syntax::Insert*>& inserts) {
  std::string names;
  for (const syntax::Insert* insert : inserts) {
    names += (names.empty() ? "" : ",") + insert->table.parts.back().name;
  }
  return "insert-into_" + names;
}

std::vector<const syntax::Insert*> InsertsOf(const syntax::StatementSet& set) {
  std::vector<const syntax::Insert*> inserts;
  for (const syntax::StatementPtr& statement : set.inserts) {
    inserts.push_back(statement->As<syntax::Insert>());
  }
  return inserts;
}

std::string NameOf(const PhysicalPlan& plan) {
  std::string names;
  for (const Stage& stage : plan.stages) {
    for (const PlanNode& node : stage.chain) {
      const auto* sink = dynamic_cast<const SinkConfig*>(node.config.get());
      if (sink != nullptr) names += (names.empty() ? "" : ",") + sink->table.name;
    }
  }
  return "insert-into_" + names;
}

/// The place of a plan's collect node; the chain is null where it has none.
struct CollectPlace {
  Stage* stage = nullptr;
  size_t index = 0;
};

CollectPlace FindCollect(PhysicalPlan* plan) {
  for (Stage& stage : plan->stages) {
    for (size_t i = 0; i < stage.chain.size(); ++i) {
      if (stage.chain[i].config->op() == CollectConfig::kOp) return {&stage, i};
    }
  }
  return {};
}

/// The port whose rows reach the collect node.
Result<PortPlan> PortBefore(const PhysicalPlan& plan, const CollectPlace& collect) {
  if (collect.index > 0) return collect.stage->chain[collect.index - 1].ports.at(0);
  for (const Exchange& exchange : plan.exchanges) {
    if (exchange.to != collect.stage->id) continue;
    for (const PlanNode& node : plan.stage(exchange.from)->chain) {
      if (node.id == exchange.node) return node.ports.at(static_cast<size_t>(exchange.port));
    }
  }
  return Error::Internal("a query's result has no input");
}

RestartOptions RestartOf(const Options& settings, bool checkpoints) {
  using Strategy = RestartOptions::Strategy;
  const std::map<std::string, Strategy> strategies = {
      {"none", Strategy::kNone},
      {"fixed-delay", Strategy::kFixedDelay},
      {"exponential-delay", Strategy::kExponentialDelay},
      {"failure-rate", Strategy::kFailureRate}};
  RestartOptions restart;
  const std::string type = settings.String("restart-strategy.type");
  restart.strategy = !type.empty() ? strategies.at(type)
                     : checkpoints ? Strategy::kExponentialDelay
                                   : Strategy::kNone;
  const std::string exponential = "restart-strategy.exponential-delay.";
  const std::string rate = "restart-strategy.failure-rate.";
  restart.delay_us = settings.DurationMicros(restart.strategy == Strategy::kFailureRate
                                                 ? rate + "delay"
                                                 : "restart-strategy.fixed-delay.delay");
  restart.attempts = settings.Int("restart-strategy.fixed-delay.attempts");
  restart.failures = settings.Int(rate + "max-failures-per-interval");
  restart.interval_us = settings.DurationMicros(rate + "failure-rate-interval");
  restart.initial_us = settings.DurationMicros(exponential + "initial-backoff");
  restart.longest_us = settings.DurationMicros(exponential + "max-backoff");
  restart.multiplier = settings.Double(exponential + "backoff-multiplier");
  restart.jitter = settings.Double(exponential + "jitter-factor");
  restart.reset_after_us = settings.DurationMicros(exponential + "reset-backoff-threshold");
  if (const std::string attempts = exponential + "attempts-before-reset-backoff";
      settings.Has(attempts)) {
    restart.attempts_until_reset = settings.Int(attempts);
  }
  return restart;
}

Result<JobOptions> OptionsOf(const std::map<std::string, std::string>& written,
                             const std::string& default_name) {
  // Settings without effect on jobs are carried along in a plan; they are not checked again.
  std::map<std::string, std::string> known;
  for (const OptionSpec& spec : SettingSpecs()) {
    if (const auto it = written.find(spec.key); it != written.end()) known.insert(*it);
  }
  ARROW_ASSIGN_OR_RAISE(const Options settings,
                        Options::Make("SET", SettingSpecs(), std::move(known)));
  JobOptions options;
  options.name = settings.Has("pipeline.name") ? settings.String("pipeline.name") : default_name;
  options.checkpoint_interval_us = settings.DurationMicros("execution.checkpointing.interval");
  if (settings.Has("execution.checkpointing.dir")) {
    options.checkpoint_folder = settings.String("execution.checkpointing.dir") + '/' + options.name;
  } else if (options.checkpoint_interval_us > 0) {
    return Error::User(
               "'execution.checkpointing.interval' is set, but there is no folder for checkpoints")
        .Hint("SET 'execution.checkpointing.dir' = '/var/lib/millrace/checkpoints'");
  }
  options.keep_checkpoints = static_cast<int>(settings.Int("execution.checkpointing.num-retained"));
  options.checkpoint_timeout_us = settings.DurationMicros("execution.checkpointing.timeout");
  options.checkpoint_min_pause_us = settings.DurationMicros("execution.checkpointing.min-pause");
  if (const char* tolerated = "execution.checkpointing.tolerable-failed-checkpoints";
      settings.Has(tolerated)) {
    options.tolerated_checkpoint_failures = settings.Int(tolerated);
  }
  options.restart = RestartOf(settings, options.checkpoint_interval_us > 0);
  options.restore_from = settings.String("execution.state-recovery.path");
  options.allow_dropped_state = settings.Bool("execution.state-recovery.ignore-unclaimed-state");
  options.channel_bytes = settings.Bytes("millrace.channel-bytes");
  return options;
}

/// What the user should know before rows stay unseen.
std::vector<std::string> WarningsOf(const PhysicalPlan& plan, const Registries& registries) {
  std::vector<std::string> warnings;
  const auto options = OptionsOf(plan.settings, {});
  if (plan.bounded || !options.ok() || options->checkpoint_interval_us > 0) return warnings;
  for (const Stage& stage : plan.stages) {
    for (const PlanNode& node : stage.chain) {
      const auto* sink = dynamic_cast<const SinkConfig*>(node.config.get());
      if (sink == nullptr) continue;
      const auto resolved = ResolveTable(registries, sink->table);
      if (!resolved.ok() || !resolved->connector->shows_with_checkpoints) continue;
      if (!resolved->connector->shows_with_checkpoints(resolved->options)) continue;
      warnings.push_back("table '" + sink->table.name +
                         "' shows rows when their checkpoint is complete, and this job has no end "
                         "and takes no checkpoints\n  hint: SET 'execution.checkpointing.interval' "
                         "= '10 s' and 'execution.checkpointing.dir' = '…'");
    }
  }
  return warnings;
}

StatementResult TextResult(std::string text) {
  StatementResult result;
  result.kind = StatementResult::Kind::kText;
  result.message = std::move(text);
  return result;
}

}  // namespace

Result<sql::PlannedJob> Session::Impl::Plan(const syntax::Statement& statement) {
  Context context(*this);
  if (const auto* insert = statement.As<syntax::Insert>()) {
    return sql::PlanInserts(context.planner, {insert});
  }
  if (const auto* set = statement.As<syntax::StatementSet>()) {
    return sql::PlanInserts(context.planner, InsertsOf(*set));
  }
  if (const auto* selection = statement.As<syntax::Selection>()) {
    return sql::PlanQuery(context.planner, *selection->query, kResult);
  }
  return Error::User("only INSERT, a statement set or SELECT has a plan").At(statement.position);
}

Result<sql::PlannedJob> Session::Impl::PlanScript(std::string_view sql) {
  ARROW_ASSIGN_OR_RAISE(const auto statements, syntax::ParseScript(sql));
  const auto jobs = std::ranges::count_if(
      statements, [](const syntax::StatementPtr& statement) { return StartsJob(*statement); });
  if (jobs != 1) {
    return Error::User("a plan is that of one job, and the script has " + std::to_string(jobs))
        .Hint(jobs == 0 ? "add an INSERT or a SELECT"
                        : "put the INSERTs into EXECUTE STATEMENT SET BEGIN … END");
  }
  for (const syntax::StatementPtr& statement : statements) {
    if (StartsJob(*statement)) {
      std::lock_guard lock(executing_);
      return Plan(*statement);
    }
    ARROW_RETURN_NOT_OK(Execute(*statement).status());
  }
  return Error::Internal("a script lost its job");
}

Result<StatementResult> Session::Impl::Run(const syntax::Insert& insert, Position) {
  Context context(*this);
  ARROW_ASSIGN_OR_RAISE(auto planned, sql::PlanInserts(context.planner, {&insert}));
  return StartJob(std::move(planned.plan), JoinedTargets({&insert}));
}

Result<StatementResult> Session::Impl::Run(const syntax::StatementSet& set, Position) {
  Context context(*this);
  const auto inserts = InsertsOf(set);
  ARROW_ASSIGN_OR_RAISE(auto planned, sql::PlanInserts(context.planner, inserts));
  return StartJob(std::move(planned.plan), JoinedTargets(inserts));
}

Result<StatementResult> Session::Impl::Run(const syntax::Selection& selection, Position) {
  Context context(*this);
  ARROW_ASSIGN_OR_RAISE(auto planned, sql::PlanQuery(context.planner, *selection.query, kResult));
  return StartQuery(std::move(planned.plan));
}

Result<StatementResult> Session::Impl::RunPlan(PhysicalPlan plan) {
  std::lock_guard lock(executing_);
  ARROW_RETURN_NOT_OK(Validate(plan));
  if (FindCollect(&plan).stage != nullptr) return StartQuery(std::move(plan));
  const std::string name = NameOf(plan);
  return StartJob(std::move(plan), name);
}

Result<StatementResult> Session::Impl::StartJob(PhysicalPlan plan,
                                                const std::string& default_name) {
  StatementResult result;
  result.warnings = WarningsOf(plan, engine_->registries());
  result.kind = StatementResult::Kind::kJob;
  ARROW_ASSIGN_OR_RAISE(result.job, Start(std::move(plan), default_name));
  result.message = "Job '" + result.job->id() + "' started.";
  return result;
}

Result<StatementResult> Session::Impl::StartQuery(PhysicalPlan plan) {
  const CollectPlace place = FindCollect(&plan);
  ARROW_ASSIGN_OR_RAISE(const PortPlan rows, PortBefore(plan, place));
  auto [name, buffer] = engine_->AddReceiver();
  auto collect = std::make_shared<CollectConfig>();
  collect->receiver = name;
  place.stage->chain[place.index].config = std::move(collect);
  const bool bounded = plan.bounded;
  ARROW_ASSIGN_OR_RAISE(auto job, Start(std::move(plan), "query"));
  StatementResult result;
  result.kind = StatementResult::Kind::kQuery;
  result.query = std::make_unique<QueryResult>(
      std::make_unique<QueryResult::Impl>(std::move(job), std::move(buffer), rows, bounded));
  return result;
}

Result<std::shared_ptr<JobClient>> Session::Impl::Start(PhysicalPlan plan,
                                                        const std::string& default_name) {
  ARROW_ASSIGN_OR_RAISE(JobOptions options, OptionsOf(plan.settings, default_name));
  // The rows of a query have been seen: it cannot begin again.
  if (FindCollect(&plan).stage != nullptr) options.restart = {};
  const std::string name = options.name;
  const auto shared = std::make_shared<const PhysicalPlan>(std::move(plan));
  ARROW_ASSIGN_OR_RAISE(JobHandle handle, engine_->runtime().Submit(shared, std::move(options)));
  auto job = std::make_shared<JobClient>(
      std::make_shared<JobClient::Impl>(engine_, name, std::move(handle), *shared));
  std::lock_guard lock(jobs_mutex_);
  jobs_.push_back(job);
  ForgetEndedJobs();
  return job;
}

/// The oldest, once there are many; seldom, since it looks at all jobs.
void Session::Impl::ForgetEndedJobs() {
  if (jobs_.size() < forget_at_) return;
  size_t ended = 0;
  for (auto job = jobs_.rbegin(); job != jobs_.rend(); ++job) {
    const bool is_over = (*job)->status() > JobStatus::kRestarting;
    if (is_over && ++ended > kEndedJobsKept) job->reset();
  }
  std::erase(jobs_, nullptr);
  forget_at_ = 2 * jobs_.size();
}

std::vector<std::shared_ptr<JobClient>> Session::Impl::Jobs() const {
  std::lock_guard lock(jobs_mutex_);
  return jobs_;
}

Result<std::string> Session::Impl::Explain(const syntax::Statement& statement, bool json) {
  ARROW_ASSIGN_OR_RAISE(const auto planned, Plan(statement));
  return json ? ToJson(planned.plan) : ToText(planned.plan);
}

Result<StatementResult> Session::Impl::Run(const syntax::Explain& explain, Position) {
  if (explain.json) {
    ARROW_ASSIGN_OR_RAISE(std::string plan, Explain(*explain.statement, true));
    return TextResult(std::move(plan));
  }
  ARROW_ASSIGN_OR_RAISE(std::string text, Explain(*explain.statement, false));
  const auto& details = explain.details;
  if (std::ranges::find(details, syntax::Explain::kJsonExecutionPlan) != details.end()) {
    ARROW_ASSIGN_OR_RAISE(const std::string plan, Explain(*explain.statement, true));
    text += "\n" + plan;
  }
  return TextResult(std::move(text));
}

Result<StatementResult> Session::Impl::Run(const syntax::StopJob& stop, Position at) {
  const auto jobs = Jobs();
  const auto job = std::ranges::find(jobs, stop.job, [](const auto& j) { return j->id(); });
  if (job == jobs.end()) {
    std::vector<std::string> ids;
    for (const auto& known : jobs) ids.push_back(known->id());
    return Error::User("this session has no job '" + stop.job + "'")
        .At(at)
        .Hint(Suggest(stop.job, ids));
  }
  if (stop.with_drain) return sql::NotPlanned("WITH DRAIN", at);
  StatementResult result;
  result.message = "Job '" + stop.job + "' stopped.";
  if (stop.with_savepoint) {
    const std::string folder = settings_.Get("execution.checkpointing.savepoint-dir");
    if (folder.empty()) {
      return Error::User("there is no folder for savepoints")
          .At(at)
          .Hint("SET 'execution.checkpointing.savepoint-dir' = '/var/lib/millrace/savepoints'");
    }
    ARROW_ASSIGN_OR_RAISE(const std::string path, (*job)->StopWithSavepoint(folder));
    result.message += " Its state is in " + path + ".";
    return result;
  }
  (*job)->Cancel();
  return result;
}

}  // namespace millrace

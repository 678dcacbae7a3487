#include "world.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <sstream>

#include <arrow/array.h>
#include <arrow/record_batch.h>

#include "cli/cell_text.h"
#include "connectors/register.h"
#include "formats/register.h"
#include "functions/register.h"
#include "models/register.h"
#include "models/runtime.h"
#include "operators/registry.h"
#include "results.h"
#include "runtime/checkpoint.h"
#include "runtime/job.h"
#include "sim/sim_env.h"
#include "syntax/parser.h"

namespace millrace::sql_script {
namespace {

constexpr int64_t kOften = 300;  ///< µs between checkpoints where a crash is to come
constexpr int64_t kSeldom = 100'000;
constexpr int64_t kChannelBytes = 2000;
constexpr int64_t kTooManySteps = 2'000'000;

const Registries& SharedRegistries() {
  static const Registries* registries = [] {
    auto* all = new Registries;
    static std::ostringstream printed;
    RegisterFunctions(*all);
    RegisterFormats(all->formats);
    RegisterConnectors(all->connectors, printed, printed);
    RegisterModelProviders(all->providers);
    return all;
  }();
  return *registries;
}

/// What operators get from the simulated process.
class SimServices final : public Services {
 public:
  SimServices(Env& env, const SecretProvider& secrets, std::shared_ptr<Results> results)
      : env_(env),
        secrets_(secrets),
        results_(std::move(results)),
        models_(MakeModelRuntime(*this)) {}

  Env& env() override { return env_; }
  const Registries& registries() const override { return SharedRegistries(); }
  ModelRuntime& models() override { return *models_; }
  const SecretProvider& secrets() const override { return secrets_; }
  MetricRegistry& metrics() override { return metrics_; }
  Result<std::shared_ptr<RowReceiver>> receiver(std::string_view) override { return results_; }

 private:
  Env& env_;
  const SecretProvider& secrets_;
  MetricRegistry metrics_;
  const std::shared_ptr<Results> results_;
  const std::unique_ptr<ModelRuntime> models_;
};

/// Sets a session's setting for as long as it lives.
class ScopedSetting {
 public:
  ScopedSetting(Settings& settings, std::string key, int value)
      : settings_(settings), key_(std::move(key)) {
    const auto written = settings_.Written();
    if (const auto it = written.find(key_); it != written.end()) before_ = it->second;
    status_ = settings_.Set(key_, std::to_string(value)).status();
  }
  ~ScopedSetting() {
    (void)(before_ ? settings_.Set(key_, *before_).status() : settings_.Reset(key_));
  }
  const Status& status() const { return status_; }

 private:
  Settings& settings_;
  const std::string key_;
  std::optional<std::string> before_;
  Status status_;
};

std::vector<std::string> LinesOf(std::string_view text) {
  std::vector<std::string> lines;
  std::istringstream stream{std::string(text)};
  for (std::string line; std::getline(stream, line);) {
    if (!line.empty()) lines.push_back(line);
  }
  return lines;
}

Result<std::vector<std::string>> LinesOf(const arrow::RecordBatch& table) {
  std::vector<Change> rows;
  ARROW_ASSIGN_OR_RAISE(const Schema schema, cli::SqlColumns(*table.schema()));
  const Batch batch{table.Slice(0), nullptr, 0};
  ARROW_RETURN_NOT_OK(AppendChanges(schema, batch, &rows));
  std::vector<std::string> lines;
  for (const Change& row : rows) lines.push_back(LineOf(row));
  return lines;
}

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

}  // namespace

Result<std::unique_ptr<World>> World::Make(Configuration configuration) {
  ARROW_ASSIGN_OR_RAISE(auto session, Session::Open({.worker_threads = 1}));
  return std::unique_ptr<World>(new World(std::move(configuration), std::move(session)));
}

Status World::PutFile(const std::string& path, std::string_view content) {
  ARROW_ASSIGN_OR_RAISE(auto file, disk_.OpenOutput(path, OpenMode::kTruncate));
  ARROW_RETURN_NOT_OK(file->Append(content));
  ARROW_RETURN_NOT_OK(file->Sync());
  return file->Close();
}

Result<Answer> World::Execute(const std::string& sql) {
  ARROW_ASSIGN_OR_RAISE(const auto statement, syntax::ParseStatement(sql));
  Answer answer;
  if (StartsJob(*statement)) {
    ARROW_ASSIGN_OR_RAISE(answer.changes, RunJob(sql));
    const bool query = statement->As<syntax::Selection>() != nullptr;
    answer.kind = query ? Answer::Kind::kChanges : Answer::Kind::kNothing;
    return answer;
  }
  ARROW_ASSIGN_OR_RAISE(const StatementResult result, session_->impl().Execute(*statement));
  if (result.kind == StatementResult::Kind::kText) {
    answer.kind = Answer::Kind::kLines;
    answer.lines = LinesOf(result.message);
  } else if (result.kind == StatementResult::Kind::kTable) {
    answer.kind = Answer::Kind::kLines;
    ARROW_ASSIGN_OR_RAISE(answer.lines, LinesOf(*result.table));
  }
  return answer;
}

Result<PhysicalPlan> World::Plan(const std::string& sql, int parallelism) {
  Settings& settings = session_->impl().settings();
  const ScopedSetting rows(settings, "millrace.batch-rows", configuration_.batch_rows);
  const ScopedSetting subtasks(settings, "parallelism.default", parallelism);
  ARROW_RETURN_NOT_OK(rows.status());
  ARROW_RETURN_NOT_OK(subtasks.status());
  ARROW_ASSIGN_OR_RAISE(auto planned, session_->impl().PlanScript(sql));
  if (!configuration_.through_json) return std::move(planned.plan);
  const std::string json = ToJson(planned.plan);
  ARROW_ASSIGN_OR_RAISE(PhysicalPlan plan, PlanFromJson(json));
  if (ToJson(plan) != json) return Error::Internal("the plan's JSON reads back as another plan");
  return plan;
}

Result<Changes> World::RunJob(const std::string& sql) {
  const std::string folder = "/checkpoints/" + std::to_string(++jobs_);
  const auto& parallelism = configuration_.parallelism;
  std::shared_ptr<Results> results;
  Changes changes;
  for (size_t life = 0; life < parallelism.size(); ++life) {
    ARROW_ASSIGN_OR_RAISE(PhysicalPlan plan, Plan(sql, parallelism[life]));
    if (results == nullptr) {
      const PortPlan* port = CollectedPort(plan);
      results = std::make_shared<Results>(port == nullptr ? Schema() : port->schema);
      if (port != nullptr) {
        changes.mode = port->changelog;
        changes.key = port->key;
      }
    }
    const bool last = life + 1 == parallelism.size();
    // Early, in the middle, late: jobs of scripts take tens to thousands of steps.
    const int64_t longest = int64_t{32} << (random_() % 5);
    const int64_t kill_after =
        last ? std::numeric_limits<int64_t>::max()
             : 1 + static_cast<int64_t>(random_() % static_cast<uint64_t>(longest));
    ARROW_ASSIGN_OR_RAISE(const bool over, Live(std::move(plan), folder, kill_after, results));
    if (over) break;
    disk_.Crash();
  }
  changes.rows = results->Take();
  return changes;
}

Result<bool> World::Live(PhysicalPlan plan, const std::string& folder, int64_t kill_after,
                         const std::shared_ptr<Results>& results) {
  SimEnv env(random_(), now_us_, disk_);
  SimServices services(env, session_->impl().engine().secrets(), results);
  SimExecutor executor(env);
  JobOptions options;
  options.name = "script";
  OperatorMaker maker = MakeOperator;
  if (configuration_.crashes()) {
    options.checkpoint_folder = folder;
    options.checkpoint_interval_us = kill_after < kTooManySteps ? kOften : kSeldom;
    options.channel_bytes = kChannelBytes;
    if (FindCheckpoints(disk_, folder).ok()) {
      options.restore_from = folder;
      ++restores_;
    }
    maker = [&](const OperatorRequest& request) -> Result<std::unique_ptr<Operator>> {
      if (request.node.config->op() != CollectConfig::kOp) return MakeOperator(request);
      return MakeCommittingCollect(*results);
    };
  }
  ARROW_ASSIGN_OR_RAISE(
      auto job, Job::Make(folder, std::make_shared<const PhysicalPlan>(std::move(plan)), options,
                          executor, services, maker, MakeSplitFinder));
  job->Start();
  int64_t steps = 0;
  while (steps < std::min(kill_after, kTooManySteps) && !job->over() && executor.Step()) ++steps;
  now_us_ = env.NowMicros();
  if (job->over()) {
    ARROW_RETURN_NOT_OK(job->Wait());
    return true;
  }
  if (steps < kill_after) return Error::Internal("the job does not come to its end");
  // Loads of models that are under way end before their runtime does.
  job.reset();
  while (env.next_us() != AlarmHeap::kNever) env.RunNext();
  return false;
}

}  // namespace millrace::sql_script

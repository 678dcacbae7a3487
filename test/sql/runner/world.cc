#include "world.h"

#include <filesystem>
#include <optional>
#include <sstream>
#include <tuple>

#include <arrow/array.h>
#include <arrow/record_batch.h>

#include "cli/cell_text.h"
#include "simulated_job.h"
#include "syntax/parser.h"

namespace millrace::sql_script {
namespace {

/// Sets a session's setting for as long as it lives.
class ScopedSetting {
 public:
  ScopedSetting(Settings& settings, std::string key, const std::string& value)
      : settings_(settings), key_(std::move(key)) {
    const auto written = settings_.Written();
    if (const auto it = written.find(key_); it != written.end()) before_ = it->second;
    status_ = settings_.Set(key_, value).status();
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

}  // namespace

std::unique_ptr<World> World::Make(Configuration configuration) {
  static FakeModelServer models;
  static const auto engine = std::make_shared<Engine>(SessionOptions{.worker_threads = 1}, models);
  return std::unique_ptr<World>(new World(std::move(configuration), engine));
}

void World::PutFile(const std::string& path, std::string_view content) {
  site_.disk.Put(path, content);
  site_.models.PutFile(path, content);
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
  ARROW_ASSIGN_OR_RAISE(const StatementResult result, session_.Execute(*statement));
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
  Settings& settings = session_.settings();
  const ScopedSetting rows(settings, "millrace.batch-rows",
                           std::to_string(configuration_.batch_rows));
  const ScopedSetting subtasks(settings, "parallelism.default", std::to_string(parallelism));
  // RocksDB's files are real; in memory its many syncs cost nothing.
  static const bool has_memory = std::filesystem::is_directory("/dev/shm");
  const ScopedSetting scratch(settings, "state.backend.rocksdb.localdir",
                              has_memory ? "/dev/shm" : "/tmp");
  ARROW_RETURN_NOT_OK(rows.status());
  ARROW_RETURN_NOT_OK(subtasks.status());
  ARROW_RETURN_NOT_OK(scratch.status());
  ARROW_ASSIGN_OR_RAISE(auto planned, session_.PlanScript(sql));
  if (!configuration_.through_json) return std::move(planned.plan);
  const std::string json = ToJson(planned.plan);
  ARROW_ASSIGN_OR_RAISE(PhysicalPlan plan, PlanFromJson(json));
  if (ToJson(plan) != json) return Error::Internal("the plan's JSON reads back as another plan");
  return plan;
}

Result<Changes> World::RunJob(const std::string& sql) {
  stream_.reset();  // one process at a time has the disk and the brokers
  SimulatedJob job(site_, configuration_, session_.engine().secrets(), registries_,
                   "/checkpoints/" + std::to_string(++jobs_),
                   [&](int parallelism) { return Plan(sql, parallelism); });
  ARROW_RETURN_NOT_OK(job.RunToEnd());
  return job.TakeChanges();
}

Status World::SetClock(int64_t us) {
  if (stream_ != nullptr) return stream_->PassUntil(us);
  site_.now_us = us;
  return Status::OK();
}

Status World::Start(const std::string& sql) {
  stream_.reset();
  stream_ = std::make_unique<SimulatedJob>(
      site_, configuration_, session_.engine().secrets(), registries_,
      "/checkpoints/" + std::to_string(++jobs_),
      [this, sql](int parallelism) { return Plan(sql, parallelism); });
  return stream_->Start();
}

Result<SimulatedJob*> World::stream() {
  if (stream_ == nullptr) return Error::User("no job was started").Hint("start, then the query");
  return stream_.get();
}

Status World::Input(const std::string& topic, const std::vector<std::string>& lines) {
  const size_t slash = topic.find('/');
  const std::string name = topic.substr(0, slash);
  const int32_t partitions = site_.kafka->PartitionsOf(name);
  if (partitions == 0) return Error::User("there is no topic '" + name + "'");
  for (const std::string& line : lines) {
    KafkaMessage message;
    message.value = line;
    message.timestamp_ms = site_.now_us / 1000;
    if (slash == std::string::npos) {
      site_.kafka->Append(name, next_partition_++ % partitions, std::move(message));
      continue;
    }
    const std::string where = topic.substr(slash + 1);
    for (int32_t partition = 0; partition < partitions; ++partition) {
      if (where == "*" || where == std::to_string(partition)) {
        site_.kafka->Append(name, partition, message);
      }
    }
  }
  return Status::OK();
}

Result<std::vector<std::string>> World::Output(const std::string& topic) {
  const int32_t partitions = site_.kafka->PartitionsOf(topic);
  if (partitions == 0) return Error::User("there is no topic '" + topic + "'");
  if (stream_ != nullptr) ARROW_RETURN_NOT_OK(stream_->Settle());
  std::vector<std::string> lines;
  for (int32_t partition = 0; partition < partitions; ++partition) {
    for (const auto& stored : site_.kafka->Records(topic, partition)) {
      const auto& [key, value] = std::tie(stored.message.key, stored.message.value);
      lines.push_back((key ? *key + " => " : std::string()) + value.value_or("NULL"));
      site_.trace.AddText("record", lines.back());
    }
  }
  return lines;
}

}  // namespace millrace::sql_script

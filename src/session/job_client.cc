#include "session/job_client.h"

#include <algorithm>
#include <utility>

namespace millrace {
namespace {

RestoreInfo InfoOf(const RestoreReport& report) {
  RestoreInfo info{report.checkpoint, report.kept, report.added, report.dropped, {}};
  for (const SkippedCheckpoint& skipped : report.skipped) info.skipped.push_back(skipped.path);
  return info;
}

constexpr double kSkewed = 1.5;            ///< times the rows of a subtask on average
constexpr int64_t kRowsOfASubtask = 1000;  ///< before that is looked at

bool IsSkewed(const NodeStats& stats) {
  return stats.rows_in >= kRowsOfASubtask * stats.subtasks &&
         static_cast<double>(stats.most_rows_in) * stats.subtasks >
             kSkewed * static_cast<double>(stats.rows_in);
}

/// Of a keyed join with the versions of a model (M2).
std::string SkewHint(const NodeConfig& config) {
  if (config.op() != PredictConfig::kOp) return {};
  const auto& stream = static_cast<const PredictConfig&>(config).stream;
  if (!stream || !stream->keyed) return {};
  if (stream->rollout.counts()) return "the rollout counts rows where all rows of a key are";
  return "leave PARTITION BY out of ML_PREDICT: in the broadcast join rows stay where they are, "
         "and "
         "every subtask has every model";
}

}  // namespace

JobClient::Impl::Impl(std::shared_ptr<Engine> engine, std::string job_name, JobHandle handle,
                      const PhysicalPlan& plan)
    : id(handle.id()),
      name(std::move(job_name)),
      started_us(engine->env().NowMicros()),
      engine_(std::move(engine)),
      began_us_(engine_->env().MonotonicMicros()),
      handle_(std::move(handle)) {
  for (const Stage& stage : plan.stages) {
    for (const PlanNode& node : stage.chain) {
      nodes_.push_back({node.id, std::string(node.config->op()), SkewHint(*node.config)});
    }
  }
}

std::optional<JobHandle> JobClient::Impl::handle() {
  std::lock_guard lock(mutex_);
  return handle_;
}

Status JobClient::Impl::Wait() {
  if (const auto job = handle()) Settle(job->Wait());
  std::lock_guard lock(mutex_);
  return outcome_;
}

std::optional<Status> JobClient::Impl::WaitFor(int64_t timeout_us) {
  if (const auto job = handle()) {
    const auto outcome = job->WaitFor(timeout_us);
    if (!outcome) return std::nullopt;
    Settle(*outcome);
  }
  std::lock_guard lock(mutex_);
  return outcome_;
}

void JobClient::Impl::Settle(const Status& outcome) {
  std::optional<JobHandle> ended;  // the job is freed outside of the lock
  std::lock_guard lock(mutex_);
  if (!handle_) return;
  last_ = Measure(handle_->progress());
  last_restored_ = InfoOf(handle_->restored());
  outcome_ = outcome;
  ended.swap(handle_);
}

void JobClient::Impl::WhenOver(std::function<void()> done) {
  if (const auto job = handle()) return job->WhenOver(std::move(done));
  done();
}

void JobClient::Impl::Cancel() {
  if (const auto job = handle()) job->Cancel();
}

Result<std::string> JobClient::Impl::Savepoint(const std::string& folder, bool stop) {
  if (const auto job = handle(); job && !WaitFor(0)) {
    return stop ? job->StopWithSavepoint(folder) : job->Savepoint(folder);
  }
  return Error::User("job '" + id + "' has ended")
      .Hint("its last checkpoint, if any, is what is left");
}

JobStatus JobClient::Impl::status() {
  if (const auto job = handle()) {
    if (job->state() == JobState::kRunning) return JobStatus::kRunning;
    if (job->state() == JobState::kRestarting) return JobStatus::kRestarting;
  }
  const auto outcome = WaitFor(0);
  if (!outcome) return JobStatus::kRunning;  // it restarted just now
  if (outcome->ok()) return JobStatus::kFinished;
  return outcome->IsCancelled() ? JobStatus::kCancelled : JobStatus::kFailed;
}

JobMetrics JobClient::Impl::metrics() {
  WaitFor(0);
  std::lock_guard lock(mutex_);
  return handle_ ? Measure(handle_->progress()) : last_;
}

RestoreInfo JobClient::Impl::restored() {
  WaitFor(0);
  std::lock_guard lock(mutex_);
  return handle_ ? InfoOf(handle_->restored()) : last_restored_;
}

JobMetrics JobClient::Impl::Measure(const JobProgress& progress) const {
  JobMetrics metrics;
  metrics.elapsed_us = engine_->env().MonotonicMicros() - began_us_;
  for (const NodeStats& stats : progress.nodes) {
    const auto node = std::ranges::find(nodes_, stats.node, &Node::id);
    const std::string op = node == nodes_.end() ? std::string() : node->op;
    metrics.rows_rejected += stats.dead_rows;
    if (metrics.first_rejection.empty()) metrics.first_rejection = stats.dead_reason;
    if (op == SourceConfig::kOp || op == ValuesConfig::kOp) metrics.rows_read += stats.rows_out;
    if (op == SinkConfig::kOp) metrics.rows_written += stats.rows_in - stats.dead_rows;
    if (op == CollectConfig::kOp) metrics.rows_written += stats.rows_in;
    const NodeLevels& levels = stats.levels;
    OperatorMetrics& node_metrics = metrics.operators.emplace_back();
    node_metrics.node = stats.node;
    node_metrics.op = op;
    node_metrics.rows_in = stats.rows_in;
    node_metrics.rows_out = stats.rows_out;
    node_metrics.subtasks = stats.subtasks;
    node_metrics.most_rows_in = stats.most_rows_in;
    if (node != nodes_.end() && IsSkewed(stats)) node_metrics.skew_hint = node->skew_hint;
    node_metrics.rejected = stats.dead_rows;
    node_metrics.busy_us = stats.busy_us;
    node_metrics.backpressured_us = stats.backpressured_us;
    node_metrics.state_bytes = levels.state_bytes;
    node_metrics.queued_bytes = levels.queued_bytes;
    node_metrics.queue_capacity_bytes = levels.queue_capacity;
    const bool known = levels.watermark && levels.watermark > EventTime::Min() &&
                       levels.watermark < EventTime::Max();
    if (!known) continue;
    node_metrics.watermark_us = levels.watermark->us;
    node_metrics.watermark_lag_us = engine_->env().NowMicros() - levels.watermark->us;
  }
  metrics.restarts = progress.restarts;
  metrics.last_failure = progress.last_failure;
  for (const CheckpointRecord& record : progress.history) {
    metrics.checkpoints.push_back({Raw(record.id), std::string(ToString(record.kind)), record.path,
                                   record.failure, record.begun_us, record.duration_us,
                                   record.alignment_us, record.pause_us, record.write_us,
                                   record.written_bytes, record.total_bytes, record.state_bytes});
  }
  return metrics;
}

std::string_view ToString(JobStatus status) {
  switch (status) {
    case JobStatus::kRunning:
      return "running";
    case JobStatus::kRestarting:
      return "restarting";
    case JobStatus::kFinished:
      return "finished";
    case JobStatus::kFailed:
      return "failed";
    case JobStatus::kCancelled:
      return "cancelled";
  }
  return "";
}

JobClient::JobClient(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
JobClient::~JobClient() = default;
const std::string& JobClient::id() const { return impl_->id; }
const std::string& JobClient::name() const { return impl_->name; }
int64_t JobClient::started_us() const { return impl_->started_us; }
JobStatus JobClient::status() const { return impl_->status(); }
Status JobClient::Wait() const { return impl_->Wait(); }
std::optional<Status> JobClient::WaitFor(std::chrono::milliseconds timeout) const {
  return impl_->WaitFor(std::chrono::microseconds(timeout).count());
}
void JobClient::WhenOver(std::function<void()> done) { impl_->WhenOver(std::move(done)); }
void JobClient::Cancel() { impl_->Cancel(); }
Result<std::string> JobClient::Savepoint(const std::string& folder) {
  return impl_->Savepoint(folder, false);
}
Result<std::string> JobClient::StopWithSavepoint(const std::string& folder) {
  ARROW_ASSIGN_OR_RAISE(std::string path, impl_->Savepoint(folder, true));
  ARROW_RETURN_NOT_OK(impl_->Wait());
  return path;
}
JobMetrics JobClient::metrics() const { return impl_->metrics(); }
RestoreInfo JobClient::restored() const { return impl_->restored(); }

}  // namespace millrace

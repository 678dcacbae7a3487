#include <algorithm>
#include <cstring>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include <arrow/array.h>
#include <arrow/record_batch.h>

#include "base/metrics.h"
#include "expr/evaluator.h"
#include "operators/make.h"
#include "operators/source_time.h"
#include "spi/secret_text.h"
#include "spi/services.h"

namespace millrace {
namespace {

constexpr int64_t kBatchBytes = 1 << 20;
constexpr int64_t kLingerMicros = 5000;
constexpr int kPollsPerRun = 16;

/// A split as an item of the state: the watermark it has reached, its id, its position.
std::string EncodeSplit(const Split& split, EventTime watermark) {
  std::string bytes(reinterpret_cast<const char*>(&watermark.us), sizeof watermark.us);
  const auto length = static_cast<uint32_t>(split.id.size());
  bytes.append(reinterpret_cast<const char*>(&length), sizeof length);
  return bytes + split.id + split.position;
}

Result<std::pair<Split, EventTime>> DecodeSplit(std::string_view bytes) {
  EventTime watermark;
  uint32_t length = 0;
  constexpr size_t kFixed = sizeof watermark.us + sizeof length;
  if (bytes.size() >= kFixed) {
    std::memcpy(&watermark.us, bytes.data(), sizeof watermark.us);
    std::memcpy(&length, bytes.data() + sizeof watermark.us, sizeof length);
    bytes.remove_prefix(kFixed);
    if (length <= bytes.size()) {
      return std::pair(
          Split{std::string(bytes.substr(0, length)), std::string(bytes.substr(length))},
          watermark);
    }
  }
  return Error::Data("a split of the snapshot is damaged");
}

/// Of records in the form of `RejectedSchema`.
std::string FirstReason(const arrow::RecordBatch& rejected) {
  const auto text = [&](int column) {
    return std::string(static_cast<const arrow::StringArray&>(*rejected.column(column)).GetView(0));
  };
  const int64_t position = static_cast<const arrow::Int64Array&>(*rejected.column(1)).Value(0);
  return text(0) + ':' + std::to_string(position) + ": " + text(2);
}

/// What a source computes above its connector.
struct SourceExpressions {
  std::shared_ptr<const Evaluator> columns;      ///< null: the reader's columns are the output
  std::optional<ExpressionEvaluator> watermark;  ///< over the output
};

/// Reads splits. Small polls are gathered until they are a batch or the oldest row has waited for
/// the linger time; the watermark follows the rows that it speaks of.
class Source final : public Operator, public SplitTaker {
 public:
  Source(const SourceConfig& config, std::unique_ptr<SourceReader> reader,
         SourceExpressions expressions, bool takes_splits, int rejected_port,
         const OperatorRequest& request)
      : config_(config),
        reader_(std::move(reader)),
        expressions_(std::move(expressions)),
        takes_splits_(takes_splits),
        rejected_port_(rejected_port),
        time_zone_(request.time_zone),
        job_(request.job),
        batch_rows_(request.batch_rows),
        time_(config.watermark ? config.watermark->idle_timeout_us : 0),
        left_(config.limit.value_or(std::numeric_limits<int64_t>::max())) {}

  std::vector<StateSpec> States() const override {
    StateSpec splits;
    splits.name = "splits";
    splits.kind = StateKind::kItems;
    splits.one_by_one = true;
    return {splits};
  }

  Status Open(OperatorContext& context) override {
    context_ = &context;
    reader_->OnReady([sender = context.sender()] { sender.Send({}); });
    time_.Begin(Now());
    std::vector<Split> restored;
    ARROW_RETURN_NOT_OK(context.items(0).ForEach(
        [&](uint64_t id, const Batch&, const std::string& header) -> Status {
          ARROW_ASSIGN_OR_RAISE(auto split, DecodeSplit(header));
          time_.Add(split.first.id, split.second, Now());
          restored.push_back(std::move(split.first));
          items_ = std::max(items_, id);
          return Status::OK();
        }));
    restored_ = !restored.empty();
    if (!restored.empty()) ARROW_RETURN_NOT_OK(reader_->AddSplits(std::move(restored)));
    if (!takes_splits_) reader_->NoMoreSplits();
    if (config_.watermark && !config_.watermark->alignment_group.empty()) {
      const std::string group = job_ + '/' + config_.watermark->alignment_group;
      aligned_ = context.services().watermarks().Join(group);
      Align();
    }
    return Status::OK();
  }

  Status AddSplits(std::vector<Split> splits) override {
    for (const Split& split : splits) time_.Add(split.id, EventTime::Min(), Now());
    context_->SetAlarm(time_.NextIdle(Now()));
    return reader_->AddSplits(std::move(splits));
  }

  Status NoMoreSplits() override {
    reader_->NoMoreSplits();
    return Status::OK();
  }

  Status ProcessBatch(int, Batch, Collector&) override { return Status::OK(); }

  Result<Step> Run(Collector& out) override {
    if (finished_) return Step::kFinished;
    // What was told before the checkpoint holds for the first rows behind it.
    if (std::exchange(restored_, false)) SendTime(out);
    for (int i = 0; i < kPollsPerRun; ++i) {
      if (!out.HasRoom()) return Step::kMore;
      if (left_ <= 0) return End(out);
      ARROW_ASSIGN_OR_RAISE(
          Poll poll, reader_->PollNext(std::min(batch_rows_ - gathered_rows_, left_), kBatchBytes));
      if (poll.kind == Poll::Kind::kFinished) return End(out);
      if (poll.kind == Poll::Kind::kNotReady) {
        context_->SetAlarm(poll.again_at);
        ARROW_RETURN_NOT_OK(SendIfDue(out));
        return Step::kIdle;
      }
      ARROW_RETURN_NOT_OK(Take(std::move(poll), out));
    }
    return Step::kMore;
  }

  // `Run` follows, which polls.
  Status OnAlarm(ProcTime, Collector& out) override {
    if (finished_) return Status::OK();
    if (aligned_ && Now() >= align_at_.us) Align();
    ARROW_RETURN_NOT_OK(SendIfDue(out));
    // There is one alarm: the others that were set before it are to be set again.
    context_->SetAlarm(time_.NextIdle(Now()));
    context_->SetAlarm(align_at_);
    if (!gathered_.empty()) context_->SetAlarm(send_at_);
    return Status::OK();
  }

  Status PrepareSnapshot(CheckpointId, Collector& out) override {
    ARROW_RETURN_NOT_OK(SendGathered(out));
    for (; items_ > 0; --items_) ARROW_RETURN_NOT_OK(context_->items(0).Remove(items_));
    ARROW_ASSIGN_OR_RAISE(const auto splits, reader_->Snapshot());
    for (const Split& split : splits) {
      ARROW_RETURN_NOT_OK(
          context_->items(0).Put(++items_, {}, EncodeSplit(split, time_.WatermarkOf(split.id))));
    }
    return Status::OK();
  }

  void OnCheckpoint(CheckpointId id, bool completed) override {
    if (completed) reader_->OnCheckpointComplete(id);
  }

 private:
  int64_t Now() const { return context_->env().NowMicros(); }

  Status Take(Poll poll, Collector& out) {
    if (!poll.rejected.empty()) {
      context_->Rejected(poll.rejected.num_rows(), FirstReason(*poll.rejected.rows));
      if (rejected_port_ >= 0) out.Emit(rejected_port_, std::move(poll.rejected));
    }
    if (!poll.rows.empty()) {
      ARROW_RETURN_NOT_OK(Gather(poll.split, std::move(poll.rows)));
    }
    if (poll.split_finished) time_.Remove(poll.split, Now());
    return gathered_rows_ >= batch_rows_ || gathered_bytes_ >= kBatchBytes ? SendGathered(out)
                                                                           : SendIfDue(out);
  }

  Status Gather(const std::string& split, Batch rows) {
    const int64_t now = Now();
    if (rows.ingest_us == 0) rows.ingest_us = now;
    if (rows.num_rows() > left_) rows = rows.Slice(0, left_);
    left_ -= rows.num_rows();
    const EvalContext eval = EvalContextOf(*context_, time_zone_, time_.WatermarkOf(split));
    if (expressions_.columns) {
      errors_.clear();
      ARROW_ASSIGN_OR_RAISE(Batch output, expressions_.columns->Evaluate(rows, eval, &errors_));
      if (!errors_.empty()) context_->Dead(rows, errors_);
      rows = std::move(output);
    }
    if (expressions_.watermark) {
      ARROW_ASSIGN_OR_RAISE(const EventTime watermark, WatermarkOf(*rows.rows, eval));
      time_.Advance(split, watermark, now);
      if (aligned_) PauseBeyondLimit(now);
    }
    if (rows.empty()) return Status::OK();
    if (gathered_.empty()) {
      send_at_ = {now + kLingerMicros};
      context_->SetAlarm(send_at_);
    }
    gathered_rows_ += rows.num_rows();
    gathered_bytes_ += rows.size_bytes();
    gathered_.push_back(std::move(rows));
    return Status::OK();
  }

  // Compares with the group and says when to do so again.
  void Align() {
    const int64_t now = Now();
    const EventTime slowest = aligned_->Report(time_.Slowest(now));
    const int64_t drift = config_.watermark->max_drift_us;
    limit_ = slowest > EventTime{EventTime::Max().us - drift} ? EventTime::Max()
                                                              : EventTime{slowest.us + drift};
    PauseBeyondLimit(now);
    align_at_ = {now + config_.watermark->align_interval_us};
    context_->SetAlarm(align_at_);
  }

  void PauseBeyondLimit(int64_t now) {
    const auto changes = time_.Limit(limit_, now);
    if (!changes.pause.empty()) reader_->Pause(changes.pause, true);
    if (!changes.resume.empty()) reader_->Pause(changes.resume, false);
  }

  Result<EventTime> WatermarkOf(const arrow::RecordBatch& rows, const EvalContext& eval) {
    errors_.clear();  // a row without a watermark is a row all the same
    ARROW_ASSIGN_OR_RAISE(const auto columns,
                          expressions_.watermark->Evaluate(rows, eval, &errors_));
    const auto& times = static_cast<const arrow::TimestampArray&>(*columns[0]);
    EventTime newest;
    for (int64_t i = 0; i < times.length(); ++i) {
      if (times.IsValid(i)) newest.us = std::max(newest.us, times.Value(i));
    }
    return newest;
  }

  Status SendIfDue(Collector& out) {
    if (!gathered_.empty() && Now() < send_at_.us) return Status::OK();
    return SendGathered(out);
  }

  Status SendGathered(Collector& out) {
    if (!gathered_.empty()) {
      ARROW_ASSIGN_OR_RAISE(Batch batch, Concatenate(gathered_));
      gathered_.clear();
      gathered_rows_ = gathered_bytes_ = 0;
      out.Emit(0, std::move(batch));
    }
    SendTime(out);
    return Status::OK();
  }

  void SendTime(Collector& out) {
    if (!expressions_.watermark) return;
    const int64_t now = Now();
    if (const auto time = time_.Next(now)) out.Watermark(*time);
    context_->SetAlarm(time_.NextIdle(now));
  }

  Result<Step> End(Collector& out) {
    ARROW_RETURN_NOT_OK(SendGathered(out));
    finished_ = true;
    aligned_.reset();
    out.Watermark({EventTime::Max(), false});
    return Step::kFinished;
  }

  const SourceConfig& config_;
  const std::unique_ptr<SourceReader> reader_;
  const SourceExpressions expressions_;
  const bool takes_splits_;
  const int rejected_port_;
  const std::string time_zone_;
  const std::string job_;
  const int64_t batch_rows_;
  OperatorContext* context_ = nullptr;
  SourceTime time_;
  std::unique_ptr<WatermarkAligner::Member> aligned_;  ///< null: it waits for nobody
  EventTime limit_ = EventTime::Max();                 ///< of watermarks, by the alignment
  ProcTime align_at_;
  int64_t left_;        ///< rows that are still wanted
  uint64_t items_ = 0;  ///< of the state: 1 to this
  std::vector<Batch> gathered_;
  int64_t gathered_rows_ = 0;
  int64_t gathered_bytes_ = 0;
  ProcTime send_at_;
  bool restored_ = false;  ///< splits, whose watermarks nobody has been told
  bool finished_ = false;
  std::vector<RowError> errors_;
};

/// The reader's columns, then the computed ones.
CalcConfig ColumnsOfSource(const SourceConfig& config, const Schema& read) {
  CalcConfig calc;
  for (int i = 0; i < read.size(); ++i) {
    calc.projections.push_back(Expression::Column(i, read.column(i).type));
    calc.names.push_back(read.column(i).name);
  }
  calc.projections.insert(calc.projections.end(), config.computed.begin(), config.computed.end());
  calc.names.insert(calc.names.end(), config.computed_names.begin(), config.computed_names.end());
  return calc;
}

}  // namespace

Result<std::unique_ptr<Operator>> MakeSource(const OperatorRequest& request) {
  const auto& config = ConfigOf<SourceConfig>(request.node);
  const Registries& registries = request.services.registries();
  ARROW_ASSIGN_OR_RAISE(ResolvedTable table, ResolveWithSecrets(request.services, config.table));
  if (table.connector->make_reader == nullptr) {
    return Error::User("connector '" + table.connector->name + "' cannot be read from")
        .In(config.table.name);
  }
  const SourceRequest source{config, std::move(table.options), table.format,
                             std::move(table.format_options), request.services};
  const Schema read = source.OutputSchema();
  SourceExpressions expressions;
  if (!config.computed.empty()) {
    ARROW_ASSIGN_OR_RAISE(expressions.columns,
                          Evaluator::Make(read, ColumnsOfSource(config, read), registries));
  }
  if (config.watermark) {
    const Schema& output = expressions.columns ? expressions.columns->output() : read;
    ARROW_ASSIGN_OR_RAISE(
        expressions.watermark,
        ExpressionEvaluator::Make(output, config.watermark->expression, registries));
  }
  ARROW_ASSIGN_OR_RAISE(auto reader, table.connector->make_reader(source));
  return std::make_unique<Source>(config, std::move(reader), std::move(expressions),
                                  table.connector->make_finder != nullptr,
                                  PortNamed(request.node, "rejected"), request);
}

}  // namespace millrace

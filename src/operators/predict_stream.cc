#include "operators/predict_stream.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <numeric>

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/record_batch.h>
#include <arrow/scalar.h>
#include <arrow/type.h>

#include "base/log.h"
#include "operators/make.h"
#include "spi/services.h"
#include "spi/version_switch.h"

namespace millrace {
namespace {

// Tags; loads have others.
constexpr uint64_t kAbsentReady = 0;
constexpr uint64_t kByHand = std::numeric_limits<uint64_t>::max();
constexpr int kWaitingState = 4;

Schema WithSince(Schema input) {
  input.Add("$since", SqlType::BigInt());
  return input;
}

}  // namespace

Result<std::unique_ptr<Operator>> PredictStream::Make(const OperatorRequest& request) {
  const auto& config = ConfigOf<PredictConfig>(request.node);
  if (request.inputs.size() != 2) return Error::Internal("a stream of models has two inputs");
  const Schema& input = request.inputs[0].schema;
  ARROW_ASSIGN_OR_RAISE(auto arguments, ExpressionEvaluator::Make(input, config.arguments,
                                                                  request.services.registries()));
  ARROW_ASSIGN_OR_RAISE(auto keys, KeyEncoder::Make(input, config.stream->row_keys));
  ARROW_ASSIGN_OR_RAISE(auto versions, ModelVersions::Make(config, request.inputs[1].schema));
  ARROW_ASSIGN_OR_RAISE(
      auto held, HeldRows::Make(WithSince(input), config.stream->keyed ? config.stream->row_keys
                                                                       : std::vector<int>()));
  std::optional<KeyEncoder> rollout_keys;
  if (const RolloutConfig& rollout = config.stream->rollout; rollout.kind != RolloutKind::kNone) {
    const Schema& hashed = rollout.keys.empty() ? config.model.input : input;
    std::vector<int> columns = rollout.keys;
    for (int i = 0; rollout.keys.empty() && i < hashed.size(); ++i) columns.push_back(i);
    ARROW_ASSIGN_OR_RAISE(rollout_keys, KeyEncoder::Make(hashed, std::move(columns)));
  }
  return std::unique_ptr<Operator>(new PredictStream(request, std::move(arguments), std::move(keys),
                                                     std::move(versions), std::move(held),
                                                     std::move(rollout_keys)));
}

PredictStream::PredictStream(const OperatorRequest& request, ExpressionEvaluator arguments,
                             KeyEncoder keys, ModelVersions versions, HeldRows held,
                             std::optional<KeyEncoder> rollout_keys)
    : config_(ConfigOf<PredictConfig>(request.node)),
      stream_(*config_.stream),
      input_(request.inputs[0].schema),
      time_zone_(request.time_zone),
      quarantine_port_(PortNamed(request.node, "quarantined")),
      shadow_port_(PortNamed(request.node, kShadowPort)),
      model_schema_(config_.model.input.ToArrow()),
      output_schema_(request.node.ports[0].schema.ToArrow()),
      failed_schema_(FailedRowsSchema(input_).ToArrow()),
      stored_schema_(WithSince(input_).ToArrow()),
      arguments_(std::move(arguments)),
      keys_(std::move(keys)),
      versions_(std::move(versions)),
      rollout_keys_(std::move(rollout_keys)),
      salt_(SaltOf(config_.model.name)),
      held_(std::move(held)) {
  const auto schema_of = [&](int port) {
    return port < 0 ? nullptr : request.node.ports[static_cast<size_t>(port)].schema.ToArrow();
  };
  quarantine_schema_ = schema_of(quarantine_port_);
  shadow_schema_ = schema_of(shadow_port_);
}

Result<Batch> PredictStream::Take(const Batch& batch, const RowIndices& rows) {
  const arrow::Int32Array indices(static_cast<int64_t>(rows.size()), arrow::Buffer::Wrap(rows));
  return batch.Take(indices);
}

std::vector<StateSpec> PredictStream::States() const {
  std::vector<StateSpec> specs = versions_.States();
  specs.push_back(held_.spec("waiting"));
  return specs;
}

Status PredictStream::Open(OperatorContext& context) {
  context_ = &context;
  without_model_ = context.metrics().counter("rows_without_model");
  ARROW_RETURN_NOT_OK(
      versions_.Open(context, [this](const ModelKey& key, const ModelVersion& version) {
        return EmitRefused(key, version);
      }));
  ARROW_RETURN_NOT_OK(RestoreWaiting());
  context.services().models().WhenReady(config_.model, {},
                                        [sender = context.sender()](Status status) {
                                          sender.Send({kAbsentReady, nullptr, std::move(status)});
                                        });
  if (auto* by_hand = dynamic_cast<VersionSwitch*>(&context.services().models())) {
    by_hand_ = by_hand->Listen(config_.model.name, [sender = context.sender()](int64_t version) {
      sender.Send({kByHand, std::make_shared<int64_t>(version), Status::OK()});
    });
  }
  return Status::OK();
}

EventTime PredictStream::ModelsTime() {
  if (models_ended_) return EventTime::Max();
  if (stream_.swap_delay_us >= 0) {
    versions_.Advance({context_->env().NowMicros() - stream_.swap_delay_us});
  }
  return versions_.watermark();
}

Result<PredictStream::Fate> PredictStream::FateOf(ModelKey& key, int64_t time_us, Known* known,
                                                  Scorers** scorers) {
  if (event_time() && time_us > ModelsTime().us) {
    if (stream_.swap_delay_us >= 0) context_->SetAlarm({time_us + stream_.swap_delay_us});
    return Fate::kWait;
  }
  if (stream_.rollout.duration_us >= 0) ARROW_RETURN_NOT_OK(versions_.JudgeRollout(key));
  const auto choice = event_time() ? versions_.AtTime(key, time_us) : versions_.OnArrival(key);
  if (choice.wait) return Fate::kWait;
  if (choice.version == nullptr) {
    const bool may_come = !event_time() && !models_ended_;
    if (may_come && stream_.before_first == BeforeFirstModel::kWait) return Fate::kWait;
    if (stream_.before_first == BeforeFirstModel::kSkip) return Fate::kSkip;
    if (!absent_) return Fate::kWait;
  }
  *scorers = &(*known)[{choice.version, choice.candidate}];
  if (!(*scorers)->serving.model) **scorers = ScorersOf(key, choice);
  return Fate::kScore;
}

PredictStream::Scorer PredictStream::ScorerOf(const ModelVersion* version) const {
  if (version == nullptr) return {absent_, {}};
  return {version->model, stream_.version >= 0 ? std::to_string(version->order) : version->hash};
}

PredictStream::Scorers PredictStream::ScorersOf(ModelKey& key,
                                                const ModelVersions::Choice& choice) const {
  Scorers scorers{&key, ScorerOf(choice.version), {}};
  if (choice.candidate != nullptr) scorers.candidate = ScorerOf(choice.candidate);
  return scorers;
}

Status PredictStream::ProcessBatch(int input, Batch batch, Collector& out) {
  out_ = &out;
  if (input == 0) return AddRows(batch, out);
  (void)ModelsTime();
  ARROW_RETURN_NOT_OK(versions_.Add(batch));
  release_ = true;
  return Release(out);
}

Status PredictStream::AddRows(const Batch& batch, Collector& out) {
  prepared_ = false;
  ARROW_RETURN_NOT_OK(keys_.Encode(*batch.rows, &encoded_));
  const int64_t n = batch.num_rows();
  std::vector<int64_t> times(static_cast<size_t>(n));
  if (event_time()) {
    ARROW_ASSIGN_OR_RAISE(times, MicrosOf(*batch.rows->column(stream_.row_time)));
  }
  Known known;
  std::vector<Scorers*> who;
  RowIndices scored;
  std::map<std::string_view, RowIndices> waiting;
  int64_t rows_waiting = waiting_rows_;
  ModelKey* key = nullptr;
  Scorers* scorers = nullptr;
  Fate fate = Fate::kScore;
  for (int64_t row = 0; row < n; ++row) {
    const bool same_key = key != nullptr && encoded_.key(row) == key->bytes;
    if (!same_key) key = &versions_.KeyOf(encoded_.key(row));
    if (!same_key || event_time()) {
      const bool behind = waiting_.contains(key->bytes) || waiting.contains(key->bytes);
      fate = Fate::kWait;
      if (!behind) {
        ARROW_ASSIGN_OR_RAISE(fate,
                              FateOf(*key, times[static_cast<size_t>(row)], &known, &scorers));
      }
    }
    Fate now = fate;
    if (now == Fate::kWait && rows_waiting >= stream_.max_waiting_rows && absent_) {
      now = Fate::kScore;
      scorers = &known[{nullptr, nullptr}];
      *scorers = ScorersOf(*key, {});
    }
    switch (now) {
      case Fate::kScore:
        scored.push_back(static_cast<int32_t>(row));
        who.push_back(scorers);
        break;
      case Fate::kWait:
        waiting[key->bytes].push_back(static_cast<int32_t>(row));
        ++rows_waiting;
        break;
      case Fate::kSkip:
        ARROW_RETURN_NOT_OK(Skip(*key));
        break;
    }
  }
  for (const auto& [bytes, rows] : waiting) {
    ARROW_ASSIGN_OR_RAISE(Batch part, Take(batch, rows));
    ARROW_RETURN_NOT_OK(AddWaiting(versions_.KeyOf(bytes), std::move(part), rows_time_.watermark));
  }
  if (scored.empty()) return Status::OK();
  if (static_cast<int64_t>(scored.size()) == n) return Score(batch, who, out);
  ARROW_ASSIGN_OR_RAISE(const Batch part, Take(batch, scored));
  return Score(part, who, out);
}

Status PredictStream::AddWaiting(ModelKey& key, Batch rows, EventTime since) {
  waiting_rows_ += rows.num_rows();
  WaitingKey& queue = waiting_[key.bytes];
  queue.key = &key;
  queue.rows.push_back({std::move(rows), since});
  return Status::OK();
}

Status PredictStream::Skip(const ModelKey& key) {
  without_model_->Add();
  if (!skipped_.insert(&key).second) return Status::OK();
  const std::string_view bytes = key.bytes;
  ARROW_ASSIGN_OR_RAISE(const auto columns, keys_.Decode({&bytes, 1}));
  std::string text;
  for (const auto& column : columns->columns()) {
    ARROW_ASSIGN_OR_RAISE(const auto value, column->GetScalar(0));
    text += (text.empty() ? "" : ", ") + value->ToString();
  }
  Log(LogLevel::kWarn, "models", "rows are left out until the first model of their key comes",
      {{"model", config_.model.name}, {"key", text}});
  return Status::OK();
}

Status PredictStream::Release(Collector& out) {
  if (!release_) return Status::OK();
  release_ = false;
  const int64_t before = waiting_rows_;
  for (auto waiting = waiting_.begin(); waiting != waiting_.end();) {
    if (!out.HasRoom()) {
      release_ = true;
      break;
    }
    ARROW_RETURN_NOT_OK(ReleaseKey(waiting->second, out));
    waiting = waiting->second.rows.empty() ? waiting_.erase(waiting) : std::next(waiting);
  }
  if (prepared_ && waiting_rows_ < before) ARROW_RETURN_NOT_OK(StoreWaiting());
  if (prepared_) ARROW_RETURN_NOT_OK(versions_.StoreServing());
  return release_ ? Status::OK() : EmitTime(out);
}

Status PredictStream::ReleaseKey(WaitingKey& waiting, Collector& out) {
  while (!waiting.rows.empty()) {
    const Batch rows = waiting.rows.front().rows;
    const int64_t n = rows.num_rows();
    std::vector<int64_t> times(static_cast<size_t>(n));
    if (event_time()) {
      ARROW_ASSIGN_OR_RAISE(times, MicrosOf(*rows.rows->column(stream_.row_time)));
    }
    Known known;
    std::vector<Scorers*> who;
    RowIndices scored;
    int64_t row = 0;
    for (; row < n; ++row) {
      Scorers* scorers = nullptr;
      ARROW_ASSIGN_OR_RAISE(
          const Fate fate, FateOf(*waiting.key, times[static_cast<size_t>(row)], &known, &scorers));
      if (fate == Fate::kWait) break;
      if (fate == Fate::kSkip) {
        ARROW_RETURN_NOT_OK(Skip(*waiting.key));
        continue;
      }
      scored.push_back(static_cast<int32_t>(row));
      who.push_back(scorers);
    }
    if (row == 0) return Status::OK();
    waiting_rows_ -= row;
    if (row == n) {
      waiting.rows.pop_front();
    } else {
      waiting.rows.front().rows = rows.Slice(row, n - row);
    }
    if (!scored.empty()) {
      ARROW_ASSIGN_OR_RAISE(const Batch part, Take(rows, scored));
      ARROW_RETURN_NOT_OK(Score(part, who, out));
    }
    if (row < n) return Status::OK();
  }
  return Status::OK();
}

Status PredictStream::ProcessWatermark(int input, InputTime time, Collector& out) {
  out_ = &out;
  if (input == 0) {
    rows_time_ = time;
    return EmitTime(out);
  }
  versions_.Advance(time.watermark);
  release_ = event_time();
  return Release(out);
}

/// A row that waits is not late when it leaves.
Status PredictStream::EmitTime(Collector& out) {
  InputTime time = rows_time_;
  if (waiting_rows_ > 0) time.idle = false;
  for (const auto& [key, waiting] : waiting_) {
    time.watermark = std::min(time.watermark, waiting.rows.front().since);
  }
  if (time == told_time_ || time.watermark < told_time_.watermark) return Status::OK();
  const bool later = time.watermark > told_time_.watermark;
  told_time_ = time;
  out.Watermark(time);
  return later && event_time() ? versions_.ForgetBefore(time.watermark) : Status::OK();
}

Status PredictStream::OnAlarm(ProcTime now, Collector& out) {
  out_ = &out;
  versions_.LoadAgain(now);
  release_ = true;
  return Release(out);
}

Status PredictStream::OnCompletions(std::span<Completion> completions, Collector& out) {
  out_ = &out;
  for (Completion& completion : completions) {
    if (completion.tag == kAbsentReady) {
      ARROW_RETURN_NOT_OK(completion.status);
      ARROW_ASSIGN_OR_RAISE(absent_, context_->services().models().TryLease(config_.model, {}));
      continue;
    }
    if (completion.tag == kByHand) {
      ARROW_RETURN_NOT_OK(
          versions_.ServeByHand(*std::static_pointer_cast<int64_t>(completion.value)));
      continue;
    }
    ARROW_RETURN_NOT_OK(versions_.Loaded(
        completion.tag,
        std::move(*std::static_pointer_cast<Result<LoadedVersion>>(completion.value))));
  }
  release_ = true;
  return Release(out);
}

Result<Step> PredictStream::Run(Collector& out) {
  out_ = &out;
  ARROW_RETURN_NOT_OK(Release(out));
  return release_ ? Step::kMore : Step::kIdle;
}

Status PredictStream::Finish(int input, Collector& out) {
  out_ = &out;
  if (input == 0) return Status::OK();
  models_ended_ = true;
  release_ = true;
  return Release(out);
}

Status PredictStream::EmitRefused(const ModelKey& key, const ModelVersion& version) {
  // Every subtask of a broadcast join has every version.
  if (!stream_.keyed && context_->subtask() != 0) return Status::OK();
  context_->Rejected(1, "a version of the model '" + config_.model.name + "': " + version.refused);
  if (quarantine_port_ < 0 || out_ == nullptr) return Status::OK();
  arrow::ArrayVector columns = key.columns->columns();
  const auto add = [&](const arrow::Scalar& value) -> Status {
    return arrow::MakeArrayFromScalar(value, 1).Value(&columns.emplace_back());
  };
  ARROW_RETURN_NOT_OK(add(arrow::StringScalar(config_.model.name)));
  ARROW_RETURN_NOT_OK(add(arrow::StringScalar(version.record.type)));
  ARROW_RETURN_NOT_OK(add(arrow::Int64Scalar(version.order)));
  ARROW_RETURN_NOT_OK(add(arrow::StringScalar(version.record.location)));
  ARROW_RETURN_NOT_OK(add(arrow::StringScalar(version.refused)));
  Batch refused;
  refused.rows = arrow::RecordBatch::Make(quarantine_schema_, 1, std::move(columns));
  out_->Emit(quarantine_port_, std::move(refused));
  return Status::OK();
}

Status PredictStream::PrepareSnapshot(CheckpointId, Collector&) {
  prepared_ = true;
  ARROW_RETURN_NOT_OK(versions_.PrepareSnapshot());
  ARROW_RETURN_NOT_OK(versions_.StoreServing());
  return StoreWaiting();
}

Status PredictStream::StoreWaiting() {
  for (const uint64_t id : stored_) ARROW_RETURN_NOT_OK(held_.Remove(id));
  stored_.clear();
  for (const auto& [key, waiting] : waiting_) {
    for (const Waiting& each : waiting.rows) {
      const int64_t n = each.rows.num_rows();
      arrow::ArrayVector columns = each.rows.rows->columns();
      ARROW_RETURN_NOT_OK(arrow::MakeArrayFromScalar(arrow::Int64Scalar(each.since.us), n)
                              .Value(&columns.emplace_back()));
      Batch rows;
      rows.rows = arrow::RecordBatch::Make(stored_schema_, n, std::move(columns));
      stored_.push_back(stored_.size() + 1);
      ARROW_RETURN_NOT_OK(held_.Put(stored_.back(), rows, {}));
    }
  }
  return Status::OK();
}

Status PredictStream::RestoreRow(const Batch& rows, int64_t row) {
  const auto one = rows.rows->Slice(row, 1);
  const auto& since = static_cast<const arrow::Int64Array&>(*one->columns().back());
  arrow::ArrayVector columns = one->columns();
  columns.pop_back();
  Batch batch;
  batch.rows = arrow::RecordBatch::Make(input_.ToArrow(), 1, std::move(columns));
  ARROW_RETURN_NOT_OK(keys_.Encode(*batch.rows, &encoded_));
  return AddWaiting(versions_.KeyOf(encoded_.key(0)), std::move(batch), {since.Value(0)});
}

Status PredictStream::RestoreWaiting() {
  return held_.Open(*context_, kWaitingState,
                    [this](uint64_t id, const Batch& rows, const std::string&) -> Status {
                      stored_.push_back(id);
                      for (int64_t row = 0; row < rows.num_rows(); ++row) {
                        ARROW_RETURN_NOT_OK(RestoreRow(rows, row));
                      }
                      return Status::OK();
                    });
}

}  // namespace millrace

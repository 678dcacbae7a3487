#include "operators/predict_stream.h"

#include <algorithm>
#include <charconv>
#include <numeric>

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/record_batch.h>
#include <arrow/scalar.h>
#include <arrow/type.h>

#include "base/log.h"
#include "operators/make.h"
#include "spi/services.h"

namespace millrace {
namespace {

constexpr uint64_t kAbsentReady = 0;  ///< tag; loads have others
constexpr int kWaitingState = 2;

Schema WithSince(Schema input) {
  input.Add("$since", SqlType::BigInt());
  return input;
}

Result<Batch> TakeRows(const Batch& batch, const std::vector<int32_t>& rows) {
  const arrow::Int32Array indices(static_cast<int64_t>(rows.size()), arrow::Buffer::Wrap(rows));
  return batch.Take(indices);
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
  std::optional<NumberedRows> waiting;
  if (config.stream->keyed) {
    ARROW_ASSIGN_OR_RAISE(waiting, NumberedRows::Make(WithSince(input), config.stream->row_keys));
  }
  return std::unique_ptr<Operator>(new PredictStream(request, std::move(arguments), std::move(keys),
                                                     std::move(versions), std::move(waiting)));
}

PredictStream::PredictStream(const OperatorRequest& request, ExpressionEvaluator arguments,
                             KeyEncoder keys, ModelVersions versions,
                             std::optional<NumberedRows> waiting)
    : config_(ConfigOf<PredictConfig>(request.node)),
      stream_(*config_.stream),
      input_(request.inputs[0].schema),
      time_zone_(request.time_zone),
      quarantine_port_(PortNamed(request.node, "quarantined")),
      model_schema_(config_.model.input.ToArrow()),
      output_schema_(request.node.ports[0].schema.ToArrow()),
      failed_schema_(FailedRowsSchema(input_).ToArrow()),
      stored_schema_(WithSince(input_).ToArrow()),
      arguments_(std::move(arguments)),
      keys_(std::move(keys)),
      versions_(std::move(versions)),
      numbered_(std::move(waiting)) {
  if (quarantine_port_ >= 0) {
    quarantine_schema_ = request.node.ports[static_cast<size_t>(quarantine_port_)].schema.ToArrow();
  }
}

std::vector<StateSpec> PredictStream::States() const {
  std::vector<StateSpec> specs = versions_.States();
  if (numbered_) {
    specs.push_back(numbered_->spec());
  } else {
    specs.emplace_back().kind = StateKind::kItems;
  }
  specs.back().name = "waiting";
  return specs;
}

Status PredictStream::Open(OperatorContext& context) {
  context_ = &context;
  ARROW_RETURN_NOT_OK(
      versions_.Open(context, [this](const ModelKey& key, const ModelVersion& version) {
        return EmitRefused(key, version);
      }));
  ARROW_RETURN_NOT_OK(RestoreWaiting());
  context.services().models().WhenReady(config_.model, {},
                                        [sender = context.sender()](Status status) {
                                          sender.Send({kAbsentReady, nullptr, std::move(status)});
                                        });
  return Status::OK();
}

EventTime PredictStream::ModelsTime() {
  if (models_ended_) return EventTime::Max();
  if (stream_.swap_delay_us >= 0) {
    versions_.Advance({context_->env().NowMicros() - stream_.swap_delay_us});
  }
  return versions_.watermark();
}

PredictStream::Fate PredictStream::FateOf(const ModelKey& key, int64_t time_us, Scorers* scorers,
                                          const Scorer** scorer) {
  if (event_time() && time_us > ModelsTime().us) {
    if (stream_.swap_delay_us >= 0) context_->SetAlarm({time_us + stream_.swap_delay_us});
    return Fate::kWait;
  }
  const auto choice = event_time() ? versions_.AtTime(key, time_us) : versions_.OnArrival(key);
  if (choice.wait) return Fate::kWait;
  if (choice.version == nullptr) {
    const bool may_come = !event_time() && !models_ended_;
    if (may_come && stream_.before_first == BeforeFirstModel::kWait) return Fate::kWait;
    if (stream_.before_first == BeforeFirstModel::kSkip) return Fate::kSkip;
    if (!absent_) return Fate::kWait;
  }
  Scorer& found = (*scorers)[choice.version];
  if (!found.model) {
    found.model = choice.version == nullptr ? absent_ : choice.version->model;
    if (choice.version != nullptr) {
      found.version =
          stream_.version >= 0 ? std::to_string(choice.version->order) : choice.version->hash;
    }
  }
  *scorer = &found;
  return Fate::kScore;
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
  Scorers scorers;
  std::vector<const Scorer*> who;
  RowIndices scored;
  std::map<std::string_view, RowIndices> waiting;
  int64_t rows_waiting = waiting_rows_;
  const ModelKey* key = nullptr;
  const Scorer* scorer = nullptr;
  Fate fate = Fate::kScore;
  for (int64_t row = 0; row < n; ++row) {
    const bool same_key = key != nullptr && encoded_.key(row) == key->bytes;
    if (!same_key) key = &versions_.KeyOf(encoded_.key(row));
    if (!same_key || event_time()) {
      const bool behind = waiting_.contains(key->bytes) || waiting.contains(key->bytes);
      fate =
          behind ? Fate::kWait : FateOf(*key, times[static_cast<size_t>(row)], &scorers, &scorer);
    }
    Fate now = fate;
    if (now == Fate::kWait && rows_waiting >= stream_.max_waiting_rows && absent_) {
      now = Fate::kScore;
      scorers[nullptr].model = absent_;
      scorer = &scorers[nullptr];
    }
    switch (now) {
      case Fate::kScore:
        scored.push_back(static_cast<int32_t>(row));
        who.push_back(scorer);
        break;
      case Fate::kWait:
        waiting[key->bytes].push_back(static_cast<int32_t>(row));
        ++rows_waiting;
        break;
      case Fate::kSkip:
        Skip(*key);
        break;
    }
  }
  for (const auto& [bytes, rows] : waiting) {
    ARROW_ASSIGN_OR_RAISE(Batch part, TakeRows(batch, rows));
    ARROW_RETURN_NOT_OK(AddWaiting(versions_.KeyOf(bytes), std::move(part), rows_time_.watermark));
  }
  if (scored.empty()) return Status::OK();
  if (static_cast<int64_t>(scored.size()) == n) return Score(batch, who, out);
  ARROW_ASSIGN_OR_RAISE(const Batch part, TakeRows(batch, scored));
  return Score(part, who, out);
}

Status PredictStream::AddWaiting(const ModelKey& key, Batch rows, EventTime since) {
  waiting_rows_ += rows.num_rows();
  WaitingKey& queue = waiting_[key.bytes];
  queue.key = &key;
  queue.rows.push_back({std::move(rows), since});
  return Status::OK();
}

void PredictStream::Skip(const ModelKey& key) {
  context_->metrics().counter("rows_without_model")->Add();
  if (!skipped_.insert(&key).second) return;
  Log(LogLevel::kWarn, "models", "rows are left out until the first model of their key comes",
      {{"model", config_.model.name}, {"key", key.bytes}});
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
    Scorers scorers;
    std::vector<const Scorer*> who;
    RowIndices scored;
    int64_t row = 0;
    for (; row < n; ++row) {
      const Scorer* scorer = nullptr;
      const Fate fate = FateOf(*waiting.key, times[static_cast<size_t>(row)], &scorers, &scorer);
      if (fate == Fate::kWait) break;
      if (fate == Fate::kSkip) {
        Skip(*waiting.key);
        continue;
      }
      scored.push_back(static_cast<int32_t>(row));
      who.push_back(scorer);
    }
    if (row == 0) return Status::OK();
    waiting_rows_ -= row;
    if (row == n) {
      waiting.rows.pop_front();
    } else {
      waiting.rows.front().rows = rows.Slice(row, n - row);
    }
    if (!scored.empty()) {
      ARROW_ASSIGN_OR_RAISE(const Batch part, TakeRows(rows, scored));
      ARROW_RETURN_NOT_OK(Score(part, who, out));
    }
    if (row < n) return Status::OK();
  }
  return Status::OK();
}

Status PredictStream::Score(const Batch& rows, const std::vector<const Scorer*>& scorers,
                            Collector& out) {
  std::vector<RowError> errors;
  ARROW_ASSIGN_OR_RAISE(
      auto columns,
      arguments_.Evaluate(*rows.rows, EvalContextOf(*context_, time_zone_, rows_time_.watermark),
                          &errors));
  Batch arguments;
  arguments.rows = arrow::RecordBatch::Make(model_schema_, rows.num_rows(), std::move(columns));

  std::vector<std::pair<const Scorer*, RowIndices>> groups;
  for (size_t row = 0; row < scorers.size(); ++row) {
    auto group = std::find_if(groups.begin(), groups.end(),
                              [&](const auto& each) { return each.first == scorers[row]; });
    if (group == groups.end()) group = groups.insert(group, {scorers[row], {}});
    group->second.push_back(static_cast<int32_t>(row));
  }
  std::vector<Batch> parts;
  std::vector<bool> left_out;
  for (const auto& [scorer, indices] : groups) {
    const bool whole = groups.size() == 1;
    Batch part = rows, part_arguments = arguments;
    std::vector<RowError> part_errors = whole ? std::move(errors) : std::vector<RowError>();
    if (!whole) {
      ARROW_ASSIGN_OR_RAISE(part, TakeRows(rows, indices));
      ARROW_ASSIGN_OR_RAISE(part_arguments, TakeRows(arguments, indices));
      for (const RowError& error : errors) {
        const auto at = std::lower_bound(indices.begin(), indices.end(), error.row);
        if (at == indices.end() || *at != error.row) continue;
        part_errors.push_back(error);
        part_errors.back().row = static_cast<int32_t>(at - indices.begin());
      }
    }
    ARROW_ASSIGN_OR_RAISE(parts.emplace_back(), ScoreBy(*scorer, part, part_arguments,
                                                        std::move(part_errors), &left_out));
  }
  Batch all = parts[0];
  if (parts.size() > 1) {
    ARROW_ASSIGN_OR_RAISE(all, Concatenate(parts));
  }
  const bool complete = std::find(left_out.begin(), left_out.end(), true) == left_out.end();
  if (parts.size() > 1 || !complete) {
    RowIndices place(scorers.size());
    int32_t next = 0;
    for (const auto& [scorer, indices] : groups) {
      for (const int32_t row : indices) place[static_cast<size_t>(row)] = next++;
    }
    std::erase_if(place, [&](int32_t row) { return left_out[static_cast<size_t>(row)]; });
    ARROW_ASSIGN_OR_RAISE(all, TakeRows(all, place));
  }
  all.ingest_us = rows.ingest_us;
  if (!all.empty()) out.Emit(0, std::move(all));
  return Status::OK();
}

Result<Batch> PredictStream::ScoreBy(const Scorer& scorer, const Batch& rows,
                                     const Batch& arguments, std::vector<RowError> argument_errors,
                                     std::vector<bool>* left_out) {
  const int64_t n = rows.num_rows();
  if (!scorer.model->signature().local) {
    return Error::Internal("a version's model scores on another thread");
  }
  const auto result = std::make_shared<std::optional<Result<Prediction>>>();
  (void)scorer.model->PredictAsync(
      arguments, {}, [result](Result<Prediction> scored) { *result = std::move(scored); });
  ARROW_ASSIGN_OR_RAISE(Prediction prediction, std::move(**result));
  // The model saw a NULL; the cause is what made it one.
  for (RowError& error : argument_errors) {
    std::erase_if(prediction.errors, [&](const RowError& each) { return each.row == error.row; });
    prediction.errors.push_back(std::move(error));
  }
  const size_t first = left_out->size();
  left_out->resize(first + static_cast<size_t>(n), false);
  arrow::ArrayVector columns = rows.rows->columns();
  const auto add = [n](arrow::ArrayVector& to, const arrow::Scalar& value) -> Status {
    return arrow::MakeArrayFromScalar(value, n).Value(&to.emplace_back());
  };
  if (!prediction.errors.empty()) {
    for (const RowError& error : prediction.errors) {
      (*left_out)[first + static_cast<size_t>(error.row)] = prediction.leave_out_failed;
    }
    arrow::ArrayVector failed = columns;
    ARROW_RETURN_NOT_OK(add(failed, arrow::StringScalar(config_.model.name)));
    ARROW_RETURN_NOT_OK(add(failed, arrow::StringScalar(scorer.version)));
    ARROW_RETURN_NOT_OK(add(failed, arrow::Int32Scalar(prediction.attempts)));
    const auto fields = failed_schema_->fields();
    Batch batch = rows;
    batch.rows = arrow::RecordBatch::Make(
        arrow::schema(arrow::FieldVector(fields.begin(), fields.end() - 1)), n, std::move(failed));
    context_->Dead(batch, prediction.errors);  // adds the last column, the cause
  }
  const auto outputs = prediction.outputs->columns();
  columns.insert(columns.end(), outputs.begin(), outputs.end());
  if (!config_.version_name.empty()) {
    const arrow::StringScalar version(scorer.version);
    ARROW_RETURN_NOT_OK(add(columns, scorer.version.empty() ? arrow::StringScalar() : version));
  }
  Batch scored = rows;
  scored.rows = arrow::RecordBatch::Make(output_schema_, n, std::move(columns));
  return scored;
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
  return StoreWaiting();
}

Status PredictStream::StoreWaiting() {
  if (numbered_ && !stored_.empty()) {
    std::vector<std::string_view> keys;
    std::vector<int64_t> numbers;
    for (const auto& [key, number] : stored_) {
      keys.push_back(key);
      numbers.push_back(number);
    }
    ARROW_RETURN_NOT_OK(numbered_->Erase(keys, numbers));
  }
  if (!numbered_) {
    for (const auto& [key, id] : stored_) {
      ARROW_RETURN_NOT_OK(context_->items(kWaitingState).Remove(static_cast<uint64_t>(id)));
    }
  }
  stored_.clear();
  int64_t next = 1;
  for (const auto& [key, waiting] : waiting_) {
    for (const Waiting& each : waiting.rows) {
      const int64_t n = each.rows.num_rows();
      arrow::ArrayVector columns = each.rows.rows->columns();
      ARROW_RETURN_NOT_OK(arrow::MakeArrayFromScalar(arrow::Int64Scalar(each.since.us), n)
                              .Value(&columns.emplace_back()));
      Batch rows;
      rows.rows = arrow::RecordBatch::Make(stored_schema_, n, std::move(columns));
      if (!numbered_) {
        stored_.emplace_back(key, next);
        ARROW_RETURN_NOT_OK(
            context_->items(kWaitingState).Put(static_cast<uint64_t>(next++), std::move(rows), {}));
        continue;
      }
      std::vector<int64_t> numbers(static_cast<size_t>(n));
      std::iota(numbers.begin(), numbers.end(), next);
      next += n;
      for (const int64_t number : numbers) stored_.emplace_back(key, number);
      ARROW_RETURN_NOT_OK(numbered_->Put(*rows.rows, numbers));
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
  if (!numbered_) {
    return context_->items(kWaitingState)
        .ForEach([&](uint64_t id, const Batch& rows, const std::string&) -> Status {
          stored_.emplace_back("", static_cast<int64_t>(id));
          for (int64_t row = 0; row < rows.num_rows(); ++row) {
            ARROW_RETURN_NOT_OK(RestoreRow(rows, row));
          }
          return Status::OK();
        });
  }
  numbered_->Open(context_->table(kWaitingState));
  std::map<std::pair<std::string, int64_t>, Batch> rows;
  ARROW_RETURN_NOT_OK(numbered_->ForEach(
      [&](const arrow::RecordBatch& part, std::span<const int64_t> numbers) -> Status {
        RowKeys keys;
        ARROW_RETURN_NOT_OK(numbered_->keys().Encode(part, &keys));
        for (int64_t row = 0; row < part.num_rows(); ++row) {
          std::string key(keys.key(row));
          const int64_t number = numbers[static_cast<size_t>(row)];
          stored_.emplace_back(key, number);
          rows[{std::move(key), number}].rows = part.Slice(row, 1);
        }
        return Status::OK();
      }));
  for (const auto& [name, row] : rows) ARROW_RETURN_NOT_OK(RestoreRow(row, 0));
  return Status::OK();
}

}  // namespace millrace

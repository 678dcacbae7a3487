#include "operators/predict.h"

#include <algorithm>
#include <mutex>

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/record_batch.h>
#include <arrow/scalar.h>
#include <arrow/type.h>

#include "operators/make.h"
#include "operators/predict_stream.h"
#include "plan/micro_batch.h"
#include "spi/services.h"

namespace millrace {
namespace {

constexpr int64_t kDefaultRequestRows = 1024;  ///< as many as sources put into a batch
constexpr uint64_t kReady = 0;  ///< tag of "the model can be leased"; requests have their ids

/// Where a call leaves its result: with the caller while that is still calling, else with the
/// operator's task.
class ResultSlot {
 public:
  ResultSlot(CompletionSender sender, uint64_t tag) : sender_(std::move(sender)), tag_(tag) {}

  void Put(Result<Prediction> result) {
    {
      std::lock_guard lock(mutex_);
      if (calling_) {
        result_ = std::move(result);
        return;
      }
    }
    sender_.Send({tag_, std::make_shared<Result<Prediction>>(std::move(result)), Status::OK()});
  }

  /// What came during the call, if it did.
  std::optional<Result<Prediction>> EndCall() {
    std::lock_guard lock(mutex_);
    calling_ = false;
    return std::move(result_);
  }

 private:
  const CompletionSender sender_;
  const uint64_t tag_;
  std::mutex mutex_;
  bool calling_ = true;
  std::optional<Result<Prediction>> result_;
};

Schema Joined(const Schema& input, const Schema& arguments) {
  Schema joined = input;
  for (const SqlField& column : arguments.columns())
    joined.Add(column.name, column.type.AsNullable());
  return joined;
}

/// The columns that the arguments are computed into.
Schema ArgumentsOf(const PredictConfig& config) {
  const bool lists = IsMicroBatch(config.model.input, config.arguments);
  return lists ? ArraysOf(config.model.input) : config.model.input;
}

}  // namespace

Result<std::unique_ptr<Operator>> MakePredict(const OperatorRequest& request) {
  const bool stream = ConfigOf<PredictConfig>(request.node).stream.has_value();
  return stream ? PredictStream::Make(request) : Predict::Make(request);
}

Result<std::unique_ptr<Operator>> Predict::Make(const OperatorRequest& request) {
  const auto& config = ConfigOf<PredictConfig>(request.node);
  ARROW_ASSIGN_OR_RAISE(auto arguments,
                        ExpressionEvaluator::Make(request.inputs[0].schema, config.arguments,
                                                  request.services.registries()));
  ARROW_ASSIGN_OR_RAISE(
      auto held,
      HeldRows::Make(Joined(request.inputs[0].schema, ArgumentsOf(config)), config.keys));
  return std::unique_ptr<Operator>(new Predict(request, std::move(arguments), std::move(held)));
}

Predict::Predict(const OperatorRequest& request, ExpressionEvaluator arguments, HeldRows held)
    : config_(ConfigOf<PredictConfig>(request.node)),
      input_(request.inputs[0].schema),
      time_zone_(request.time_zone),
      micro_batches_(IsMicroBatch(config_.model.input, config_.arguments)),
      joined_schema_(Joined(input_, ArgumentsOf(config_)).ToArrow()),
      arguments_schema_(Joined({}, ArgumentsOf(config_)).ToArrow()),
      model_schema_(Joined({}, config_.model.input).ToArrow()),
      output_schema_(request.node.ports[0].schema.ToArrow()),
      failed_schema_(FailedRowsSchema(input_).ToArrow()),
      arguments_(std::move(arguments)),
      held_(std::move(held)) {}

Predict::~Predict() {
  for (Request& request : requests_) {
    if (request.call && !request.result) request.call->Cancel();
  }
}

std::vector<StateSpec> Predict::States() const { return {held_.spec("requests")}; }

Status Predict::Open(OperatorContext& context) {
  context_ = &context;
  ARROW_RETURN_NOT_OK(
      held_.Open(context, 0, [this](uint64_t id, const Batch& rows, const std::string& version) {
        return Restore(id, rows, version);
      }));
  WaitForModel();
  return Status::OK();
}

Status Predict::Restore(uint64_t id, const Batch& rows, const std::string& version) {
  Request& request = requests_.emplace_back();
  request.id = id;
  request.rows = rows;
  request.version = version;
  request.arrived_us = context_->env().MonotonicMicros();
  request.stored = true;
  next_id_ = std::max(next_id_, id + 1);
  // What was wrong with the arguments is found again; what they were is with the rows.
  const auto columns = rows.rows->columns();
  const auto input = arrow::RecordBatch::Make(
      input_.ToArrow(), rows.num_rows(),
      arrow::ArrayVector(columns.begin(), columns.begin() + input_.size()));
  return arguments_
      .Evaluate(*input, EvalContextOf(*context_, time_zone_, watermark_), &request.argument_errors)
      .status();
}

void Predict::WaitForModel() {
  context_->services().models().WhenReady(config_.model, {},
                                          [sender = context_->sender()](Status status) {
                                            sender.Send({kReady, nullptr, std::move(status)});
                                          });
}

void Predict::SetMeters() {
  MetricLabels labels = context_->metrics().labels();
  labels["model"] = config_.model.name;
  labels["version"] = model_->signature().version;
  MetricGroup group(context_->metrics().registry(), std::move(labels));
  meters_ = {group.counter("requests"),  group.counter("success"),
             group.counter("failure"),   group.counter("output_rows"),
             group.histogram("latency"), group.histogram("engine_queue"),
             group.gauge("in_flight")};
}

int64_t Predict::request_rows() const {
  if (!model_) return kDefaultRequestRows;
  const ModelSignature& signature = model_->signature();
  if (signature.max_batch > 0) return signature.max_batch;
  return signature.local ? std::max<int64_t>(waiting_rows_, 1) : kDefaultRequestRows;
}

bool Predict::Accepts(int) const {
  return static_cast<int64_t>(requests_.size()) < config_.max_in_flight &&
         waiting_rows_ < request_rows();
}

Status Predict::ProcessBatch(int, Batch batch, Collector& out) {
  if (batch.empty()) return Status::OK();
  ARROW_RETURN_NOT_OK(AddRows(std::move(batch)));
  if (!model_) return Status::OK();
  const bool at_once = model_->signature().local || !config_.async || config_.linger_us == 0;
  ARROW_RETURN_NOT_OK(Cut(at_once));
  if (!waiting_.empty()) RingWhenLingered();
  return Drain(out);
}

Status Predict::AddRows(Batch batch) {
  std::vector<RowError> errors;
  ARROW_ASSIGN_OR_RAISE(
      auto arguments,
      arguments_.Evaluate(*batch.rows, EvalContextOf(*context_, time_zone_, watermark_), &errors));
  for (RowError& error : errors) {
    error.row += static_cast<int32_t>(waiting_rows_);
    waiting_errors_.push_back(std::move(error));
  }
  const int64_t n = batch.num_rows();
  arrow::ArrayVector columns = batch.rows->columns();
  columns.insert(columns.end(), arguments.begin(), arguments.end());
  batch.rows = arrow::RecordBatch::Make(joined_schema_, n, std::move(columns));
  if (waiting_.empty()) waiting_since_us_ = context_->env().MonotonicMicros();
  waiting_.push_back(std::move(batch));
  waiting_rows_ += n;
  return Status::OK();
}

Status Predict::Cut(bool all) {
  const int64_t limit = request_rows();
  if (waiting_.empty() || (!all && waiting_rows_ < limit)) return StartRequests();
  Batch rows = std::move(waiting_[0]);
  if (waiting_.size() > 1) {
    waiting_[0] = std::move(rows);
    ARROW_ASSIGN_OR_RAISE(rows, Concatenate(waiting_));
  }
  waiting_.clear();
  auto errors = std::exchange(waiting_errors_, {});
  auto marks = std::exchange(waiting_marks_, {});
  int64_t from = 0;
  for (; from < waiting_rows_ && (all || waiting_rows_ - from >= limit); from += limit) {
    const int64_t to = std::min(from + limit, waiting_rows_);
    Request& request = requests_.emplace_back();
    request.id = next_id_++;
    request.rows = from == 0 && to == waiting_rows_ ? std::move(rows) : rows.Slice(from, to - from);
    request.arrived_us = waiting_since_us_;
    for (RowError& error : errors) {
      if (error.row < from || error.row >= to) continue;
      error.row -= static_cast<int32_t>(from);
      request.argument_errors.push_back(error);
      error.row = -1;
    }
    for (const Mark& mark : marks) {
      if (mark.row > from && mark.row <= to) AddMark(request, mark.row - from, mark.time);
    }
  }
  if (from < waiting_rows_) {
    waiting_.push_back(rows.Slice(from, waiting_rows_ - from));
    for (RowError& error : errors) {
      if (error.row < from) continue;
      error.row -= static_cast<int32_t>(from);
      waiting_errors_.push_back(std::move(error));
    }
    for (const Mark& mark : marks) {
      if (mark.row > from) waiting_marks_.push_back({mark.row - from, mark.time});
    }
  }
  waiting_rows_ = std::max<int64_t>(waiting_rows_ - from, 0);
  return StartRequests();
}

Status Predict::StartRequests() {
  // They start in their order: where the last has started, all have.
  if (!model_ || requests_.empty() || requests_.back().started) return Status::OK();
  for (Request& request : requests_) {
    if (in_flight_ >= config_.max_in_flight) break;
    if (!request.started) ARROW_RETURN_NOT_OK(Start(request));
  }
  return Status::OK();
}

Status Predict::Start(Request& request) {
  request.model = model_;
  if (!request.version.empty()) {
    const VersionSelector version{VersionSelector::Kind::kHash, request.version, {}};
    ARROW_ASSIGN_OR_RAISE(request.model,
                          context_->services().models().TryLease(config_.model, version));
    if (!request.model) request.model = model_;
  }
  request.started = true;
  const auto columns = request.rows.rows->columns();
  Batch arguments;
  arguments.rows =
      arrow::RecordBatch::Make(arguments_schema_, request.rows.num_rows(),
                               arrow::ArrayVector(columns.begin() + input_.size(), columns.end()));
  if (micro_batches_) {
    ARROW_ASSIGN_OR_RAISE(request.micro_batch,
                          MicroBatchCall::Make(*arguments.rows, model_schema_));
    arguments = request.micro_batch->elements();
    if (arguments.empty()) {
      Prediction nothing;
      nothing.version = request.model->signature().version;
      ARROW_ASSIGN_OR_RAISE(nothing.outputs,
                            arrow::RecordBatch::MakeEmpty(config_.model.output.ToArrow()));
      request.result = request.micro_batch->Fold(std::move(nothing));
      return Status::OK();
    }
  }
  CallOptions options;
  options.subtask = context_->subtask();
  if (config_.timeout_us > 0) options.deadline_us = request.arrived_us + config_.timeout_us;
  request.sent_us = context_->env().MonotonicMicros();
  meters_.requests->Add();
  meters_.queue->Record(std::max<int64_t>(0, request.sent_us - request.arrived_us));
  const auto slot = std::make_shared<ResultSlot>(context_->sender(), request.id);
  request.call = request.model->PredictAsync(
      arguments, options, [slot](Result<Prediction> result) { slot->Put(std::move(result)); });
  auto result = slot->EndCall();
  if (result) {
    Answered(request, std::move(*result));
  } else {
    meters_.in_flight->Set(++in_flight_);
  }
  return Status::OK();
}

void Predict::Answered(Request& request, Result<Prediction> result) {
  const auto n = static_cast<int64_t>(
      request.micro_batch ? request.micro_batch->elements().num_rows() : request.rows.num_rows());
  const int64_t failed = result.ok() ? static_cast<int64_t>(result->errors.size()) : n;
  (failed < n || n == 0 ? meters_.success : meters_.failure)->Add();
  meters_.output_rows->Add(n - failed);
  meters_.latency->Record(
      std::max<int64_t>(0, context_->env().MonotonicMicros() - request.sent_us));
  if (request.micro_batch && result.ok()) {
    request.result = request.micro_batch->Fold(std::move(*result));
  } else {
    request.result = std::move(result);
  }
}

Status Predict::Store(Request& request) {
  if (request.stored) return Status::OK();
  request.stored = true;
  return held_.Put(request.id, request.rows,
                   request.model ? request.model->signature().version : std::string());
}

void Predict::AddMark(Request& request, int64_t row, InputTime time) {
  if (!request.marks.empty() && request.marks.back().row == row) {
    request.marks.back().time = time;
  } else {
    request.marks.push_back({row, time});
  }
}

Status Predict::ProcessWatermark(int, InputTime time, Collector& out) {
  watermark_ = time.watermark;
  if (config_.order == PredictOrder::kUnordered) ARROW_RETURN_NOT_OK(Cut(true));
  if (waiting_rows_ > 0) {
    if (!waiting_marks_.empty() && waiting_marks_.back().row == waiting_rows_)
      waiting_marks_.pop_back();
    waiting_marks_.push_back({waiting_rows_, time});
  } else if (!requests_.empty()) {
    AddMark(requests_.back(), requests_.back().rows.num_rows(), time);
  } else {
    out.Watermark(time);
  }
  return Drain(out);
}

bool Predict::HasLingered() const {
  return context_->env().MonotonicMicros() >= waiting_since_us_ + config_.linger_us;
}

void Predict::RingWhenLingered() {
  const int64_t waited_us = context_->env().MonotonicMicros() - waiting_since_us_;
  context_->SetAlarm({context_->env().NowMicros() + config_.linger_us - waited_us});
}

Status Predict::OnAlarm(ProcTime /*now*/, Collector& out) {
  if (!model_ || waiting_.empty()) return Status::OK();
  if (!HasLingered()) {
    RingWhenLingered();
    return Status::OK();
  }
  ARROW_RETURN_NOT_OK(Cut(true));
  return Drain(out);
}

Status Predict::OnCompletions(std::span<Completion> completions, Collector& out) {
  for (Completion& completion : completions) {
    if (completion.tag == kReady) {
      ARROW_RETURN_NOT_OK(completion.status);
      ARROW_ASSIGN_OR_RAISE(model_, context_->services().models().TryLease(config_.model, {}));
      if (model_) {
        SetMeters();
      } else {
        WaitForModel();
      }
      continue;
    }
    const auto request = std::find_if(requests_.begin(), requests_.end(), [&](const Request& each) {
      return each.id == completion.tag;
    });
    if (request == requests_.end()) {
      return Error::Internal("a model answered twice").In(config_.model.name);
    }
    Answered(*request, std::move(*std::static_pointer_cast<Result<Prediction>>(completion.value)));
    request->call.reset();
    meters_.in_flight->Set(--in_flight_);
  }
  // Rows that came before the model was there have waited long enough.
  if (model_)
    ARROW_RETURN_NOT_OK(Cut(ended_ || config_.linger_us == 0 || !config_.async ||
                            model_->signature().local || HasLingered()));
  if (model_ && !waiting_.empty()) RingWhenLingered();
  return Drain(out);
}

Result<Step> Predict::Run(Collector& out) {
  ARROW_RETURN_NOT_OK(Drain(out));
  const bool ready = !requests_.empty() && requests_.front().result;
  return ready ? Step::kMore : Step::kIdle;
}

Status Predict::Drain(Collector& out) {
  do {
    ARROW_RETURN_NOT_OK(EmitDone(out));
    ARROW_RETURN_NOT_OK(StartRequests());
  } while (!requests_.empty() && requests_.front().result && out.HasRoom());
  return Status::OK();
}

Status Predict::EmitDone(Collector& out) {
  for (auto request = requests_.begin(); request != requests_.end() && out.HasRoom();) {
    if (!request->result) {
      if (config_.order == PredictOrder::kOrdered || !request->marks.empty()) break;
      ++request;
      continue;
    }
    const bool first = request == requests_.begin();
    ARROW_RETURN_NOT_OK(EmitRows(*request, first, out));
    if (request->stored) ARROW_RETURN_NOT_OK(held_.Remove(request->id));
    const bool held = !first && !request->marks.empty();
    if (held) {
      Request& before = *std::prev(request);
      AddMark(before, before.rows.num_rows(), request->marks.back().time);
    }
    request = requests_.erase(request);
    if (held) break;
  }
  return Status::OK();
}

Status Predict::EmitRows(Request& request, bool with_marks, Collector& out) {
  ARROW_ASSIGN_OR_RAISE(Prediction prediction, std::move(*request.result));
  // The model saw a NULL; the cause is what made it one.
  for (RowError& error : request.argument_errors) {
    const auto same = std::find_if(prediction.errors.begin(), prediction.errors.end(),
                                   [&](const RowError& each) { return each.row == error.row; });
    if (same == prediction.errors.end()) {
      prediction.errors.push_back(std::move(error));
    } else {
      *same = std::move(error);
    }
  }
  if (!prediction.errors.empty()) ARROW_RETURN_NOT_OK(EmitFailed(request, prediction));

  arrow::ArrayVector columns = request.rows.rows->columns();
  columns.resize(static_cast<size_t>(input_.size()));
  const auto outputs = prediction.outputs->columns();
  columns.insert(columns.end(), outputs.begin(), outputs.end());
  Batch scored = request.rows;
  scored.rows =
      arrow::RecordBatch::Make(output_schema_, request.rows.num_rows(), std::move(columns));
  if (prediction.leave_out_failed && !prediction.errors.empty()) {
    ARROW_RETURN_NOT_OK(LeaveOut(prediction.errors, &scored, &request.marks));
  }
  int64_t from = 0;
  if (with_marks) {
    for (const Mark& mark : request.marks) {
      if (from == 0 && mark.row == scored.num_rows()) {
        out.Emit(0, scored);
      } else if (mark.row > from) {
        out.Emit(0, scored.Slice(from, mark.row - from));
      }
      from = mark.row;
      out.Watermark(mark.time);
    }
  }
  if (from == 0) {
    out.Emit(0, std::move(scored));
  } else if (from < scored.num_rows()) {
    out.Emit(0, scored.Slice(from, scored.num_rows() - from));
  }
  return Status::OK();
}

Status Predict::LeaveOut(const std::vector<RowError>& errors, Batch* rows,
                         std::vector<Mark>* marks) {
  std::vector<uint8_t> failed(static_cast<size_t>(rows->num_rows()));
  for (const RowError& error : errors) failed[static_cast<size_t>(error.row)] = 1;
  arrow::Int32Builder kept;
  auto mark = marks->begin();
  for (int32_t row = 0; row <= rows->num_rows(); ++row) {
    for (; mark != marks->end() && mark->row == row; ++mark) mark->row = kept.length();
    if (row < rows->num_rows() && !failed[static_cast<size_t>(row)])
      ARROW_RETURN_NOT_OK(kept.Append(row));
  }
  std::shared_ptr<arrow::Int32Array> indices;
  ARROW_RETURN_NOT_OK(kept.Finish(&indices));
  return rows->Take(*indices).Value(rows);
}

Status Predict::EmitFailed(const Request& request, const Prediction& prediction) {
  Batch failed = request.rows;
  arrow::ArrayVector columns = request.rows.rows->columns();
  columns.resize(static_cast<size_t>(input_.size()));
  const int64_t n = failed.num_rows();
  const auto add = [&](const arrow::Scalar& value) -> Status {
    return arrow::MakeArrayFromScalar(value, n).Value(&columns.emplace_back());
  };
  ARROW_RETURN_NOT_OK(add(arrow::StringScalar(config_.model.name)));
  ARROW_RETURN_NOT_OK(add(arrow::StringScalar(prediction.version)));
  ARROW_RETURN_NOT_OK(add(arrow::Int32Scalar(prediction.attempts)));
  // `Dead` adds the last column, the cause.
  const auto fields = failed_schema_->fields();
  failed.rows = arrow::RecordBatch::Make(
      arrow::schema(arrow::FieldVector(fields.begin(), fields.end() - 1)), n, std::move(columns));
  context_->Dead(failed, prediction.errors);
  return Status::OK();
}

Status Predict::PrepareSnapshot(CheckpointId, Collector& out) {
  ARROW_RETURN_NOT_OK(Cut(true));
  ARROW_RETURN_NOT_OK(Drain(out));
  for (Request& request : requests_) ARROW_RETURN_NOT_OK(Store(request));
  return Status::OK();
}

Status Predict::Finish(int, Collector& out) {
  ended_ = true;
  ARROW_RETURN_NOT_OK(Cut(true));
  return Drain(out);
}

int64_t Predict::pending() const {
  return static_cast<int64_t>(requests_.size() + waiting_.size());
}

}  // namespace millrace

#include "models/triton/predict_call.h"

#include <algorithm>
#include <charconv>
#include <numeric>
#include <utility>

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/record_batch.h>
#include <nlohmann/json.hpp>

#include "net/http_error.h"

namespace millrace {
namespace {

using Outcome = InferAnswer::Outcome;

/// The outcome of what was not sent.
InferAnswer NotSent() { return {Outcome::kCancelled, {}, {}, false}; }

Batch TensorsOf(const TritonTarget& target, const Batch& rows) {
  if (static_cast<int>(target.tensors.size()) == rows.rows->num_columns()) return rows;
  Batch taken = rows;
  taken.rows = rows.rows->SelectColumns(target.tensors).ValueOrDie();
  return taken;
}

/// Whether the server says that it does not know the sequence.
bool IsUnknownSequence(std::string_view text) {
  return text.find("must specify the START flag") != text.npos ||
         text.find("nvalid sequence") != text.npos || text.find("equence not found") != text.npos;
}

Status WithHint(const Status& status, const std::string& hint) {
  if (hint.empty()) return status;
  const ErrorInfo info = InfoOf(status);
  return Error::Transient(status.message()).In(info.where).Hint(info.hint + "; " + hint);
}

/// An id that is a number goes as one: servers tell 7 from "7".
nlohmann::json SequenceIdJson(const std::string& id) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), number);
  const bool whole = error == std::errc() && end == id.data() + id.size();
  if (whole && number > 0 && std::to_string(number) == id) return number;
  return id;
}

}  // namespace

TritonCall::TritonCall(std::shared_ptr<const TritonTarget> target, const Batch& rows,
                       const CallOptions& options, PredictDone done)
    : target_(std::move(target)),
      rows_(TensorsOf(*target_, rows)),
      declared_(rows.rows),
      deadline_us_(options.deadline_us),
      subtask_(options.subtask),
      done_(std::move(done)),
      assembler_(rows.num_rows()) {}

void TritonCall::Start() {
  RowGroups groups = target_->columns.Group(*rows_.rows);
  {
    std::lock_guard lock(mutex_);
    errors_ = std::move(groups.errors);
    if (groups.whole) {
      RowGroup all(static_cast<size_t>(rows_.num_rows()));
      std::iota(all.begin(), all.end(), 0);
      groups.groups = {std::move(all)};
    }
    if (target_->sequences) {
      std::vector<int32_t> good;
      for (const RowGroup& group : groups.groups) {
        good.insert(good.end(), group.begin(), group.end());
      }
      std::sort(good.begin(), good.end());
      for (const int32_t row : good) OpenSequence(row);
    } else {
      const bool one = groups.groups.size() == 1;
      for (RowGroup& group : groups.groups) OpenPieces(group, groups.whole && one);
      for (const PiecePtr& piece : std::vector<PiecePtr>(open_)) SendPaced(piece);
    }
    starting_ = false;
    if (!open_.empty()) return;
  }
  Finish();
}

void TritonCall::Open(RowGroup rows, bool whole) {
  auto piece = std::make_shared<Piece>();
  piece->rows = std::move(rows);
  piece->whole = whole;
  open_.push_back(std::move(piece));
}

void TritonCall::OpenPieces(const RowGroup& rows, bool whole) {
  const auto limit = static_cast<size_t>(target_->columns.signature().max_batch);
  if (limit == 0 || rows.size() <= limit) return Open(rows, whole);
  for (size_t from = 0; from < rows.size(); from += limit) {
    const size_t to = std::min(rows.size(), from + limit);
    Open({rows.begin() + static_cast<std::ptrdiff_t>(from),
          rows.begin() + static_cast<std::ptrdiff_t>(to)},
         false);
  }
}

void TritonCall::OpenSequence(int32_t row) {
  Open({row}, rows_.num_rows() == 1);
  const PiecePtr piece = open_.back();
  piece->sequence = target_->sequence.IdOf(*declared_, row);
  if (piece->sequence.empty()) {
    errors_.push_back({row, "the row's 'sequence-id' is NULL", {}});
    open_.pop_back();
    return;
  }
  // The turn may come from another call, which holds its own lock.
  const auto turn = [self = shared_from_this(), piece] {
    self->target_->client.After(0, [self, piece] {
      std::lock_guard lock(self->mutex_);
      self->TakeTurn(piece);
    });
  };
  if (target_->sequences->Enter(piece->sequence, turn)) TakeTurn(piece);
}

void TritonCall::TakeTurn(const PiecePtr& piece) {
  piece->has_turn = true;
  if (cancelled_) {
    LeaveSequence(*piece, NotSent());
    return;
  }
  Send(piece);
}

void TritonCall::SendPaced(PiecePtr piece) {
  if (!target_->pace) return Send(piece);
  // The turn may come from another call, which holds its own lock.
  while (piece && target_->pace->Enter([self = shared_from_this(), piece] {
    self->target_->client.After(0, [self, piece] {
      std::lock_guard lock(self->mutex_);
      piece->has_slot = true;
      if (self->cancelled_) return self->LeaveSlot(*piece);
      PiecePtr rest = self->CutOff(piece);
      self->Send(piece);
      if (rest) self->SendPaced(std::move(rest));
    });
  })) {
    piece->has_slot = true;
    PiecePtr rest = CutOff(piece);
    Send(piece);
    piece = std::move(rest);
  }
}

TritonCall::PiecePtr TritonCall::CutOff(const PiecePtr& piece) {
  const auto limit = static_cast<size_t>(target_->pace->rows());
  if (piece->rows.size() <= limit) return nullptr;
  Open({piece->rows.begin() + static_cast<std::ptrdiff_t>(limit), piece->rows.end()}, false);
  open_.back()->last_try = piece->last_try;
  piece->rows.resize(limit);
  piece->whole = false;
  return open_.back();
}

void TritonCall::LeaveSlot(Piece& piece) {
  if (std::exchange(piece.has_slot, false)) target_->pace->Leave();
}

void TritonCall::Cancel() {
  bool done = false;
  {
    std::lock_guard lock(mutex_);
    if (cancelled_ || open_.empty()) return;
    cancelled_ = true;
    for (const PiecePtr& piece : std::vector<PiecePtr>(open_)) {
      const bool under_way = piece->attempts > 0 && !piece->pausing;
      if (piece->attempts > 0) target_->client.Cancel(piece->under_way);
      if (under_way) continue;
      Fail(*piece, Error::Transient("the request was cancelled"));
      TellBreaker(*piece, NotSent());
      if (piece->has_turn) LeaveSequence(*piece, NotSent());
      LeaveSlot(*piece);
      std::erase(open_, piece);
    }
    done = open_.empty();
  }
  if (done) Finish();
}

Status TritonCall::Encode(Piece& piece) const {
  std::shared_ptr<arrow::RecordBatch> rows = rows_.rows;
  if (!piece.whole) {
    const arrow::Int32Array indices(static_cast<int64_t>(piece.rows.size()),
                                    arrow::Buffer::Wrap(piece.rows));
    ARROW_ASSIGN_OR_RAISE(const Batch taken, rows_.Take(indices));
    rows = taken.rows;
  }
  const ModelColumns& columns = target_->columns;
  InferRequest request;
  request.binary_input = target_->server.binary;
  ARROW_ASSIGN_OR_RAISE(request.inputs, columns.ToTensors(*rows));
  for (const int output : columns.outputs()) {
    request.outputs.push_back(
        {columns.signature().outputs[static_cast<size_t>(output)].name, target_->server.binary});
  }
  if (target_->settings.priority >= 0) request.parameters["priority"] = target_->settings.priority;
  if (target_->sequences) {
    const int32_t row = piece.rows[0];
    const SequenceOptions& options = target_->sequence;
    piece.marks = target_->sequences->Begin(piece.sequence, subtask_,
                                            SequenceOptions::Flag(options.start, *declared_, row),
                                            SequenceOptions::Flag(options.end, *declared_, row));
    request.parameters["sequence_id"] = SequenceIdJson(piece.marks->id);
    if (piece.marks->start) request.parameters["sequence_start"] = true;
    if (piece.marks->end) request.parameters["sequence_end"] = true;
  }
  ARROW_ASSIGN_OR_RAISE(piece.request, target_->transport->MakeInfer(request));
  piece.request->send_once = target_->sequences != nullptr;
  return Status::OK();
}

void TritonCall::Send(const PiecePtr& piece) {
  const int64_t now_us = target_->env.MonotonicMicros();
  if (deadline_us_ > 0 && now_us >= deadline_us_ && (target_->sequences || piece->has_slot)) {
    Fail(*piece, Error::Transient(
                     target_->sequences
                         ? "the row's time was up before its turn in the sequence '" +
                               piece->sequence + "' came"
                         : "the row's time was up before 'target-latency' let a request be sent"));
    return Close(piece, NotSent());
  }
  if (!piece->admitted) {
    piece->admitted = target_->endpoint->breaker().Admit();
    if (!piece->admitted) {
      Fail(*piece,
           Error::Transient("not sent: the circuit breaker of " + target_->settings.shown + " is " +
                            TextOf(target_->endpoint->breaker().state()) + Context(*piece))
               .Hint("too many requests have failed; it tries again in " +
                     DurationText(target_->endpoint->breaker().retry_in_us())));
      return Close(piece, NotSent());
    }
  }
  if (!piece->request) {
    const Status encoded = Encode(*piece);
    if (!encoded.ok()) {
      Fail(*piece, encoded);
      TellBreaker(*piece, NotSent());
      return Close(piece, NotSent());
    }
  }
  HttpRequest request = *piece->request;
  if (deadline_us_ > 0) {
    request.timeout_us = std::clamp<int64_t>(deadline_us_ - now_us, 1000, request.timeout_us);
  }
  ++piece->attempts;
  attempts_ = std::max(attempts_, piece->attempts);
  piece->pausing = false;
  piece->sent_us = target_->env.MonotonicMicros();
  piece->under_way = target_->client.Send(std::move(request),
                                          [self = shared_from_this(), piece](HttpResult result) {
                                            self->OnResult(piece, std::move(result));
                                          });
}

int TritonCall::AttemptsOf(const Piece& piece) const {
  return piece.last_try ? 1 : target_->settings.max_retries + 1;
}

std::string TritonCall::Context(const Piece& piece) const {
  const TritonSettings& settings = target_->settings;
  return " (model '" + settings.model + "'" +
         (settings.version.empty() ? "" : " version '" + settings.version + "'") + " at " +
         settings.shown + ", attempt " + std::to_string(piece.attempts) + " of " +
         std::to_string(AttemptsOf(piece)) + ")";
}

InferAnswer TritonCall::Read(HttpResult result) const {
  if (result.cancelled) {
    return {Outcome::kCancelled,
            Error::Transient("the request was cancelled"),
            {},
            result.phase >= HttpPhase::kSend};
  }
  if (result.status.ok()) return target_->transport->ReadInfer(std::move(result));
  const bool transient = InfoOf(result.status).error_class == ErrorClass::kTransient;
  return {transient ? Outcome::kLost : Outcome::kDenied,
          result.status,
          {},
          result.phase >= HttpPhase::kSend};
}

bool TritonCall::MayRetry(const Piece& piece, const InferAnswer& answer) const {
  if (!answer.may_pass() || piece.attempts >= AttemptsOf(piece)) return false;
  if (deadline_us_ > 0 && target_->env.MonotonicMicros() >= deadline_us_) return false;
  // A model that keeps state must not see a row twice.
  return !target_->sequences || answer.outcome == Outcome::kBusy ||
         (answer.outcome == Outcome::kLost && !answer.unknown);
}

void TritonCall::OnResult(const PiecePtr& piece, HttpResult result) {
  std::lock_guard lock(mutex_);
  const bool timed_out = result.timed_out;
  if (result.status.ok()) {
    target_->latency->Record(target_->env.MonotonicMicros() - piece->sent_us);
  }
  if (target_->pace && (result.status.ok() || timed_out)) {
    target_->pace->Learn(static_cast<int64_t>(piece->rows.size()), piece->sent_us,
                         target_->env.MonotonicMicros());
  }
  InferAnswer answer = Read(std::move(result));
  if (cancelled_ && answer.outcome != Outcome::kCancelled) {
    answer.outcome = Outcome::kCancelled;
    answer.status = Error::Transient("the request was cancelled");
    answer.unknown = true;
  }
  if (timed_out) answer.status = WithHint(answer.status, target_->latency->DominantPart());
  OnAnswer(piece, std::move(answer));
}

void TritonCall::OnAnswer(const PiecePtr& piece, InferAnswer answer) {
  if (answer.outcome == Outcome::kAnswered) {
    answer.status = Take(*piece, answer.response);
    if (!answer.status.ok()) answer.outcome = Outcome::kUnusable;
  }
  if (MayRetry(*piece, answer)) return Retry(piece);
  TellBreaker(*piece, answer);
  const bool blames_rows =
      answer.outcome == Outcome::kMistake || answer.outcome == Outcome::kFailed;
  if (blames_rows && piece->rows.size() > 1) {
    return Split(piece, answer.outcome == Outcome::kFailed);
  }
  if (answer.outcome != Outcome::kAnswered) {
    const ErrorInfo info = InfoOf(answer.status);
    std::string text = answer.status.message();
    std::string hint = info.hint;
    if (target_->sequences && IsUnknownSequence(text)) {
      text +=
          "; sequence '" + piece->marks->id + "', " +
          (piece->marks->idle_us < 0
               ? std::string("its first request")
               : "its last request was " + DurationText(piece->marks->idle_us) + " ago") +
          (target_->server.sequence_idle_us > 0 ? ", the server forgets a sequence after " +
                                                      DurationText(target_->server.sequence_idle_us)
                                                : "");
      hint = piece->marks->idle_us < 0 ? "set 'sequence-start' = 'true'"
                                       : "set 'sequence-gap' below that time, or raise "
                                         "max_sequence_idle_microseconds of the model";
      answer.unknown = true;
    }
    Fail(*piece, Error::Data(text + Context(*piece)).In(info.where).Hint(hint));
  }
  Close(piece, answer);
}

void TritonCall::TellBreaker(Piece& piece, const InferAnswer& answer) {
  if (!std::exchange(piece.admitted, false)) return;
  CircuitBreaker& breaker = target_->endpoint->breaker();
  if (answer.outcome == Outcome::kCancelled) {
    breaker.Withdrawn();
  } else if (answer.may_pass()) {
    breaker.Failed();
  } else {
    breaker.Succeeded();
  }
  target_->endpoint->Publish();
}

void TritonCall::LeaveSequence(const Piece& piece, const InferAnswer& answer) {
  using Ending = Sequences::Ending;
  Ending ending = Ending::kRefused;
  if (answer.outcome == Outcome::kAnswered || answer.outcome == Outcome::kUnusable) {
    ending = Ending::kDone;
  } else if (answer.unknown) {
    ending = Ending::kUnknown;
  } else if (!piece.marks || answer.outcome == Outcome::kCancelled) {
    ending = Ending::kNotSent;
  }
  const auto next =
      target_->sequences->Leave(piece.sequence, piece.marks.value_or(Sequences::Marks{}), ending);
  if (next) next();
}

Status TritonCall::Take(const Piece& piece, const InferResponse& response) {
  const ModelColumns& columns = target_->columns;
  std::vector<Tensor> outputs;
  for (const int output : columns.outputs()) {
    const std::string& name = columns.signature().outputs[static_cast<size_t>(output)].name;
    const auto at = std::find_if(response.outputs.begin(), response.outputs.end(),
                                 [&](const Tensor& tensor) { return tensor.name == name; });
    if (at == response.outputs.end()) {
      return Error::Data("the answer has no output '" + name + "'");
    }
    outputs.push_back(*at);
  }
  ARROW_ASSIGN_OR_RAISE(auto rows,
                        columns.FromTensors(outputs, static_cast<int64_t>(piece.rows.size())));
  if (!response.model_version.empty()) version_ = response.model_version;
  if (piece.whole) {
    whole_ = std::move(rows);
  } else {
    assembler_.Add(piece.rows, std::move(rows));
  }
  return Status::OK();
}

void TritonCall::Retry(const PiecePtr& piece) {
  const TritonSettings& settings = target_->settings;
  int64_t pause_us = settings.first_backoff_us;
  for (int i = 1; i < piece->attempts && pause_us < settings.longest_backoff_us; ++i) pause_us *= 2;
  pause_us = std::min(pause_us, settings.longest_backoff_us);
  // Equal jitter: between half of the pause and all of it.
  pause_us -= static_cast<int64_t>(target_->env.Random() % static_cast<uint64_t>(pause_us / 2 + 1));
  target_->retries->Add();
  piece->pausing = true;
  piece->under_way = target_->client.After(pause_us, [self = shared_from_this(), piece] {
    std::lock_guard lock(self->mutex_);
    if (!self->cancelled_) self->Send(piece);
  });
}

void TritonCall::Split(const PiecePtr& piece, bool last_try) {
  std::erase(open_, piece);
  LeaveSlot(*piece);
  const auto middle = piece->rows.begin() + static_cast<std::ptrdiff_t>(piece->rows.size() / 2);
  std::vector<PiecePtr> halves;
  for (const auto& [from, to] :
       {std::pair(piece->rows.begin(), middle), std::pair(middle, piece->rows.end())}) {
    auto half = std::make_shared<Piece>();
    half->rows.assign(from, to);
    half->last_try = last_try;
    halves.push_back(half);
    open_.push_back(std::move(half));
  }
  for (const PiecePtr& half : halves) SendPaced(half);
}

void TritonCall::Fail(const Piece& piece, const Status& status) {
  const ErrorInfo info = InfoOf(status);
  const std::string text = status.message() + (info.where.empty() ? "" : ", " + info.where) +
                           (info.hint.empty() ? "" : "; " + info.hint);
  for (const int32_t row : piece.rows) errors_.push_back({row, text, {}});
}

void TritonCall::Close(const PiecePtr& piece, const InferAnswer& answer) {
  if (piece->has_turn) LeaveSequence(*piece, answer);
  LeaveSlot(*piece);
  std::erase(open_, piece);
  if (open_.empty() && !starting_) Finish();
}

void TritonCall::Finish() {
  const auto make = [&]() -> Result<Prediction> {
    Prediction prediction;
    prediction.version = version_.empty() ? target_->columns.signature().version : version_;
    prediction.attempts = attempts_;
    prediction.errors = std::move(errors_);
    prediction.outputs = std::move(whole_);
    if (!prediction.outputs) {
      ARROW_ASSIGN_OR_RAISE(prediction.outputs,
                            std::move(assembler_).Finish(target_->columns.output_schema()));
    }
    return prediction;
  };
  done_(make());
}

}  // namespace millrace

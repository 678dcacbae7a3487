#include "models/triton/predict_call.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <numeric>
#include <utility>

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/record_batch.h>

#include "models/inference_protocol/message.h"
#include "models/inference_protocol/metadata.h"
#include "net/gzip.h"
#include "net/http_error.h"

namespace millrace {
namespace {

/// Whether a 500 is the request's own fault: Triton answers so to what it cannot read.
bool IsClientMistake(std::string_view text) {
  static constexpr std::array<std::string_view, 8> kSigns = {"failed to parse",
                                                             "unable to parse",
                                                             "Unable to parse",
                                                             "unexpected shape",
                                                             "unexpected datatype",
                                                             "unexpected total byte size",
                                                             "unexpected additional input",
                                                             "expected "};
  return std::any_of(kSigns.begin(), kSigns.end(), [&](std::string_view sign) {
    return text.find(sign) != std::string_view::npos;
  });
}

/// Whether the rows may be to blame, rather than the address, the rights or the load.
bool MayBeRows(int status) { return status == 400 || status == 413 || status == 422; }

size_t NumberIn(std::string_view text) {
  size_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

}  // namespace

TritonCall::TritonCall(std::shared_ptr<const TritonTarget> target, const Batch& rows,
                       const CallOptions& options, PredictDone done)
    : target_(std::move(target)),
      rows_(rows),
      deadline_us_(options.deadline_us),
      done_(std::move(done)),
      assembler_(rows.num_rows()) {}

void TritonCall::Start() {
  RowGroups groups = target_->columns.Group(*rows_.rows);
  {
    std::lock_guard lock(mutex_);
    errors_ = std::move(groups.errors);
    if (groups.whole) {
      auto piece = std::make_shared<Piece>();
      piece->whole = true;
      piece->rows.resize(static_cast<size_t>(rows_.num_rows()));
      std::iota(piece->rows.begin(), piece->rows.end(), 0);
      open_.push_back(std::move(piece));
    }
    for (RowGroup& group : groups.groups) {
      auto piece = std::make_shared<Piece>();
      piece->rows = std::move(group);
      open_.push_back(std::move(piece));
    }
    for (const PiecePtr& piece : std::vector<PiecePtr>(open_)) Send(piece);
    starting_ = false;
    if (!open_.empty()) return;
  }
  Finish();
}

void TritonCall::Cancel() {
  std::vector<PiecePtr> pausing;
  bool done = false;
  {
    std::lock_guard lock(mutex_);
    if (cancelled_ || open_.empty()) return;
    cancelled_ = true;
    for (const PiecePtr& piece : std::vector<PiecePtr>(open_)) {
      target_->client.Cancel(piece->under_way);
      if (!piece->pausing) continue;
      Fail(*piece, Error::Transient("the request was cancelled"));
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
  request.binary_input = target_->binary;
  ARROW_ASSIGN_OR_RAISE(request.inputs, columns.ToTensors(*rows));
  for (const int output : columns.outputs()) {
    request.outputs.push_back(
        {columns.signature().outputs[static_cast<size_t>(output)].name, target_->binary});
  }
  if (target_->settings.priority >= 0) request.parameters["priority"] = target_->settings.priority;
  ARROW_ASSIGN_OR_RAISE(const EncodedMessage message, EncodeInferRequest(request));
  piece.header_bytes = message.header_bytes;
  for (const auto& buffer : message.pieces) {
    piece.body.push_back(
        {buffer,
         {reinterpret_cast<const char*>(buffer->data()), static_cast<size_t>(buffer->size())}});
  }
  if (!target_->settings.gzip) return Status::OK();
  std::vector<std::string_view> parts;
  for (const HttpPiece& part : piece.body) parts.push_back(part.bytes);
  ARROW_ASSIGN_OR_RAISE(std::string packed, GzipCompress(parts));
  piece.body = {HttpPiece::Of(std::move(packed))};
  return Status::OK();
}

void TritonCall::Send(const PiecePtr& piece) {
  if (piece->body.empty()) {
    const Status encoded = Encode(*piece);
    if (!encoded.ok()) {
      Fail(*piece, encoded);
      Close(piece);
      return;
    }
  }
  const TritonSettings& settings = target_->settings;
  HttpRequest request = settings.Get(settings.ModelUrl() + "/infer");
  request.method = HttpMethod::kPost;
  request.body = piece->body;
  request.headers.push_back(
      {"Content-Type", piece->header_bytes > 0 ? "application/octet-stream" : "application/json"});
  if (piece->header_bytes > 0) {
    request.headers.push_back({kInferenceHeaderLength, std::to_string(piece->header_bytes)});
  }
  if (settings.gzip) {
    request.headers.push_back({"Content-Encoding", "gzip"});
    request.headers.push_back({"Accept-Encoding", "gzip"});
  }
  if (deadline_us_ > 0) {
    const int64_t left_us = deadline_us_ - target_->env.NowMicros();
    request.timeout_us = std::clamp<int64_t>(left_us, 1000, request.timeout_us);
  }
  ++piece->attempts;
  attempts_ = std::max(attempts_, piece->attempts);
  piece->pausing = false;
  piece->under_way = target_->client.Send(std::move(request),
                                          [self = shared_from_this(), piece](HttpResult result) {
                                            self->OnResult(piece, std::move(result));
                                          });
}

int TritonCall::AttemptsOf(const Piece& piece) const {
  return piece.last_try ? 1 : target_->settings.max_retries + 1;
}

std::string TritonCall::Context(const Piece& piece) const {
  return " (model '" + target_->settings.model + "' at " +
         WithoutCredentials(target_->settings.base) + ", attempt " +
         std::to_string(piece.attempts) + " of " + std::to_string(AttemptsOf(piece)) + ")";
}

void TritonCall::OnResult(const PiecePtr& piece, HttpResult result) {
  std::lock_guard lock(mutex_);
  const int status = result.response.status;
  if (result.cancelled || cancelled_) {
    Fail(*piece, Error::Transient("the request was cancelled"));
  } else if (!result.status.ok()) {
    const ErrorInfo info = InfoOf(result.status);
    const bool in_time = deadline_us_ == 0 || target_->env.NowMicros() < deadline_us_;
    if (info.error_class == ErrorClass::kTransient && in_time &&
        piece->attempts < AttemptsOf(*piece)) {
      return Retry(piece);
    }
    Fail(*piece, WithPlace(Status(Error::Transient(result.status.message() + Context(*piece))
                                      .In(info.where)
                                      .Hint(info.hint)),
                           {}));
  } else if (status == 200) {
    const Status taken = Take(*piece, std::move(result.response));
    if (!taken.ok()) Fail(*piece, Error::Data(taken.message() + Context(*piece)));
  } else {
    const std::string text = ErrorTextOf(result.response.body);
    const bool mistake = MayBeRows(status) || (status == 500 && IsClientMistake(text));
    const bool transient = !mistake && (status >= 500 || status == 429);
    if (transient && piece->attempts < AttemptsOf(*piece)) return Retry(piece);
    if (piece->rows.size() > 1 && (mistake || status == 500)) return Split(piece, transient);
    const std::string message = "the server refused the request: HTTP " + std::to_string(status) +
                                ": " + text + Context(*piece);
    Fail(*piece, transient ? Error::Transient(message) : Error::Data(message));
  }
  Close(piece);
}

Status TritonCall::Take(const Piece& piece, HttpResponse response) {
  size_t header_bytes = NumberIn(response.header(kInferenceHeaderLength));
  std::string body = std::move(response.body);
  if (response.header("content-encoding") == "gzip") {
    ARROW_ASSIGN_OR_RAISE(body, GzipDecompress(body, HttpRequest().max_response_bytes));
  }
  ARROW_ASSIGN_OR_RAISE(
      InferResponse decoded,
      DecodeInferResponse(arrow::Buffer::FromString(std::move(body)), header_bytes));
  const ModelColumns& columns = target_->columns;
  std::vector<Tensor> outputs;
  for (const int output : columns.outputs()) {
    const std::string& name = columns.signature().outputs[static_cast<size_t>(output)].name;
    const auto at = std::find_if(decoded.outputs.begin(), decoded.outputs.end(),
                                 [&](const Tensor& tensor) { return tensor.name == name; });
    if (at == decoded.outputs.end()) return Error::Data("the answer has no output '" + name + "'");
    outputs.push_back(std::move(*at));
  }
  ARROW_ASSIGN_OR_RAISE(auto rows,
                        columns.FromTensors(outputs, static_cast<int64_t>(piece.rows.size())));
  if (!decoded.model_version.empty()) version_ = decoded.model_version;
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
  piece->pausing = true;
  piece->under_way = target_->client.After(pause_us, [self = shared_from_this(), piece] {
    std::lock_guard lock(self->mutex_);
    if (!self->cancelled_) self->Send(piece);
  });
}

void TritonCall::Split(const PiecePtr& piece, bool last_try) {
  std::erase(open_, piece);
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
  for (const PiecePtr& half : halves) Send(half);
}

void TritonCall::Fail(const Piece& piece, const Status& status) {
  const ErrorInfo info = InfoOf(status);
  const std::string text = status.message() + (info.where.empty() ? "" : ", " + info.where);
  for (const int32_t row : piece.rows) errors_.push_back({row, text, {}});
}

void TritonCall::Close(const PiecePtr& piece) {
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

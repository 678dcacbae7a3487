#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/env.h"
#include "models/model_columns.h"
#include "models/triton/endpoint.h"
#include "models/triton/pace.h"
#include "models/triton/sequences.h"
#include "models/triton/server_latency.h"
#include "models/triton/settings.h"
#include "models/triton/transport.h"
#include "net/http.h"
#include "spi/model.h"

namespace millrace {

/// What all calls of a model share. Immutable but for what locks itself; thread-safe.
struct TritonTarget {
  TritonSettings settings;
  SequenceOptions sequence;  ///< by the columns of the declared INPUT
  std::vector<int> tensors;  ///< the columns of the declared INPUT that feed tensors
  ModelColumns columns;      ///< of those
  ServerModel server;
  std::shared_ptr<const Transport> transport;
  std::shared_ptr<Endpoint> endpoint;
  std::unique_ptr<Sequences> sequences;  ///< null: the model keeps none
  std::unique_ptr<Pace> pace;            ///< null: there is no target for the latency
  std::shared_ptr<ServerLatency> latency;
  std::shared_ptr<Counter> retries;
  HttpClient& client;
  Env& env;
};

/// Rows on their way to a server and back: one request per group of rows of one shape, each tried
/// again as T8 says, and split where the server refuses it for what may be one row's sake. Of a
/// model that keeps sequences, one request per row, in the order of its sequence. Its callbacks
/// come on the client's thread.
class TritonCall final : public Call, public std::enable_shared_from_this<TritonCall> {
 public:
  TritonCall(std::shared_ptr<const TritonTarget> target, const Batch& rows,
             const CallOptions& options, PredictDone done);
  void Start();
  void Cancel() override;

 private:
  /// Rows of one request.
  struct Piece {
    RowGroup rows;
    bool whole = false;                  ///< all rows of the batch, in their order
    std::optional<HttpRequest> request;  ///< once it is encoded
    std::string sequence;                ///< of a model that keeps sequences
    bool has_turn = false;               ///< in its sequence
    std::optional<Sequences::Marks> marks;
    bool has_slot = false;  ///< of the pace
    bool admitted = false;  ///< by the circuit breaker, which waits for the outcome
    int64_t sent_us = 0;
    int attempts = 0;
    bool last_try = false;  ///< the rows were refused after all retries before they were split
    HttpCallId under_way{};
    bool pausing = false;  ///< `under_way` is the pause before the next attempt
  };
  using PiecePtr = std::shared_ptr<Piece>;

  void Open(RowGroup rows, bool whole);
  /// Requests for the rows, none larger than the model takes.
  void OpenPieces(const RowGroup& rows, bool whole);
  void OpenSequence(int32_t row);
  void TakeTurn(const PiecePtr& piece);
  /// Sends the rows when the pace lets them, in requests as large as it says.
  void SendPaced(PiecePtr piece);
  /// The rows of `piece` beyond what the pace allows, as a piece that is open; null: there are
  /// none.
  PiecePtr CutOff(const PiecePtr& piece);
  void LeaveSlot(Piece& piece);
  Status Encode(Piece& piece) const;
  void Send(const PiecePtr& piece);
  void OnResult(const PiecePtr& piece, HttpResult result);
  void OnAnswer(const PiecePtr& piece, InferAnswer answer);
  Status Take(const Piece& piece, const InferResponse& response);
  void Retry(const PiecePtr& piece);
  void Split(const PiecePtr& piece, bool last_try);
  void Fail(const Piece& piece, const Status& status);
  void TellBreaker(Piece& piece, const InferAnswer& answer);
  void LeaveSequence(const Piece& piece, const InferAnswer& answer);
  void Close(const PiecePtr& piece, const InferAnswer& answer);
  void Finish();
  bool MayRetry(const Piece& piece, const InferAnswer& answer) const;
  std::string Context(const Piece& piece) const;
  int AttemptsOf(const Piece& piece) const;
  /// What came back, told apart.
  InferAnswer Read(HttpResult result) const;

  const std::shared_ptr<const TritonTarget> target_;
  Batch rows_;  ///< what the model has tensors for
  const std::shared_ptr<arrow::RecordBatch> declared_;
  const int64_t deadline_us_;
  const int subtask_;
  PredictDone done_;

  std::recursive_mutex mutex_;  ///< a request may fail while it is being sent
  std::vector<PiecePtr> open_;
  OutputAssembler assembler_;
  std::shared_ptr<arrow::RecordBatch> whole_;  ///< outputs of the only request
  std::vector<RowError> errors_;
  std::string version_;
  int attempts_ = 1;
  bool cancelled_ = false;
  bool starting_ = true;
};

}  // namespace millrace

#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/env.h"
#include "models/model_columns.h"
#include "models/triton/settings.h"
#include "net/http.h"
#include "spi/model.h"

namespace millrace {

/// What all calls of a model share. Immutable; thread-safe.
struct TritonTarget {
  TritonSettings settings;
  ModelColumns columns;
  bool binary = true;
  HttpClient& client;
  Env& env;
};

/// Rows on their way to a server and back: one request per group of rows of one shape, each tried
/// again as T8 says, and split where the server refuses it for what may be one row's sake. Its
/// callbacks come on the client's thread.
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
    bool whole = false;  ///< all rows of the batch, in their order
    std::vector<HttpPiece> body;
    size_t header_bytes = 0;
    int attempts = 0;
    bool last_try = false;  ///< the rows were refused after all retries before they were split
    HttpCallId under_way{};
    bool pausing = false;  ///< `under_way` is the pause before the next attempt
  };
  using PiecePtr = std::shared_ptr<Piece>;

  Status Encode(Piece& piece) const;
  void Send(const PiecePtr& piece);
  void OnResult(const PiecePtr& piece, HttpResult result);
  Status Take(const Piece& piece, HttpResponse response);
  void Retry(const PiecePtr& piece);
  void Split(const PiecePtr& piece, bool last_try);
  void Fail(const Piece& piece, const Status& status);
  void Close(const PiecePtr& piece);
  void Finish();
  std::string Context(const Piece& piece) const;
  int AttemptsOf(const Piece& piece) const;

  const std::shared_ptr<const TritonTarget> target_;
  const Batch rows_;
  const int64_t deadline_us_;
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

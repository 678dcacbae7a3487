#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "models/inference_protocol/message.h"
#include "models/triton/settings.h"
#include "net/http.h"
#include "spi/model.h"

namespace millrace {

/// What a server tells of a model.
struct ServerModel {
  ModelSignature signature;
  bool binary = true;            ///< the server takes binary tensors
  bool sequential = false;       ///< the server keeps state by sequence
  int64_t sequence_idle_us = 0;  ///< how long it keeps an idle sequence; 0: unknown
};

/// What became of one attempt.
struct InferAnswer {
  enum class Outcome : uint8_t {
    kAnswered,
    kMistake,   ///< refused, and the rows may be to blame; not tried again
    kDenied,    ///< refused: the name, the rights or the address; not tried again
    kBusy,      ///< not taken on; tried again
    kFailed,    ///< the server or the model failed; tried again
    kLost,      ///< no answer came; tried again
    kUnusable,  ///< an answer that nobody can read; not tried again
    kCancelled,
  };

  Outcome outcome = Outcome::kAnswered;
  Status status;  ///< why it is not kAnswered
  InferResponse response;
  /// The server may have done the work although no answer came.
  bool unknown = false;

  /// It is the server's fault or the network's, so that it may pass when tried again.
  bool may_pass() const {
    return outcome == Outcome::kBusy || outcome == Outcome::kFailed || outcome == Outcome::kLost;
  }
};

/// How the Open Inference Protocol travels to one model: over HTTP or gRPC. Immutable; thread-safe.
class Transport {
 public:
  virtual ~Transport() = default;

  /// Asks the server for the model; blocks. Errors tell an unreachable server from a missing model
  /// and from one that is not ready.
  virtual Result<ServerModel> Describe() const = 0;
  virtual Result<HttpRequest> MakeInfer(const InferRequest& request) const = 0;
  virtual InferAnswer ReadInfer(HttpResult result) const = 0;
  virtual HttpRequest MakeReady() const = 0;
  virtual bool ReadReady(const HttpResult& result) const = 0;
  /// The model's statistics, as /v2/models/{m}/stats gives them; null where the server has none.
  virtual HttpRequest MakeStatistics() const = 0;
  virtual nlohmann::json ReadStatistics(const HttpResult& result) const = 0;
};

std::unique_ptr<Transport> MakeHttpTransport(const TritonSettings& settings, HttpClient& client);
std::unique_ptr<Transport> MakeGrpcTransport(const TritonSettings& settings, HttpClient& client);

/// The transport that the endpoint's scheme asks for. `client` outlives it.
std::unique_ptr<Transport> MakeTransport(const TritonSettings& settings, HttpClient& client);

/// Whether a server's words say that the request itself is at fault, whatever the code: Triton
/// answers 500 to what it cannot read.
bool IsClientMistake(std::string_view text);

/// What a server answered that has no model to give: told apart by what is to be done next.
enum class Absence : uint8_t { kUnknown, kNotReady, kNoRights };
Error AbsentModel(const TritonSettings& settings, Absence absence, const std::string& what);

/// Completes what the server tells of tensors: which there are, where it names none; whether rows
/// share requests, and how many. `max_batch` -1: the server has no configuration to show.
Status SettleTensors(const TritonSettings& settings, int64_t max_batch, ServerModel* model);

/// The newest of a server's versions: numbers by value; "latest" where it names none.
std::string NewestOf(const std::vector<std::string>& versions);

}  // namespace millrace

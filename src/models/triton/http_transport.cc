// The Open Inference Protocol over HTTP, with binary tensors where the server takes them.
#include <algorithm>
#include <charconv>
#include <utility>

#include <arrow/buffer.h>
#include <nlohmann/json.hpp>

#include "models/inference_protocol/metadata.h"
#include "models/triton/transport.h"
#include "net/gzip.h"
#include "net/http_error.h"

namespace millrace {
namespace {

using Outcome = InferAnswer::Outcome;

/// Whether the server lists the binary tensor extension; a server that says nothing of extensions
/// has none.
bool TakesBinary(const HttpResponse& server) {
  const auto object = nlohmann::json::parse(server.body, nullptr, false);
  if (server.status != 200 || !object.is_object() || !object.contains("extensions")) return false;
  const auto& extensions = object["extensions"];
  return extensions.is_array() &&
         std::find(extensions.begin(), extensions.end(), "binary_tensor_data") != extensions.end();
}

size_t NumberIn(std::string_view text) {
  size_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

Outcome OutcomeOf(int status, std::string_view text) {
  // The rows may be to blame, rather than the address, the rights or the load.
  if (status == 400 || status == 413 || status == 422) return Outcome::kMistake;
  if (status == 500 && IsClientMistake(text)) return Outcome::kMistake;
  if (status == 503 || status == 429) return Outcome::kBusy;
  return status >= 500 ? Outcome::kFailed : Outcome::kDenied;
}

class HttpTransport final : public Transport {
 public:
  HttpTransport(TritonSettings settings, HttpClient& client)
      : settings_(std::move(settings)),
        client_(client),
        infer_(settings_.Get(settings_.ModelUrl() + "/infer")) {
    infer_.method = HttpMethod::kPost;
  }

  Result<ServerModel> Describe() const override {
    const HttpResult answer = SendAndWait(client_, settings_.Get(settings_.ModelUrl()));
    ARROW_RETURN_NOT_OK(answer.status);
    if (answer.response.status != 200) return Refused(answer.response);
    auto metadata = DecodeMetadata(answer.response.body);
    if (!metadata.ok()) {
      return Error::User(metadata.status().message())
          .In(WithoutCredentials(settings_.ModelUrl()))
          .Hint("does this endpoint speak the Open Inference Protocol (KServe v2)?");
    }
    const HttpResult server = SendAndWait(client_, settings_.Get(settings_.base + "/v2"));
    ARROW_RETURN_NOT_OK(server.status);
    const HttpResult config = SendAndWait(client_, settings_.Get(settings_.ModelUrl() + "/config"));
    ARROW_RETURN_NOT_OK(config.status);

    ServerModel model;
    model.binary = TakesBinary(server.response);
    model.signature.inputs = std::move(metadata->inputs);
    model.signature.outputs = std::move(metadata->outputs);
    model.signature.version =
        settings_.version.empty() ? NewestOf(metadata->versions) : settings_.version;
    const ServerConfig known =
        config.response.status == 200 ? DecodeConfig(config.response.body) : ServerConfig();
    model.sequential = known.sequential;
    model.sequence_idle_us = known.sequence_idle_us;
    ARROW_RETURN_NOT_OK(SettleTensors(settings_, known.max_batch, &model));
    return model;
  }

  Result<HttpRequest> MakeInfer(const InferRequest& infer) const override {
    ARROW_ASSIGN_OR_RAISE(const EncodedMessage message, EncodeInferRequest(infer));
    HttpRequest request = infer_;
    const bool binary = message.header_bytes > 0;
    request.headers.push_back(
        {"Content-Type", binary ? "application/octet-stream" : "application/json"});
    if (binary) {
      request.headers.push_back({kInferenceHeaderLength, std::to_string(message.header_bytes)});
    }
    for (const auto& buffer : message.pieces) {
      request.body.push_back(
          {buffer,
           {reinterpret_cast<const char*>(buffer->data()), static_cast<size_t>(buffer->size())}});
    }
    if (!settings_.gzip) return request;
    std::vector<std::string_view> parts;
    for (const HttpPiece& part : request.body) parts.push_back(part.bytes);
    ARROW_ASSIGN_OR_RAISE(std::string packed, GzipCompress(parts));
    request.body = {HttpPiece::Of(std::move(packed))};
    request.headers.push_back({"Content-Encoding", "gzip"});
    request.headers.push_back({"Accept-Encoding", "gzip"});
    return request;
  }

  InferAnswer ReadInfer(HttpResult result) const override {
    const int status = result.response.status;
    if (status == 200) {
      auto response = Decode(std::move(result.response));
      if (!response.ok()) return {Outcome::kUnusable, response.status(), {}};
      return {Outcome::kAnswered, Status::OK(), std::move(*response)};
    }
    if (status >= 300 && status < 400) {
      return {Outcome::kDenied, Redirected(result.response), {}};
    }
    const std::string text = ErrorTextOf(result.response.body);
    const Outcome outcome = OutcomeOf(status, text);
    const std::string what =
        "the server refused the request: HTTP " + std::to_string(status) + ": " + text;
    // A gateway that has given up does not know whether the server has.
    const bool unknown = status == 502 || status == 504;
    return {outcome, Advice(outcome, status, what), {}, unknown};
  }

  HttpRequest MakeReady() const override {
    return settings_.Get(settings_.base + "/v2/health/ready");
  }
  bool ReadReady(const HttpResult& result) const override {
    return result.status.ok() && result.response.status == 200;
  }

  HttpRequest MakeStatistics() const override {
    return settings_.Get(settings_.ModelUrl() + "/stats");
  }
  nlohmann::json ReadStatistics(const HttpResult& result) const override {
    if (!result.status.ok() || result.response.status != 200) return nullptr;
    return nlohmann::json::parse(result.response.body, nullptr, false);
  }

 private:
  static Result<InferResponse> Decode(HttpResponse response) {
    const size_t header_bytes = NumberIn(response.header(kInferenceHeaderLength));
    std::string body = std::move(response.body);
    if (response.header("content-encoding") == "gzip") {
      ARROW_ASSIGN_OR_RAISE(body, GzipDecompress(body, HttpRequest().max_response_bytes));
    }
    return DecodeInferResponse(arrow::Buffer::FromString(std::move(body)), header_bytes);
  }

  Status Redirected(const HttpResponse& response) const {
    return Error::User("the server redirects to '" + std::string(response.header("location")) + "'")
        .In(settings_.shown)
        .Hint(
            "redirects are not followed, so that no token leaks; name the server itself in "
            "'endpoint'");
  }

  Status Refused(const HttpResponse& response) const {
    if (response.status >= 300 && response.status < 400) return Redirected(response);
    const std::string text = ErrorTextOf(response.body);
    const Absence absence = response.status == 401 || response.status == 403 ? Absence::kNoRights
                            : response.status >= 500 || text.find("not ready") != text.npos
                                ? Absence::kNotReady
                                : Absence::kUnknown;
    return AbsentModel(settings_, absence, "HTTP " + std::to_string(response.status) + ": " + text);
  }

  Status Advice(Outcome outcome, int status, const std::string& what) const {
    const Error error = outcome == Outcome::kBusy || outcome == Outcome::kFailed
                            ? Error::Transient(what)
                            : Error::Data(what);
    if (outcome == Outcome::kBusy) {
      return Error(error).Hint(
          "the server is overloaded or the model is not ready: lower "
          "'max-concurrent-operations', give the model more instances, or see its queue limits");
    }
    if (status == 401 || status == 403) {
      return Error(error).Hint("check 'auth-token' and 'custom-headers'");
    }
    if (status == 404) {
      return Error(error).Hint("see what it has: curl -X POST " + settings_.shown +
                               "/v2/repository/index");
    }
    return error;
  }

  const TritonSettings settings_;
  HttpClient& client_;
  HttpRequest infer_;  ///< without its body and what tells of it
};

}  // namespace

std::unique_ptr<Transport> MakeHttpTransport(const TritonSettings& settings, HttpClient& client) {
  return std::make_unique<HttpTransport>(settings, client);
}

}  // namespace millrace

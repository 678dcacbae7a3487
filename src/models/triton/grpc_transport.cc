// The Open Inference Protocol over gRPC: unary calls of HTTP/2 through the same client as HTTP, so
// that connections, TLS, time-outs and errors are the same.
#include <charconv>
#include <utility>

#include <arrow/buffer.h>
#include <google/protobuf/util/json_util.h>
#include <inference.pb.h>
#include <nlohmann/json.hpp>

#include "models/inference_protocol/grpc_message.h"
#include "models/triton/transport.h"
#include "net/gzip.h"

namespace millrace {
namespace {

using Outcome = InferAnswer::Outcome;
using Pieces = std::vector<std::shared_ptr<arrow::Buffer>>;

/// The codes of gRPC.
enum class Code : int {
  kOk = 0,
  kInvalidArgument = 3,
  kDeadlineExceeded = 4,
  kNotFound = 5,
  kPermissionDenied = 7,
  kResourceExhausted = 8,
  kOutOfRange = 11,
  kUnimplemented = 12,
  kUnavailable = 14,
  kUnauthenticated = 16,
  kNone = -1,
};

/// What a call came back with.
struct Reply {
  Code code = Code::kNone;
  std::string text;
  std::string message;  ///< of kOk
};

std::string NameOf(Code code) {
  switch (code) {
    case Code::kInvalidArgument:
      return "INVALID_ARGUMENT";
    case Code::kDeadlineExceeded:
      return "DEADLINE_EXCEEDED";
    case Code::kNotFound:
      return "NOT_FOUND";
    case Code::kPermissionDenied:
      return "PERMISSION_DENIED";
    case Code::kResourceExhausted:
      return "RESOURCE_EXHAUSTED";
    case Code::kOutOfRange:
      return "OUT_OF_RANGE";
    case Code::kUnimplemented:
      return "UNIMPLEMENTED";
    case Code::kUnavailable:
      return "UNAVAILABLE";
    case Code::kUnauthenticated:
      return "UNAUTHENTICATED";
    default:
      return "code " + std::to_string(static_cast<int>(code));
  }
}

/// User errors where what answers does not speak gRPC.
Result<Reply> ReadReply(const HttpResult& result) {
  ARROW_RETURN_NOT_OK(result.status);
  const HttpResponse& response = result.response;
  const std::string_view status = response.header("grpc-status");
  Reply reply;
  int code = -1;
  const auto [end, error] = std::from_chars(status.data(), status.data() + status.size(), code);
  if (status.empty() || error != std::errc() || end != status.data() + status.size()) {
    return Error::User("what answers does not speak gRPC: HTTP " + std::to_string(response.status) +
                       (response.status == 200 ? " without a grpc-status" : ""))
        .Hint("is this the gRPC port? Triton's is 8001; its HTTP port takes http://");
  }
  reply.code = static_cast<Code>(code);
  reply.text = NameOf(reply.code) + ": " + FromPercentText(response.header("grpc-message"));
  if (reply.code != Code::kOk) return reply;
  ARROW_ASSIGN_OR_RAISE(reply.message,
                        FromGrpcFrame(response.body, HttpRequest().max_response_bytes));
  return reply;
}

Outcome OutcomeOf(const Reply& reply) {
  switch (reply.code) {
    case Code::kInvalidArgument:
    case Code::kOutOfRange:
      return Outcome::kMistake;
    case Code::kUnavailable:
    case Code::kResourceExhausted:
      return Outcome::kBusy;
    case Code::kNotFound:
    case Code::kPermissionDenied:
    case Code::kUnimplemented:
    case Code::kUnauthenticated:
      return Outcome::kDenied;
    default:
      return IsClientMistake(reply.text) ? Outcome::kMistake : Outcome::kFailed;
  }
}

std::vector<TensorSpec> TensorsOf(
    const google::protobuf::RepeatedPtrField<inference::ModelMetadataResponse::TensorMetadata>&
        tensors) {
  std::vector<TensorSpec> specs;
  for (const auto& tensor : tensors) {
    specs.push_back(
        {tensor.name(), tensor.datatype(), {tensor.shape().begin(), tensor.shape().end()}});
  }
  return specs;
}

class GrpcTransport final : public Transport {
 public:
  GrpcTransport(TritonSettings settings, HttpClient& client)
      : settings_(std::move(settings)), client_(client) {}

  Result<ServerModel> Describe() const override {
    inference::ModelMetadataRequest ask;
    ask.set_name(settings_.model);
    ask.set_version(settings_.version);
    inference::ModelMetadataResponse metadata;
    ARROW_ASSIGN_OR_RAISE(const Reply reply, Call("ModelMetadata", ask));
    if (reply.code != Code::kOk) return Refused(reply);
    if (!metadata.ParseFromString(reply.message) || metadata.name().empty()) {
      return Error::User("the server's metadata names no model")
          .In(settings_.shown)
          .Hint("does this endpoint speak the Open Inference Protocol (KServe v2)?");
    }
    ServerModel model;
    model.signature.inputs = TensorsOf(metadata.inputs());
    model.signature.outputs = TensorsOf(metadata.outputs());
    model.signature.version =
        settings_.version.empty()
            ? NewestOf({metadata.versions().begin(), metadata.versions().end()})
            : settings_.version;
    inference::ModelConfigRequest ask_config;
    ask_config.set_name(settings_.model);
    ask_config.set_version(settings_.version);
    ARROW_ASSIGN_OR_RAISE(const Reply config_reply, Call("ModelConfig", ask_config));
    inference::ModelConfigResponse config;
    int64_t max_batch = -1;
    if (config_reply.code == Code::kOk && config.ParseFromString(config_reply.message)) {
      max_batch = config.config().max_batch_size();
      model.sequential = config.config().has_sequence_batching();
      model.sequence_idle_us = static_cast<int64_t>(
          config.config().sequence_batching().max_sequence_idle_microseconds());
    }
    ARROW_RETURN_NOT_OK(SettleTensors(settings_, max_batch, &model));
    return model;
  }

  Result<HttpRequest> MakeInfer(const InferRequest& infer) const override {
    ARROW_ASSIGN_OR_RAISE(Pieces message, ToGrpcRequest(infer, settings_.model, settings_.version));
    return Request("ModelInfer", std::move(message));
  }

  InferAnswer ReadInfer(HttpResult result) const override {
    const auto reply = ReadReply(result);
    if (!reply.ok()) return {Outcome::kUnusable, reply.status(), {}};
    if (reply->code == Code::kOk) {
      inference::ModelInferResponse message;
      if (!message.ParseFromString(reply->message)) {
        return {Outcome::kUnusable, Error::Data("the answer is no ModelInferResponse"), {}};
      }
      auto response = FromGrpcResponse(std::move(message));
      if (!response.ok()) return {Outcome::kUnusable, response.status(), {}};
      return {Outcome::kAnswered, Status::OK(), std::move(*response)};
    }
    InferAnswer answer{
        OutcomeOf(*reply), Error::Data("the server refused the request: gRPC " + reply->text), {}};
    answer.unknown = reply->code == Code::kDeadlineExceeded;
    if (answer.outcome == Outcome::kBusy) {
      answer.status = Error::Transient(answer.status.message())
                          .Hint(
                              "the server is overloaded or the model is not ready: lower "
                              "'max-concurrent-operations', give the model more instances, or "
                              "see its queue limits");
    }
    return answer;
  }

  HttpRequest MakeReady() const override {
    return Request("ServerReady", inference::ServerReadyRequest());
  }
  bool ReadReady(const HttpResult& result) const override {
    const auto reply = ReadReply(result);
    inference::ServerReadyResponse ready;
    return reply.ok() && reply->code == Code::kOk && ready.ParseFromString(reply->message) &&
           ready.ready();
  }

  HttpRequest MakeStatistics() const override {
    inference::ModelStatisticsRequest ask;
    ask.set_name(settings_.model);
    ask.set_version(settings_.version);
    return Request("ModelStatistics", ask);
  }
  nlohmann::json ReadStatistics(const HttpResult& result) const override {
    const auto reply = ReadReply(result);
    inference::ModelStatisticsResponse statistics;
    if (!reply.ok() || reply->code != Code::kOk || !statistics.ParseFromString(reply->message)) {
      return nullptr;
    }
    std::string text;
    google::protobuf::util::JsonPrintOptions names;
    names.preserve_proto_field_names = true;
    if (!google::protobuf::util::MessageToJsonString(statistics, &text, names).ok()) return nullptr;
    return nlohmann::json::parse(text, nullptr, false);
  }

 private:
  HttpRequest Request(const std::string& method, Pieces message) const {
    HttpRequest request =
        settings_.Get(settings_.base + "/inference.GRPCInferenceService/" + method);
    request.method = HttpMethod::kPost;
    request.http2 = true;
    request.headers.push_back({"Content-Type", "application/grpc"});
    request.headers.push_back({"TE", "trailers"});
    bool packed = false;
    if (settings_.gzip) {
      request.headers.push_back({"grpc-encoding", "gzip"});
      request.headers.push_back({"grpc-accept-encoding", "gzip, identity"});
      std::vector<std::string_view> parts;
      for (const auto& piece : message) parts.emplace_back(*piece);
      auto text = GzipCompress(parts);
      packed = text.ok();
      if (packed) message = {arrow::Buffer::FromString(std::move(*text))};
    }
    for (const auto& buffer : GrpcFrame(std::move(message), packed)) {
      request.body.push_back({buffer, std::string_view(*buffer)});
    }
    return request;
  }

  HttpRequest Request(const std::string& method,
                      const google::protobuf::MessageLite& message) const {
    return Request(method, Pieces{arrow::Buffer::FromString(message.SerializeAsString())});
  }

  Result<Reply> Call(const std::string& method,
                     const google::protobuf::MessageLite& message) const {
    auto reply = ReadReply(SendAndWait(client_, Request(method, message)));
    if (!reply.ok()) return WithPlace(reply.status(), {}, settings_.shown);
    return reply;
  }

  Status Refused(const Reply& reply) const {
    const bool no_rights =
        reply.code == Code::kPermissionDenied || reply.code == Code::kUnauthenticated;
    const bool not_ready =
        reply.code == Code::kUnavailable || reply.text.find("not ready") != std::string::npos;
    const Absence absence = no_rights   ? Absence::kNoRights
                            : not_ready ? Absence::kNotReady
                                        : Absence::kUnknown;
    return AbsentModel(settings_, absence, "gRPC " + reply.text);
  }

  const TritonSettings settings_;
  HttpClient& client_;
};

}  // namespace

std::unique_ptr<Transport> MakeGrpcTransport(const TritonSettings& settings, HttpClient& client) {
  return std::make_unique<GrpcTransport>(settings, client);
}

}  // namespace millrace

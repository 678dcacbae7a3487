#include "server/grpc_inference.h"

#include <functional>
#include <map>
#include <utility>

#include <arrow/buffer.h>
#include <google/protobuf/util/json_util.h>
#include <inference.pb.h>
#include <nlohmann/json.hpp>

#include "models/inference_protocol/grpc_message.h"

namespace millrace {
namespace {

using nlohmann::json;

constexpr int kInvalidArgument = 3, kNotFound = 5, kUnimplemented = 12, kInternal = 13,
              kUnavailable = 14;

int CodeOf(int http_status) {
  switch (http_status) {
    case 200:
      return 0;
    case 400:
      return kInvalidArgument;
    case 404:
      return kNotFound;
    case 503:
      return kUnavailable;
    default:
      return kInternal;
  }
}

std::string TextOf(const ApiResponse& response) {
  std::string text;
  for (const auto& piece : response.body) text += piece->ToString();
  return text;
}

/// What the HTTP page answers, as `Message`; `shape` makes its JSON that of the message.
template <class Message>
GrpcAnswer Page(const InferenceApi& api, const char* method, const std::string& path,
                const std::function<json(json)>& shape = nullptr) {
  ApiRequest request;
  request.method = method;
  request.path = path;
  request.body = arrow::Buffer::FromString("");
  const ApiResponse response = api.Answer(request);
  json body = json::parse(TextOf(response), nullptr, false);
  if (response.status != 200) {
    const std::string text = body.is_object() ? body.value("error", "") : std::string();
    return {CodeOf(response.status), text};
  }
  if (body.is_discarded()) body = json::object();
  if (shape) body = shape(std::move(body));
  google::protobuf::util::JsonParseOptions lenient;
  lenient.ignore_unknown_fields = true;
  Message message;
  const auto read = google::protobuf::util::JsonStringToMessage(body.dump(), &message, lenient);
  if (!read.ok()) return {kInternal, read.ToString()};
  return {0, message.SerializeAsString()};
}

template <class Message>
GrpcAnswer Ready(const InferenceApi& api, const std::string& path, const char* field) {
  GrpcAnswer answer = Page<Message>(api, "GET", path, [&](json) { return json({{field, true}}); });
  // "Not ready" is an answer, not an error; of an unknown model too.
  if (answer.code != 0) answer = {0, {}};
  return answer;
}

template <class Request>
std::string ModelPath(const Request& request) {
  return "/v2/models/" + request.name() +
         (request.version().empty() ? "" : "/versions/" + request.version());
}

GrpcAnswer Infer(const InferenceApi& api, inference::ModelInferRequest message) {
  const std::string model = message.model_name(), version = message.model_version();
  auto request = FromGrpcRequest(std::move(message));
  if (!request.ok()) return {kInvalidArgument, request.status().message()};
  const auto inference = api.Infer(model, version, *std::move(request));
  if (inference.status != 200) return {CodeOf(inference.status), inference.fault};
  const auto pieces = ToGrpcResponse(inference.response);
  if (!pieces.ok()) return {kInvalidArgument, pieces.status().message()};
  GrpcAnswer answer;
  for (const auto& piece : *pieces) answer.bytes += std::string_view(*piece);
  return answer;
}

using Call = GrpcAnswer (*)(const InferenceApi&, std::string_view);

/// The call that parses its request and hands it to `answer`.
template <class Request, GrpcAnswer (*answer)(const InferenceApi&, Request)>
GrpcAnswer Parsed(const InferenceApi& api, std::string_view bytes) {
  Request request;
  if (!request.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return {kInvalidArgument, "the message is no " + request.GetTypeName()};
  }
  return answer(api, std::move(request));
}

GrpcAnswer Live(const InferenceApi& api, inference::ServerLiveRequest) {
  return Ready<inference::ServerLiveResponse>(api, "/v2/health/live", "live");
}
GrpcAnswer ServerReady(const InferenceApi& api, inference::ServerReadyRequest) {
  return Ready<inference::ServerReadyResponse>(api, "/v2/health/ready", "ready");
}
GrpcAnswer ModelReady(const InferenceApi& api, inference::ModelReadyRequest request) {
  return Ready<inference::ModelReadyResponse>(api, ModelPath(request) + "/ready", "ready");
}
GrpcAnswer ServerMetadata(const InferenceApi& api, inference::ServerMetadataRequest) {
  return Page<inference::ServerMetadataResponse>(api, "GET", "/v2");
}
GrpcAnswer Metadata(const InferenceApi& api, inference::ModelMetadataRequest request) {
  return Page<inference::ModelMetadataResponse>(api, "GET", ModelPath(request));
}
GrpcAnswer Config(const InferenceApi& api, inference::ModelConfigRequest request) {
  return Page<inference::ModelConfigResponse>(api, "GET", ModelPath(request) + "/config",
                                              [](json body) { return json({{"config", body}}); });
}
GrpcAnswer Statistics(const InferenceApi& api, inference::ModelStatisticsRequest request) {
  const std::string path = request.name().empty() ? "/v2/models" : ModelPath(request);
  return Page<inference::ModelStatisticsResponse>(api, "GET", path + "/stats");
}
GrpcAnswer Index(const InferenceApi& api, inference::RepositoryIndexRequest) {
  return Page<inference::RepositoryIndexResponse>(
      api, "POST", "/v2/repository/index", [](json body) { return json({{"models", body}}); });
}
GrpcAnswer Load(const InferenceApi& api, inference::RepositoryModelLoadRequest request) {
  return Page<inference::RepositoryModelLoadResponse>(
      api, "POST", "/v2/repository/models/" + request.model_name() + "/load");
}
GrpcAnswer Unload(const InferenceApi& api, inference::RepositoryModelUnloadRequest request) {
  return Page<inference::RepositoryModelUnloadResponse>(
      api, "POST", "/v2/repository/models/" + request.model_name() + "/unload");
}

const std::map<std::string_view, Call>& Calls() {
  static const std::map<std::string_view, Call> calls = {
      {"ServerLive", Parsed<inference::ServerLiveRequest, Live>},
      {"ServerReady", Parsed<inference::ServerReadyRequest, ServerReady>},
      {"ModelReady", Parsed<inference::ModelReadyRequest, ModelReady>},
      {"ServerMetadata", Parsed<inference::ServerMetadataRequest, ServerMetadata>},
      {"ModelMetadata", Parsed<inference::ModelMetadataRequest, Metadata>},
      {"ModelInfer", Parsed<inference::ModelInferRequest, Infer>},
      {"ModelConfig", Parsed<inference::ModelConfigRequest, Config>},
      {"ModelStatistics", Parsed<inference::ModelStatisticsRequest, Statistics>},
      {"RepositoryIndex", Parsed<inference::RepositoryIndexRequest, Index>},
      {"RepositoryModelLoad", Parsed<inference::RepositoryModelLoadRequest, Load>},
      {"RepositoryModelUnload", Parsed<inference::RepositoryModelUnloadRequest, Unload>},
  };
  return calls;
}

}  // namespace

GrpcAnswer AnswerGrpc(const InferenceApi& api, std::string_view method, std::string_view request) {
  const auto call = Calls().find(method);
  if (call == Calls().end()) {
    return {kUnimplemented, "the call '" + std::string(method) + "' is not known here"};
  }
  return call->second(api, request);
}

}  // namespace millrace

#include "server/inference_api.h"

#include <algorithm>
#include <charconv>

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <nlohmann/json.hpp>

#include "base/suggest.h"
#include "models/inference_protocol/message.h"
#include "models/inference_protocol/metadata.h"
#include "net/gzip.h"
#include <millrace/version.h>

namespace millrace {
namespace {

using nlohmann::json;

constexpr std::string_view kPlatform = "onnxruntime_onnx";

/// Triton's name of a datatype in a configuration: TYPE_FP32, TYPE_STRING.
std::string ConfigType(const std::string& datatype) {
  return datatype == "BYTES" ? "TYPE_STRING" : "TYPE_" + datatype;
}

json ConfigTensors(const std::vector<TensorSpec>& tensors) {
  auto list = json::array();
  for (const TensorSpec& tensor : tensors) {
    // Triton has no empty dims; a scalar of a row is [1] reshaped to [].
    json entry = {
        {"name", tensor.name}, {"data_type", ConfigType(tensor.datatype)}, {"dims", tensor.shape}};
    if (tensor.shape.empty()) {
      entry["dims"] = {1};
      entry["reshape"] = {{"shape", json::array()}};
    }
    list.push_back(std::move(entry));
  }
  return list;
}

ApiResponse Config(const ServedModel& served) {
  const ModelSignature& signature = served.model->signature();
  return ApiResponse::Json(200, {{"name", served.name},
                                 {"platform", kPlatform},
                                 {"backend", "onnxruntime"},
                                 {"max_batch_size", served.max_batch},
                                 {"input", ConfigTensors(signature.inputs)},
                                 {"output", ConfigTensors(signature.outputs)}});
}

ApiResponse Metadata(const ServedModel& served, std::vector<std::string> versions) {
  const ModelSignature& signature = served.model->signature();
  ModelMetadata metadata{served.name, std::move(versions), signature.inputs, signature.outputs};
  if (signature.batched) {
    for (auto* side : {&metadata.inputs, &metadata.outputs}) {
      for (TensorSpec& tensor : *side) tensor.shape.insert(tensor.shape.begin(), -1);
    }
  }
  return ApiResponse::Json(200, EncodeMetadata(metadata, kPlatform));
}

std::vector<std::string> NamesOf(const std::vector<TensorSpec>& tensors) {
  std::vector<std::string> names;
  for (const TensorSpec& tensor : tensors) names.push_back(tensor.name);
  return names;
}

Result<size_t> IndexOf(const std::vector<TensorSpec>& tensors, const std::string& name,
                       const char* side) {
  const auto names = NamesOf(tensors);
  const auto at = std::find(names.begin(), names.end(), name);
  if (at != names.end()) return static_cast<size_t>(at - names.begin());
  return Error::User("the model has no " + std::string(side) + " '" + name + "'; " +
                     Suggest(name, names));
}

/// Whether the input is what the model takes; `rows` is -1 until the first input has told it.
Status CheckInput(const Tensor& tensor, const TensorSpec& spec, const ServedModel& served,
                  int64_t* rows) {
  const std::string subject = "the input '" + tensor.name + "'";
  if (NameOf(tensor.datatype) != spec.datatype) {
    return Error::User(subject + " is " + std::string(NameOf(tensor.datatype)) +
                       ", the model takes " + spec.datatype);
  }
  std::vector<int64_t> expected = spec.shape;
  if (served.model->signature().batched) expected.insert(expected.begin(), -1);
  bool fits = tensor.shape.size() == expected.size();
  for (size_t i = 0; fits && i < expected.size(); ++i)
    fits = expected[i] < 0 || expected[i] == tensor.shape[i];
  if (!fits) {
    return Error::User(subject + " has the shape " + ShapeText(tensor.shape) +
                       ", the model takes " + ShapeText(expected));
  }
  if (!served.model->signature().batched) return Status::OK();
  if (*rows >= 0 && *rows != tensor.shape[0])
    return Error::User(subject + " has another batch size than the one before");
  *rows = tensor.shape[0];
  if (*rows > served.max_batch) {
    return Error::User("the batch of " + std::to_string(*rows) +
                       " rows is larger than the model's " + std::to_string(served.max_batch));
  }
  return Status::OK();
}

}  // namespace

ApiResponse InferenceApi::Answer(const ApiRequest& request) const {
  auto path = PathSegments(request.path);
  if (path.empty() || path[0] != "v2")
    return ApiResponse::Fault(404, "there is no page '" + request.path + "'");
  path.erase(path.begin());
  if (!path.empty() && path[0] == "models" && path.size() > 1) {
    path.erase(path.begin());
    return AnswerModel(request, std::move(path));
  }
  if (path == std::vector<std::string>{"repository", "index"}) {
    if (request.method != "POST")
      return ApiResponse::Fault(405, "the index is asked for with POST");
    auto index = json::array();
    for (const ServedModel* served : repository_.All()) {
      index.push_back({{"name", served->name},
                       {"version", served->version},
                       {"state", served->model ? "READY" : "UNAVAILABLE"},
                       {"reason", served->reason}});
    }
    return ApiResponse::Json(200, index);
  }
  const bool is_health =
      path.size() == 2 && path[0] == "health" && (path[1] == "live" || path[1] == "ready");
  if (!path.empty() && !is_health)
    return ApiResponse::Fault(404, "there is no page '" + request.path + "'");
  if (request.method != "GET") return ApiResponse::Fault(405, "this page is asked for with GET");
  if (is_health) return {};
  return ApiResponse::Json(
      200, {{"name", "millrace"},
            {"version", MILLRACE_VERSION},
            {"extensions", {"binary_tensor_data", "model_configuration", "model_repository"}}});
}

ApiResponse InferenceApi::AnswerModel(const ApiRequest& request,
                                      std::vector<std::string> path) const {
  const std::string name = path[0];
  std::string version;
  path.erase(path.begin());
  if (path.size() >= 2 && path[0] == "versions") {
    version = path[1];
    path.erase(path.begin(), path.begin() + 2);
  }
  const std::string page = path.empty() ? "" : path[0];
  const bool known =
      path.size() <= 1 && (page.empty() || page == "ready" || page == "config" || page == "infer");
  if (!known) return ApiResponse::Fault(404, "there is no page '" + request.path + "'");
  const ServedModel* served = repository_.Find(name, version);
  if (served == nullptr) {
    std::vector<std::string> names;
    for (const ServedModel* each : repository_.All()) names.push_back(each->name);
    return ApiResponse::Fault(404, "there is no model '" + name + "'" +
                                       (version.empty() ? "" : " of version '" + version + "'") +
                                       "; " + Suggest(name, names));
  }
  if (!served->model) {
    return ApiResponse::Fault(page == "ready" ? 503 : 404,
                              "the model '" + name + "' is not ready: " + served->reason);
  }
  const bool infer = page == "infer";
  if (request.method != (infer ? "POST" : "GET")) {
    return ApiResponse::Fault(
        405, std::string("this page is asked for with ") + (infer ? "POST" : "GET"));
  }
  if (page == "ready") return {};
  if (page == "config") return Config(*served);
  if (!infer) return Metadata(*served, repository_.VersionsOf(name));
  auto answer = Infer(request, *served);
  if (answer.ok()) return std::move(*answer);
  return ApiResponse::Fault(400, answer.status().message());
}

Result<ApiResponse> InferenceApi::Infer(const ApiRequest& request,
                                        const ServedModel& served) const {
  std::shared_ptr<arrow::Buffer> body = request.body;
  if (request.content_encoding == "gzip") {
    const std::string_view packed(reinterpret_cast<const char*>(body->data()),
                                  static_cast<size_t>(body->size()));
    ARROW_ASSIGN_OR_RAISE(std::string text, GzipDecompress(packed, max_bytes_));
    body = arrow::Buffer::FromString(std::move(text));
  } else if (!request.content_encoding.empty() && request.content_encoding != "identity") {
    return Error::User("the Content-Encoding '" + request.content_encoding +
                       "' is not known; use gzip");
  }
  size_t header_bytes = 0;
  const std::string& length = request.inference_header_length;
  const auto [end, error] =
      std::from_chars(length.data(), length.data() + length.size(), header_bytes);
  if (!length.empty() && (error != std::errc() || end != length.data() + length.size())) {
    return Error::User(std::string(kInferenceHeaderLength) + " is not a number");
  }
  ARROW_ASSIGN_OR_RAISE(InferRequest infer, DecodeInferRequest(body, header_bytes));

  const ModelSignature& signature = served.model->signature();
  std::vector<Tensor> inputs(signature.inputs.size());
  std::vector<bool> given(inputs.size());
  int64_t rows = -1;
  for (Tensor& tensor : infer.inputs) {
    ARROW_ASSIGN_OR_RAISE(const size_t at, IndexOf(signature.inputs, tensor.name, "input"));
    if (given[at]) return Error::User("the input '" + tensor.name + "' comes twice");
    ARROW_RETURN_NOT_OK(CheckInput(tensor, signature.inputs[at], served, &rows));
    given[at] = true;
    inputs[at] = std::move(tensor);
  }
  for (size_t i = 0; i < given.size(); ++i) {
    if (!given[i]) return Error::User("the input '" + signature.inputs[i].name + "' is missing");
  }
  std::vector<int> wanted;
  for (const auto& output : infer.outputs) {
    ARROW_ASSIGN_OR_RAISE(const size_t at, IndexOf(signature.outputs, output.name, "output"));
    wanted.push_back(static_cast<int>(at));
  }
  if (infer.outputs.empty()) {
    for (size_t i = 0; i < signature.outputs.size(); ++i) wanted.push_back(static_cast<int>(i));
  }
  InferResponse response{served.name, served.version, infer.id, {}};
  ARROW_ASSIGN_OR_RAISE(response.outputs, served.model->Run(inputs, wanted));
  std::vector<bool> binary;
  for (const Tensor& output : response.outputs) binary.push_back(infer.WantsBinary(output.name));
  ARROW_ASSIGN_OR_RAISE(EncodedMessage message, EncodeInferResponse(response, binary));
  ApiResponse answer;
  answer.inference_header_length = message.header_bytes;
  if (message.header_bytes > 0) answer.content_type = "application/octet-stream";
  answer.body = std::move(message.pieces);
  return answer;
}

}  // namespace millrace

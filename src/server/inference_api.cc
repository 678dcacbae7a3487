#include "server/inference_api.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <mutex>

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
  const ModelSignature& signature = served.signature;
  json config = {{"name", served.name},
                 {"platform", kPlatform},
                 {"backend", "onnxruntime"},
                 {"max_batch_size", served.max_batch},
                 {"input", ConfigTensors(signature.inputs)},
                 {"output", ConfigTensors(signature.outputs)}};
  if (served.batcher) {
    const DynamicBatching& batching = served.batcher->options();
    config["dynamic_batching"] = {{"preferred_batch_size", batching.preferred_rows},
                                  {"max_queue_delay_microseconds", batching.max_delay_us}};
  }
  if (served.sequences) {
    config["sequence_batching"] = {{"max_sequence_idle_microseconds", served.sequences->idle_us()}};
  }
  return ApiResponse::Json(200, config);
}

ApiResponse Metadata(const ServedModel& served, std::vector<std::string> versions) {
  const ModelSignature& signature = served.signature;
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
  if (served.signature.batched) expected.insert(expected.begin(), -1);
  bool fits = tensor.shape.size() == expected.size();
  for (size_t i = 0; fits && i < expected.size(); ++i)
    fits = expected[i] < 0 || expected[i] == tensor.shape[i];
  if (!fits) {
    return Error::User(subject + " has the shape " + ShapeText(tensor.shape) +
                       ", the model takes " + ShapeText(expected));
  }
  if (!served.signature.batched) return Status::OK();
  if (*rows >= 0 && *rows != tensor.shape[0])
    return Error::User(subject + " has another batch size than the one before");
  *rows = tensor.shape[0];
  if (*rows > served.max_batch) {
    return Error::User("the batch of " + std::to_string(*rows) +
                       " rows is larger than the model's " + std::to_string(served.max_batch));
  }
  return Status::OK();
}

/// An id of a sequence as JSON or gRPC may give it: a text or a number.
std::string SequenceIdOf(const json& parameters) {
  const auto at = parameters.find("sequence_id");
  if (at == parameters.end()) return {};
  return at->is_string() ? at->get<std::string>() : at->dump();
}

bool FlagOf(const json& parameters, const char* key) {
  const auto at = parameters.find(key);
  return at != parameters.end() && at->is_boolean() && at->get<bool>();
}

/// The state with which a sequence begins: zeros of one row.
Tensor ZeroState(const TensorSpec& spec, bool batched) {
  Tensor zero;
  zero.name = spec.name;
  zero.datatype = DatatypeNamed(spec.datatype).value_or(Datatype::kFp32);
  if (batched) zero.shape.push_back(1);
  for (const int64_t dimension : spec.shape) zero.shape.push_back(std::max<int64_t>(dimension, 1));
  const auto bytes = static_cast<size_t>(zero.num_elements() * SizeOf(zero.datatype));
  zero.data = arrow::Buffer::FromString(std::string(bytes, '\0'));
  return zero;
}

}  // namespace

ApiResponse InferenceApi::Answer(const ApiRequest& request) const {
  auto path = PathSegments(request.path);
  if (path.empty() || path[0] != "v2")
    return ApiResponse::Fault(404, "there is no page '" + request.path + "'");
  path.erase(path.begin());
  if (path == std::vector<std::string>{"models", "stats"}) return Statistics({}, {});
  if (!path.empty() && path[0] == "models" && path.size() > 1) {
    path.erase(path.begin());
    return AnswerModel(request, std::move(path));
  }
  if (path.size() > 1 && path[0] == "repository") return AnswerRepository(request, path);
  const bool is_health =
      path.size() == 2 && path[0] == "health" && (path[1] == "live" || path[1] == "ready");
  if (!path.empty() && !is_health)
    return ApiResponse::Fault(404, "there is no page '" + request.path + "'");
  if (request.method != "GET") return ApiResponse::Fault(405, "this page is asked for with GET");
  if (is_health) return {};
  return ApiResponse::Json(200, {{"name", "millrace"},
                                 {"version", MILLRACE_VERSION},
                                 {"extensions",
                                  {"binary_tensor_data", "model_configuration", "model_repository",
                                   "sequence", "statistics"}}});
}

ApiResponse InferenceApi::AnswerRepository(const ApiRequest& request,
                                           const std::vector<std::string>& path) const {
  const bool is_index = path.size() == 2 && path[1] == "index";
  const bool is_change =
      path.size() == 4 && path[1] == "models" && (path[3] == "load" || path[3] == "unload");
  if (!is_index && !is_change)
    return ApiResponse::Fault(404, "there is no page '" + request.path + "'");
  if (request.method != "POST") return ApiResponse::Fault(405, "this page is asked for with POST");
  if (is_change) {
    const Status changed =
        path[3] == "load" ? repository_.Load(path[2]) : repository_.Unload(path[2]);
    return changed.ok() ? ApiResponse() : ApiResponse::Fault(400, changed.message());
  }
  auto index = json::array();
  for (const ServedModelPtr& served : repository_.All()) {
    index.push_back({{"name", served->name},
                     {"version", served->version},
                     {"state", served->model ? "READY" : "UNAVAILABLE"},
                     {"reason", served->reason}});
  }
  return ApiResponse::Json(200, index);
}

ApiResponse InferenceApi::Statistics(const std::string& name, const std::string& version) const {
  auto all = json::array();
  for (const ServedModelPtr& served : repository_.All()) {
    if (!served->model || (!name.empty() && served->name != name) ||
        (!version.empty() && served->version != version)) {
      continue;
    }
    json entry = served->statistics->ToJson();
    entry["name"] = served->name;
    entry["version"] = served->version;
    all.push_back(std::move(entry));
  }
  return ApiResponse::Json(200, {{"model_stats", std::move(all)}});
}

ServedModelPtr InferenceApi::Find(const std::string& name, const std::string& version,
                                  Inference* fault) const {
  const ServedModelPtr served = repository_.Find(name, version);
  if (served == nullptr) {
    std::vector<std::string> names;
    for (const ServedModelPtr& each : repository_.All()) names.push_back(each->name);
    *fault = {404,
              "there is no model '" + name + "'" +
                  (version.empty() ? "" : " of version '" + version + "'") + "; " +
                  Suggest(name, names),
              {}};
    return nullptr;
  }
  if (served->model) return served;
  *fault = {404, "the model '" + name + "' is not ready: " + served->reason, {}};
  return nullptr;
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
  const bool known = path.size() <= 1 && (page.empty() || page == "ready" || page == "config" ||
                                          page == "stats" || page == "infer");
  if (!known) return ApiResponse::Fault(404, "there is no page '" + request.path + "'");
  Inference fault;
  const ServedModelPtr served = Find(name, version, &fault);
  if (!served) {
    const bool there = repository_.Find(name, version) != nullptr;
    return ApiResponse::Fault(page == "ready" && there ? 503 : fault.status, fault.fault);
  }
  const bool infer = page == "infer";
  if (request.method != (infer ? "POST" : "GET")) {
    return ApiResponse::Fault(
        405, std::string("this page is asked for with ") + (infer ? "POST" : "GET"));
  }
  if (page == "ready") return {};
  if (page == "config") return Config(*served);
  if (page == "stats") return Statistics(name, version);
  if (!infer) return Metadata(*served, repository_.VersionsOf(name));
  return AnswerInfer(request, name, version);
}

ApiResponse InferenceApi::AnswerInfer(const ApiRequest& request, const std::string& model,
                                      const std::string& version) const {
  auto decoded = Decode(request);
  if (!decoded.ok()) return ApiResponse::Fault(400, decoded.status().message());
  // What the answer's form depends on; the tensors go with the request.
  InferRequest form;
  form.outputs = decoded->outputs;
  form.binary_output = decoded->binary_output;
  const Inference inference = Infer(model, version, *std::move(decoded));
  if (inference.status != 200) return ApiResponse::Fault(inference.status, inference.fault);
  std::vector<bool> binary;
  for (const Tensor& output : inference.response.outputs) {
    binary.push_back(form.WantsBinary(output.name));
  }
  auto message = EncodeInferResponse(inference.response, binary);
  if (!message.ok()) return ApiResponse::Fault(400, message.status().message());
  ApiResponse answer;
  answer.inference_header_length = message->header_bytes;
  if (message->header_bytes > 0) answer.content_type = "application/octet-stream";
  answer.body = std::move(message->pieces);
  return answer;
}

InferenceApi::Inference InferenceApi::Infer(const std::string& model, const std::string& version,
                                            InferRequest request) const {
  Inference inference;
  const ServedModelPtr served = Find(model, version, &inference);
  if (!served) return inference;
  const int64_t start_us = env_.MonotonicMicros();
  const int64_t rows =
      request.inputs.empty() || request.inputs[0].shape.empty() ? 1 : request.inputs[0].shape[0];
  int64_t queue_us = 0;
  auto response = Run(*served, std::move(request), &queue_us);
  const int64_t took_us = env_.MonotonicMicros() - start_us;
  if (!response.ok()) {
    served->statistics->Failed(took_us);
    return {400, response.status().message(), {}};
  }
  served->statistics->Succeeded(served->max_batch > 0 ? rows : 1, queue_us, took_us - queue_us,
                                env_.NowMicros());
  inference.response = *std::move(response);
  return inference;
}

Result<InferRequest> InferenceApi::Decode(const ApiRequest& request) const {
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
  return DecodeInferRequest(body, header_bytes);
}

Result<InferResponse> InferenceApi::Run(const ServedModel& served, InferRequest infer,
                                        int64_t* queue_us) const {
  const ModelSignature& all = served.model->signature();
  std::vector<Tensor> inputs(all.inputs.size());
  std::vector<bool> given(inputs.size());
  int64_t rows = -1;
  for (Tensor& tensor : infer.inputs) {
    ARROW_ASSIGN_OR_RAISE(const size_t seen,
                          IndexOf(served.signature.inputs, tensor.name, "input"));
    ARROW_RETURN_NOT_OK(CheckInput(tensor, served.signature.inputs[seen], served, &rows));
    ARROW_ASSIGN_OR_RAISE(const size_t at, IndexOf(all.inputs, tensor.name, "input"));
    if (given[at]) return Error::User("the input '" + tensor.name + "' comes twice");
    given[at] = true;
    inputs[at] = std::move(tensor);
  }
  for (const TensorSpec& spec : served.signature.inputs) {
    ARROW_ASSIGN_OR_RAISE(const size_t at, IndexOf(all.inputs, spec.name, "input"));
    if (!given[at]) return Error::User("the input '" + spec.name + "' is missing");
  }
  std::vector<std::string> names;
  for (const auto& output : infer.outputs) {
    ARROW_RETURN_NOT_OK(IndexOf(served.signature.outputs, output.name, "output"));
    names.push_back(output.name);
  }
  if (infer.outputs.empty()) names = NamesOf(served.signature.outputs);
  const size_t answered = names.size();

  std::shared_ptr<ServingSequences::Open> sequence;
  const std::string id = SequenceIdOf(infer.parameters);
  if (served.sequences) {
    if (rows > 1) {
      return Error::User("a request of a sequence has one row, not " + std::to_string(rows));
    }
    ARROW_ASSIGN_OR_RAISE(sequence, served.sequences->Enter(
                                        served.name, id, FlagOf(infer.parameters, "sequence_start"),
                                        env_.MonotonicMicros()));
    for (const StateTensor& state : served.states) names.push_back(state.output);
  }
  std::vector<int> wanted;
  for (const std::string& name : names) {
    ARROW_ASSIGN_OR_RAISE(const size_t at, IndexOf(all.outputs, name, "output"));
    wanted.push_back(static_cast<int>(at));
  }
  std::unique_lock<std::mutex> turn;
  if (sequence) {
    turn = std::unique_lock(sequence->mutex);
    for (size_t i = 0; i < served.states.size(); ++i) {
      ARROW_ASSIGN_OR_RAISE(const size_t at, IndexOf(all.inputs, served.states[i].input, "input"));
      inputs[at] =
          sequence->state.empty() ? ZeroState(all.inputs[at], all.batched) : sequence->state[i];
    }
  }
  InferResponse response{served.name, served.version, infer.id, {}};
  ServingStatistics& statistics = *served.statistics;
  if (served.batcher && rows > 0) {
    auto outcome =
        served.batcher->Run(*served.model, std::move(inputs), wanted, rows, env_, statistics);
    *queue_us = outcome.queue_us;
    ARROW_ASSIGN_OR_RAISE(response.outputs, std::move(outcome.outputs));
    return response;
  }
  const int64_t start_us = env_.MonotonicMicros();
  ARROW_ASSIGN_OR_RAISE(response.outputs, served.model->Run(inputs, wanted));
  statistics.Executed(std::max<int64_t>(rows, 1), env_.MonotonicMicros() - start_us);
  if (sequence) {
    sequence->state.assign(
        std::make_move_iterator(response.outputs.begin() + static_cast<std::ptrdiff_t>(answered)),
        std::make_move_iterator(response.outputs.end()));
    response.outputs.resize(answered);
    for (size_t i = 0; i < served.states.size(); ++i) {
      sequence->state[i].name = served.states[i].input;
    }
    turn.unlock();
    if (FlagOf(infer.parameters, "sequence_end")) served.sequences->End(id);
  }
  return response;
}

}  // namespace millrace

#include "models/inference_protocol/metadata.h"

#include "base/utf8.h"

namespace millrace {
namespace {

using nlohmann::json;

constexpr size_t kLongestText = 1000;

Result<std::vector<TensorSpec>> TensorsAt(const json& object, const char* key) {
  std::vector<TensorSpec> tensors;
  const auto list = object.find(key);
  if (list == object.end() || !list->is_array()) return tensors;
  for (const json& each : *list) {
    if (!each.is_object() || !each.contains("name") || !each["name"].is_string() ||
        !each.contains("datatype") || !each["datatype"].is_string()) {
      return Error::User("the metadata has a tensor without name or datatype");
    }
    TensorSpec tensor{each["name"].get<std::string>(), each["datatype"].get<std::string>(), {}};
    if (each.contains("shape") && each["shape"].is_array()) {
      for (const json& dimension : each["shape"]) {
        tensor.shape.push_back(dimension.is_number_integer() ? dimension.get<int64_t>() : -1);
      }
    }
    tensors.push_back(std::move(tensor));
  }
  return tensors;
}

json TensorsJson(const std::vector<TensorSpec>& tensors) {
  auto list = json::array();
  for (const TensorSpec& each : tensors) {
    list.push_back({{"name", each.name}, {"datatype", each.datatype}, {"shape", each.shape}});
  }
  return list;
}

}  // namespace

Result<ModelMetadata> DecodeMetadata(std::string_view body) {
  const json object = json::parse(body, nullptr, false);
  if (!object.is_object()) return Error::User("the server's metadata is not a JSON object");
  ModelMetadata metadata;
  if (object.contains("name") && object["name"].is_string())
    metadata.name = object["name"].get<std::string>();
  if (object.contains("versions") && object["versions"].is_array()) {
    for (const json& version : object["versions"]) {
      if (version.is_string()) metadata.versions.push_back(version.get<std::string>());
    }
  }
  ARROW_ASSIGN_OR_RAISE(metadata.inputs, TensorsAt(object, "inputs"));
  ARROW_ASSIGN_OR_RAISE(metadata.outputs, TensorsAt(object, "outputs"));
  if (metadata.name.empty()) return Error::User("the server's metadata names no model");
  return metadata;
}

json EncodeMetadata(const ModelMetadata& metadata, std::string_view platform) {
  return {{"name", metadata.name},
          {"versions", metadata.versions},
          {"platform", platform},
          {"inputs", TensorsJson(metadata.inputs)},
          {"outputs", TensorsJson(metadata.outputs)}};
}

ServerConfig DecodeConfig(std::string_view config) {
  ServerConfig read;
  const json object = json::parse(config, nullptr, false);
  if (!object.is_object()) return read;
  const auto number = [](const json& from, const char* key, int64_t otherwise) {
    const auto at = from.find(key);
    if (at == from.end() || !at->is_number_integer()) return otherwise;
    return at->get<int64_t>() >= 0 ? at->get<int64_t>() : otherwise;
  };
  read.max_batch = number(object, "max_batch_size", -1);
  const auto sequences = object.find("sequence_batching");
  if (sequences != object.end() && sequences->is_object()) {
    read.sequential = true;
    read.sequence_idle_us = number(*sequences, "max_sequence_idle_microseconds", 0);
  }
  return read;
}

std::string ErrorTextOf(std::string_view body) {
  const json object = json::parse(body, nullptr, false);
  if (object.is_object()) {
    for (const char* key : {"error", "detail", "message"}) {
      const auto at = object.find(key);
      if (at != object.end()) return at->is_string() ? at->get<std::string>() : at->dump();
    }
  }
  return ValidUtf8(body.substr(0, kLongestText));
}

}  // namespace millrace

#include "server/model_repository.h"

#include <algorithm>
#include <charconv>
#include <mutex>
#include <optional>

#include <google/protobuf/text_format.h>
#include <inference.pb.h>

#include "base/log.h"
#include "models/onnx/onnx_model.h"

namespace millrace {
namespace {

constexpr std::string_view kModelFile = "/model.onnx";
constexpr int64_t kDefaultIdleMicros = 1'000'000;  ///< as Triton's

std::optional<int64_t> NumberOf(std::string_view text) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 0) return std::nullopt;
  return number;
}

/// The model's config.pbtxt, as far as it is read; nothing where there is none or it is wrong.
inference::ModelConfig ConfigIn(FileSystem& files, const std::string& folder,
                                const std::string& name) {
  inference::ModelConfig config;
  const auto text = ReadFile(files, folder + "/config.pbtxt");
  if (!text.ok()) return config;
  google::protobuf::TextFormat::Parser parser;
  parser.AllowUnknownField(true);
  if (!parser.ParseFromString(*text, &config)) {
    Log(LogLevel::kWarn, "server.models", "config.pbtxt cannot be read", {{"model", name}});
    config.Clear();
  }
  return config;
}

/// What FOLDER/NAME/NUMBER/model.onnx says.
struct Place {
  std::string name;
  int64_t number = 0;
};

std::optional<Place> PlaceOf(std::string_view folder, std::string_view file) {
  while (folder.ends_with('/')) folder.remove_suffix(1);
  if (!file.starts_with(folder) || !file.ends_with(kModelFile)) return std::nullopt;
  std::string_view inside = file.substr(folder.size());
  inside.remove_suffix(kModelFile.size());
  if (!inside.starts_with('/')) return std::nullopt;
  inside.remove_prefix(1);
  const auto slash = inside.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto number = NumberOf(inside.substr(slash + 1));
  if (!number) return std::nullopt;
  const std::string name(inside.substr(0, slash));
  return Place{name, *number};
}

/// Takes the tensors that are states out of what clients see.
void HideStates(std::vector<TensorSpec>& tensors, const std::vector<StateTensor>& states,
                std::string StateTensor::* side) {
  std::erase_if(tensors, [&](const TensorSpec& tensor) {
    return std::any_of(states.begin(), states.end(),
                       [&](const StateTensor& state) { return state.*side == tensor.name; });
  });
}

}  // namespace

Result<std::unique_ptr<ModelRepository>> ModelRepository::Open(const std::string& folder,
                                                               Services& services) {
  auto repository = std::make_unique<ModelRepository>(folder, services.env().files());
  ARROW_ASSIGN_OR_RAISE(repository->models_, repository->Read({}));
  if (repository->models_.empty()) {
    return Error::User("there is no model in '" + folder + "'")
        .In(folder)
        .Hint("put models at NAME/1/model.onnx below it");
  }
  return repository;
}

Result<std::map<std::string, ModelRepository::Versions>> ModelRepository::Read(
    const std::string& only) {
  std::map<std::string, Versions> models;
  ARROW_ASSIGN_OR_RAISE(const auto found, files_.List(folder_));
  for (const FileInfo& file : found) {
    const auto place = PlaceOf(folder_, file.path);
    if (!place || (!only.empty() && place->name != only)) continue;
    models[place->name][place->number] = LoadVersion(place->name, place->number, file.path);
  }
  return models;
}

ServedModelPtr ModelRepository::LoadVersion(const std::string& name, int64_t number,
                                            const std::string& file) {
  auto served = std::make_shared<ServedModel>();
  served->name = name;
  served->version = std::to_string(number);
  auto model = LoadOnnxModel({.path = file}, files_);
  if (!model.ok()) {
    served->reason = model.status().message();
    Log(LogLevel::kError, "server.models", served->reason,
        {{"model", name}, {"version", served->version}});
    return served;
  }
  served->model = std::move(*model);
  served->signature = served->model->signature();
  const inference::ModelConfig config = ConfigIn(files_, folder_ + '/' + name, name);
  if (served->signature.batched) {
    served->max_batch =
        served->signature.max_batch > 0 ? served->signature.max_batch : kDefaultMaxBatch;
    if (config.max_batch_size() > 0) served->max_batch = config.max_batch_size();
  }
  if (config.has_sequence_batching()) {
    const auto& batching = config.sequence_batching();
    for (const auto& state : batching.state()) {
      served->states.push_back({state.input_name(), state.output_name()});
    }
    HideStates(served->signature.inputs, served->states, &StateTensor::input);
    HideStates(served->signature.outputs, served->states, &StateTensor::output);
    const auto idle_us = static_cast<int64_t>(batching.max_sequence_idle_microseconds());
    served->sequences =
        std::make_shared<ServingSequences>(idle_us > 0 ? idle_us : kDefaultIdleMicros);
  }
  if (config.has_dynamic_batching() && served->signature.batched) {
    const auto& batching = config.dynamic_batching();
    served->batcher = std::make_shared<DynamicBatcher>(DynamicBatching{
        .max_rows = served->max_batch,
        .max_delay_us = static_cast<int64_t>(batching.max_queue_delay_microseconds()),
        .preferred_rows = {batching.preferred_batch_size().begin(),
                           batching.preferred_batch_size().end()}});
  }
  Log(LogLevel::kInfo, "server.models", "loaded",
      {{"model", name}, {"version", served->version}, {"file", file}});
  return served;
}

Status ModelRepository::Load(const std::string& name) {
  ARROW_ASSIGN_OR_RAISE(auto read, Read(name));
  const auto at = read.find(name);
  if (at == read.end()) {
    return Error::User("failed to load '" + name + "': there is no " + name +
                       "/NUMBER/model.onnx in the repository");
  }
  const bool any = std::any_of(at->second.begin(), at->second.end(), [](const auto& version) {
    return version.second->model != nullptr;
  });
  if (!any) {
    return Error::User("failed to load '" + name + "': " + at->second.rbegin()->second->reason);
  }
  std::unique_lock lock(mutex_);
  models_[name] = std::move(at->second);
  return Status::OK();
}

Status ModelRepository::Unload(const std::string& name) {
  std::unique_lock lock(mutex_);
  const auto at = models_.find(name);
  if (at == models_.end()) return Error::User("there is no model '" + name + "'");
  for (auto& [number, served] : at->second) {
    auto gone = std::make_shared<ServedModel>();
    gone->name = served->name;
    gone->version = served->version;
    gone->reason = "unloaded";
    served = std::move(gone);
  }
  return Status::OK();
}

ServedModelPtr ModelRepository::Find(const std::string& name, const std::string& version) const {
  std::shared_lock lock(mutex_);
  const auto at = models_.find(name);
  if (at == models_.end()) return nullptr;
  if (!version.empty()) {
    const auto number = NumberOf(version);
    const auto of_version = number ? at->second.find(*number) : at->second.end();
    return of_version == at->second.end() ? nullptr : of_version->second;
  }
  for (auto newest = at->second.rbegin(); newest != at->second.rend(); ++newest) {
    if (newest->second->model) return newest->second;
  }
  return at->second.rbegin()->second;
}

bool ModelRepository::batches() const {
  const auto all = All();
  return std::any_of(all.begin(), all.end(),
                     [](const ServedModelPtr& served) { return served->batcher != nullptr; });
}

std::vector<ServedModelPtr> ModelRepository::All() const {
  std::shared_lock lock(mutex_);
  std::vector<ServedModelPtr> all;
  for (const auto& [name, versions] : models_) {
    for (const auto& [number, served] : versions) all.push_back(served);
  }
  return all;
}

std::vector<std::string> ModelRepository::VersionsOf(const std::string& name) const {
  std::shared_lock lock(mutex_);
  std::vector<std::string> versions;
  const auto at = models_.find(name);
  if (at == models_.end()) return versions;
  for (const auto& [number, served] : at->second) {
    if (served->model) versions.push_back(served->version);
  }
  return versions;
}

}  // namespace millrace

#include "server/model_repository.h"

#include <charconv>
#include <optional>

#include "base/log.h"
#include "models/onnx/onnx_model.h"

namespace millrace {
namespace {

constexpr std::string_view kModelFile = "/model.onnx";

std::optional<int64_t> NumberOf(std::string_view text) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 0) return std::nullopt;
  return number;
}

/// The `max_batch_size: N` of a config.pbtxt.
std::optional<int64_t> MaxBatchIn(std::string_view config) {
  constexpr std::string_view kKey = "max_batch_size";
  auto at = config.find(kKey);
  if (at == std::string_view::npos) return std::nullopt;
  at = config.find_first_not_of(" \t:", at + kKey.size());
  if (at == std::string_view::npos) return std::nullopt;
  return NumberOf(config.substr(at, config.find_first_not_of("0123456789", at) - at));
}

/// What FOLDER/NAME/NUMBER/model.onnx says.
struct Place {
  std::string folder;  ///< FOLDER/NAME
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
  return Place{std::string(folder) + '/' + name, name, *number};
}

}  // namespace

Result<std::unique_ptr<ModelRepository>> ModelRepository::Open(const std::string& folder,
                                                               Services& services) {
  auto repository = std::make_unique<ModelRepository>();
  FileSystem& files = services.env().files();
  ARROW_ASSIGN_OR_RAISE(const auto found, files.List(folder));
  for (const FileInfo& file : found) {
    const auto place = PlaceOf(folder, file.path);
    if (!place) continue;
    ServedModel served;
    served.name = place->name;
    served.version = std::to_string(place->number);
    auto model = LoadOnnxModel({.path = file.path}, files);
    if (model.ok()) {
      served.model = std::move(*model);
      const ModelSignature& signature = served.model->signature();
      if (signature.batched) {
        const auto config = ReadFile(files, place->folder + "/config.pbtxt");
        const auto limit = config.ok() ? MaxBatchIn(*config) : std::nullopt;
        served.max_batch = signature.max_batch > 0 ? signature.max_batch : kDefaultMaxBatch;
        if (limit && *limit > 0) served.max_batch = *limit;
      }
      Log(LogLevel::kInfo, "server.models", "loaded",
          {{"model", served.name}, {"version", served.version}, {"file", file.path}});
    } else {
      served.reason = model.status().message();
      Log(LogLevel::kError, "server.models", served.reason,
          {{"model", served.name}, {"version", served.version}});
    }
    repository->models_[served.name][place->number] = std::move(served);
  }
  if (repository->models_.empty()) {
    return Error::User("there is no model in '" + folder + "'")
        .In(folder)
        .Hint("put models at NAME/1/model.onnx below it");
  }
  return repository;
}

const ServedModel* ModelRepository::Find(const std::string& name,
                                         const std::string& version) const {
  const auto at = models_.find(name);
  if (at == models_.end()) return nullptr;
  if (!version.empty()) {
    const auto number = NumberOf(version);
    const auto of_version = number ? at->second.find(*number) : at->second.end();
    return of_version == at->second.end() ? nullptr : &of_version->second;
  }
  for (auto newest = at->second.rbegin(); newest != at->second.rend(); ++newest) {
    if (newest->second.model) return &newest->second;
  }
  return &at->second.rbegin()->second;
}

std::vector<const ServedModel*> ModelRepository::All() const {
  std::vector<const ServedModel*> all;
  for (const auto& [name, versions] : models_) {
    for (const auto& [number, served] : versions) all.push_back(&served);
  }
  return all;
}

std::vector<std::string> ModelRepository::VersionsOf(const std::string& name) const {
  std::vector<std::string> versions;
  const auto at = models_.find(name);
  if (at == models_.end()) return versions;
  for (const auto& [number, served] : at->second) {
    if (served.model) versions.push_back(served.version);
  }
  return versions;
}

}  // namespace millrace

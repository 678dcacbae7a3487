#include "runtime/checkpoint.h"

#include <algorithm>
#include <charconv>
#include <map>

#include <arrow/util/crc32.h>
#include <nlohmann/json.hpp>

namespace millrace {

namespace {

constexpr std::string_view kPrefix = "chk-";
constexpr std::string_view kManifest = "manifest.json";

uint32_t Crc32(std::string_view bytes) {
  return arrow::internal::crc32(0, bytes.data(), bytes.size());
}

nlohmann::json ToJson(const StoredPart& part) {
  nlohmann::json json{{"node", part.id.node},
                      {"state", part.id.state},
                      {"version", part.version},
                      {"subtask", part.subtask},
                      {"parallelism", part.parallelism},
                      {"max_parallelism", part.max_parallelism},
                      {"file", part.file},
                      {"offset", part.offset},
                      {"length", part.length},
                      {"crc32", part.crc32}};
  if (part.id.group) json["group"] = Raw(*part.id.group);
  return json;
}

StoredPart PartFromJson(const nlohmann::json& json) {
  StoredPart part;
  part.id.node = json.at("node");
  part.id.state = json.at("state");
  if (json.contains("group")) part.id.group = KeyGroup{json["group"].get<int32_t>()};
  part.version = json.at("version");
  part.subtask = json.at("subtask");
  part.parallelism = json.at("parallelism");
  part.max_parallelism = json.at("max_parallelism");
  part.file = json.at("file");
  part.offset = json.at("offset");
  part.length = json.at("length");
  part.crc32 = json.at("crc32");
  return part;
}

/// One file of parts, one after the other.
class PartsFile {
 public:
  static Result<PartsFile> Open(FileSystem& files, const std::string& folder, std::string name) {
    ARROW_ASSIGN_OR_RAISE(auto file, files.OpenOutput(folder + "/" + name, OpenMode::kTruncate));
    return PartsFile(std::move(name), std::move(file));
  }
  Status Add(StoredPart part, std::string_view bytes, std::vector<StoredPart>* parts) {
    part.file = name_;
    part.offset = offset_;
    part.length = static_cast<int64_t>(bytes.size());
    part.crc32 = Crc32(bytes);
    offset_ += part.length;
    ARROW_RETURN_NOT_OK(file_->Append(bytes));
    parts->push_back(std::move(part));
    return Status::OK();
  }
  Status Close() {
    ARROW_RETURN_NOT_OK(file_->Sync());
    return file_->Close();
  }

 private:
  PartsFile(std::string name, std::unique_ptr<OutputFile> file)
      : name_(std::move(name)), file_(std::move(file)) {}

  std::string name_;
  std::unique_ptr<OutputFile> file_;
  int64_t offset_ = 0;
};

Status WriteTask(FileSystem& files, const std::string& folder, const CheckpointContent::Task& task,
                 std::vector<StoredPart>* parts) {
  ARROW_ASSIGN_OR_RAISE(PartsFile file, PartsFile::Open(files, folder, task.file));
  std::string bytes;
  for (const PartId& id : task.snapshot->parts()) {
    ARROW_RETURN_NOT_OK(task.snapshot->Write(id, &bytes));
    const StoredPart part{id,
                          task.snapshot->version(id),
                          task.subtask,
                          task.parallelism,
                          task.max_parallelism,
                          {},
                          0,
                          0,
                          0};
    ARROW_RETURN_NOT_OK(file.Add(part, bytes, parts));
  }
  return file.Close();
}

/// The checkpoints of a folder that have a manifest, oldest first.
Result<std::vector<std::pair<int64_t, std::string>>> CompleteCheckpoints(
    FileSystem& files, const std::string& folder) {
  ARROW_ASSIGN_OR_RAISE(const auto found, files.List(folder));
  std::vector<std::pair<int64_t, std::string>> checkpoints;
  for (const FileInfo& file : found) {
    const std::string_view path = file.path;
    if (!path.ends_with(std::string("/") + std::string(kManifest))) continue;
    const std::string_view parent = path.substr(0, path.size() - kManifest.size() - 1);
    const std::string_view name = parent.substr(parent.rfind('/') + 1);
    if (!name.starts_with(kPrefix)) continue;
    int64_t id = 0;
    const char* end = name.data() + name.size();
    const auto parsed = std::from_chars(name.data() + kPrefix.size(), end, id);
    if (parsed.ec == std::errc() && parsed.ptr == end) checkpoints.emplace_back(id, parent);
  }
  std::sort(checkpoints.begin(), checkpoints.end());
  return checkpoints;
}

}  // namespace

Result<std::string> WriteCheckpoint(FileSystem& files, const std::string& folder,
                                    const CheckpointContent& content) {
  const std::string path = folder + "/" + std::string(kPrefix) + std::to_string(Raw(content.id));
  ARROW_RETURN_NOT_OK(files.CreateDirectories(path));
  std::vector<StoredPart> parts;
  for (const CheckpointContent::Task& task : content.tasks) {
    if (task.snapshot != nullptr) ARROW_RETURN_NOT_OK(WriteTask(files, path, task, &parts));
  }
  if (!content.finders.empty()) {
    ARROW_ASSIGN_OR_RAISE(PartsFile file, PartsFile::Open(files, path, "finders.bin"));
    for (const CheckpointContent::Finder& finder : content.finders) {
      const StoredPart part{
          {finder.node, std::string(kFinderState), std::nullopt}, 1, 0, 1, 1, {}, 0, 0, 0};
      ARROW_RETURN_NOT_OK(file.Add(part, finder.state, &parts));
    }
    ARROW_RETURN_NOT_OK(file.Close());
  }

  nlohmann::json json{
      {"format", Checkpoint::kFormat}, {"checkpoint", Raw(content.id)}, {"job", content.job}};
  json["parts"] = nlohmann::json::array();
  for (const StoredPart& part : parts) json["parts"].push_back(ToJson(part));
  const std::string manifest = path + "/" + std::string(kManifest);
  const std::string unfinished = manifest + ".new";
  ARROW_ASSIGN_OR_RAISE(auto file, files.OpenOutput(unfinished, OpenMode::kTruncate));
  ARROW_RETURN_NOT_OK(file->Append(json.dump(1)));
  ARROW_RETURN_NOT_OK(file->Sync());
  ARROW_RETURN_NOT_OK(file->Close());
  ARROW_RETURN_NOT_OK(files.Rename(unfinished, manifest));
  return path;
}

Result<Checkpoint> ReadCheckpoint(FileSystem& files, const std::string& path) {
  std::string folder = path;
  if (!files.Stat(folder + "/" + std::string(kManifest)).ok()) {
    ARROW_ASSIGN_OR_RAISE(const auto complete, CompleteCheckpoints(files, folder));
    if (complete.empty()) {
      return Error::User("'" + path + "' holds no complete checkpoint")
          .Hint(
              "give the folder of one checkpoint (it has a manifest.json) or the folder above it");
    }
    folder = complete.back().second;
  }
  const std::string manifest = folder + "/" + std::string(kManifest);
  ARROW_ASSIGN_OR_RAISE(const std::string text, ReadFile(files, manifest));
  Checkpoint checkpoint;
  checkpoint.path = folder;
  try {
    const auto json = nlohmann::json::parse(text);
    if (const int format = json.at("format"); format != Checkpoint::kFormat) {
      return Error::User("the checkpoint has format " + std::to_string(format) +
                         ", this version reads " + std::to_string(Checkpoint::kFormat))
          .In(manifest);
    }
    checkpoint.id = CheckpointId{json.at("checkpoint").get<int64_t>()};
    checkpoint.job = json.at("job");
    for (const auto& part : json.at("parts")) checkpoint.parts.push_back(PartFromJson(part));
  } catch (const nlohmann::json::exception& e) {
    return Error::Data(std::string("the manifest cannot be read: ") + e.what()).In(manifest);
  }
  return checkpoint;
}

Result<std::string> ReadPart(FileSystem& files, const Checkpoint& checkpoint,
                             const StoredPart& part) {
  const std::string path = checkpoint.path + "/" + part.file;
  ARROW_ASSIGN_OR_RAISE(const auto file, files.OpenInput(path));
  std::string bytes(static_cast<size_t>(part.length), '\0');
  ARROW_ASSIGN_OR_RAISE(const size_t read, file->ReadAt(part.offset, bytes));
  if (read != bytes.size() || Crc32(bytes) != part.crc32) {
    return Error::Data("the state '" + part.id.state + "' of '" + part.id.node +
                       "' is not what was written")
        .In(path)
        .Hint("the file was changed or cut; restore from another checkpoint");
  }
  return bytes;
}

Status RemoveOldCheckpoints(FileSystem& files, const std::string& folder, int keep) {
  ARROW_ASSIGN_OR_RAISE(auto complete, CompleteCheckpoints(files, folder));
  const size_t stay = std::min(complete.size(), static_cast<size_t>(std::max(keep, 1)));
  complete.resize(complete.size() - stay);
  for (const auto& [id, path] : complete) {
    // The manifest first: half a checkpoint must not look complete.
    ARROW_RETURN_NOT_OK(files.Remove(path + "/" + std::string(kManifest)));
    ARROW_ASSIGN_OR_RAISE(const auto parts, files.List(path));
    for (const FileInfo& part : parts) ARROW_RETURN_NOT_OK(files.Remove(part.path));
    ARROW_RETURN_NOT_OK(files.Remove(path));
  }
  return Status::OK();
}

}  // namespace millrace

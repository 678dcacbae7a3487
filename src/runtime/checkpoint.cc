#include "runtime/checkpoint.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <set>

#include <arrow/util/crc32.h>
#include <nlohmann/json.hpp>

namespace millrace {

namespace {

constexpr std::string_view kPrefix = "chk-";
constexpr std::string_view kManifest = "manifest.json";

uint32_t Crc32(std::string_view bytes) {
  return arrow::internal::crc32(0, bytes.data(), bytes.size());
}

std::string ManifestOf(const std::string& folder) { return folder + "/" + std::string(kManifest); }

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
                 const std::atomic<bool>& abandoned, std::vector<StoredPart>* parts) {
  ARROW_ASSIGN_OR_RAISE(PartsFile file, PartsFile::Open(files, folder, task.file));
  std::string bytes;
  for (const PartId& id : task.snapshot->parts()) {
    if (abandoned.load(std::memory_order_relaxed)) return Status::Cancelled("abandoned");
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

/// The id in "…/chk-<id>"; nothing for another folder.
std::optional<int64_t> IdOf(std::string_view folder) {
  const std::string_view name = folder.substr(folder.rfind('/') + 1);
  if (!name.starts_with(kPrefix)) return std::nullopt;
  int64_t id = 0;
  const char* end = name.data() + name.size();
  const auto parsed = std::from_chars(name.data() + kPrefix.size(), end, id);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return id;
}

std::string ParentOf(std::string_view path) { return std::string(path.substr(0, path.rfind('/'))); }

/// Without "..", so that it can be compared.
std::string PathOf(const std::string& checkpoint, const StoredPart& part) {
  if (!part.file.starts_with("../")) return checkpoint + "/" + part.file;
  return ParentOf(checkpoint) + part.file.substr(2);
}

/// The files of each checkpoint below a folder, by its id; complete ones have a manifest.
struct FoundCheckpoint {
  std::string path;
  std::vector<std::string> files;
  bool complete = false;
};
Result<std::map<int64_t, FoundCheckpoint>> CheckpointsIn(FileSystem& files,
                                                         const std::string& folder) {
  ARROW_ASSIGN_OR_RAISE(const auto found, files.List(folder));
  std::map<int64_t, FoundCheckpoint> checkpoints;
  for (const FileInfo& file : found) {
    const std::string parent = ParentOf(file.path);
    const auto id = IdOf(parent);
    if (!id || ParentOf(parent) != folder) continue;
    FoundCheckpoint& checkpoint = checkpoints[*id];
    checkpoint.path = parent;
    checkpoint.files.push_back(file.path);
    checkpoint.complete = checkpoint.complete || file.path == ManifestOf(parent);
  }
  return checkpoints;
}

/// All but a manifest.
Status WriteParts(FileSystem& files, const std::string& path, const CheckpointContent& content,
                  const std::atomic<bool>& abandoned, std::vector<StoredPart>* parts) {
  ARROW_RETURN_NOT_OK(files.CreateDirectories(path));
  for (const CheckpointContent::Task& task : content.tasks) {
    if (task.snapshot == nullptr) continue;
    ARROW_RETURN_NOT_OK(WriteTask(files, path, task, abandoned, parts));
  }
  if (content.finders.empty()) return Status::OK();
  ARROW_ASSIGN_OR_RAISE(PartsFile file, PartsFile::Open(files, path, "finders.bin"));
  for (const CheckpointContent::Finder& finder : content.finders) {
    const StoredPart part{
        {finder.node, std::string(kFinderState), std::nullopt}, 1, 0, 1, 1, {}, 0, 0, 0};
    ARROW_RETURN_NOT_OK(file.Add(part, finder.state, parts));
  }
  return file.Close();
}

nlohmann::json ManifestFor(const Checkpoint& checkpoint) {
  nlohmann::json json{
      {"format", Checkpoint::kFormat}, {"checkpoint", Raw(checkpoint.id)}, {"job", checkpoint.job}};
  json["parts"] = nlohmann::json::array();
  for (const StoredPart& part : checkpoint.parts) json["parts"].push_back(ToJson(part));
  json["crc32"] = Crc32(json.dump());
  return json;
}

Status WriteManifest(FileSystem& files, const Checkpoint& checkpoint) {
  const std::string manifest = ManifestOf(checkpoint.path);
  const std::string unfinished = manifest + ".new";
  ARROW_ASSIGN_OR_RAISE(auto file, files.OpenOutput(unfinished, OpenMode::kTruncate));
  ARROW_RETURN_NOT_OK(file->Append(ManifestFor(checkpoint).dump(1)));
  ARROW_RETURN_NOT_OK(file->Sync());
  ARROW_RETURN_NOT_OK(file->Close());
  return files.Rename(unfinished, manifest);
}

/// As far as it goes: what stays is removed with old checkpoints.
void RemoveUnfinished(FileSystem& files, const std::string& path) {
  const auto found = files.List(path);
  if (!found.ok()) return;
  for (const FileInfo& file : *found) (void)files.Remove(file.path);
  (void)files.Remove(path);
}

}  // namespace

int64_t Checkpoint::state_bytes() const {
  int64_t bytes = 0;
  for (const StoredPart& part : parts) bytes += part.length;
  return bytes;
}

std::string CheckpointPath(const std::string& folder, CheckpointId id) {
  return folder + "/" + std::string(kPrefix) + std::to_string(Raw(id));
}

Result<Checkpoint> WriteCheckpoint(FileSystem& files, const std::string& path,
                                   const CheckpointContent& content,
                                   const std::atomic<bool>& abandoned) {
  Checkpoint checkpoint{content.id, path, content.job, {}};
  Status status = WriteParts(files, path, content, abandoned, &checkpoint.parts);
  if (status.ok() && abandoned.load()) status = Status::Cancelled("abandoned");
  if (status.ok()) status = WriteManifest(files, checkpoint);
  if (status.ok()) return checkpoint;
  RemoveUnfinished(files, path);
  return status;
}

Result<std::vector<std::string>> FindCheckpoints(FileSystem& files, const std::string& path) {
  std::string folder = path;
  while (folder.size() > 1 && folder.ends_with('/')) folder.pop_back();
  if (files.Stat(ManifestOf(folder)).ok()) return std::vector<std::string>{folder};
  ARROW_ASSIGN_OR_RAISE(const auto found, CheckpointsIn(files, folder));
  std::vector<std::string> complete;
  for (auto each = found.rbegin(); each != found.rend(); ++each) {
    if (each->second.complete) complete.push_back(each->second.path);
  }
  if (!complete.empty()) return complete;
  return Error::User("'" + path + "' holds no complete checkpoint")
      .Hint("give the folder of one checkpoint (it has a manifest.json) or the folder above it");
}

Result<Checkpoint> ReadCheckpoint(FileSystem& files, const std::string& folder) {
  const std::string manifest = ManifestOf(folder);
  ARROW_ASSIGN_OR_RAISE(const std::string text, ReadFile(files, manifest));
  Checkpoint checkpoint;
  checkpoint.path = folder;
  try {
    auto json = nlohmann::json::parse(text);
    if (const int format = json.at("format"); format != Checkpoint::kFormat) {
      return Error::User("the checkpoint has format " + std::to_string(format) +
                         ", this version reads " + std::to_string(Checkpoint::kFormat))
          .In(manifest);
    }
    const uint32_t crc32 = json.at("crc32");
    json.erase("crc32");
    if (Crc32(json.dump()) != crc32) {
      return Error::Data("the manifest is not what was written").In(manifest);
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
  const std::string path = PathOf(checkpoint.path, part);
  std::string bytes(static_cast<size_t>(part.length), '\0');
  const Status read = [&]() -> Status {
    ARROW_ASSIGN_OR_RAISE(const auto file, files.OpenInput(path));
    ARROW_ASSIGN_OR_RAISE(const size_t got, file->ReadAt(part.offset, bytes));
    if (got == bytes.size() && Crc32(bytes) == part.crc32) return Status::OK();
    return Error::Data("it is not what was written");
  }();
  if (read.ok()) return bytes;
  const std::string group =
      part.id.group ? ", key group " + std::to_string(Raw(*part.id.group)) : std::string();
  return Error::Data("the state '" + part.id.state + "' of '" + part.id.node + "'" + group +
                     " cannot be read: " + read.message())
      .In(path)
      .Hint("the file was changed, cut or removed; restore from another checkpoint");
}

int64_t HighestCheckpoint(FileSystem& files, const std::string& folder) {
  const auto found = CheckpointsIn(files, folder);
  return found.ok() && !found->empty() ? found->rbegin()->first : 0;
}

Status RemoveOldCheckpoints(FileSystem& files, const std::string& folder, int keep) {
  ARROW_ASSIGN_OR_RAISE(auto found, CheckpointsIn(files, folder));
  int64_t newest = 0;
  std::set<std::string> needed;
  for (auto each = found.rbegin(); each != found.rend() && keep > 0; ++each) {
    FoundCheckpoint& checkpoint = each->second;
    if (!checkpoint.complete) continue;
    --keep;
    if (newest == 0) newest = each->first;
    needed.insert(checkpoint.files.begin(), checkpoint.files.end());
    const auto kept = ReadCheckpoint(files, checkpoint.path);
    if (!kept.ok()) continue;
    for (const StoredPart& part : kept->parts) {
      needed.insert(PathOf(checkpoint.path, part));
    }
  }
  for (const auto& [id, checkpoint] : found) {
    if (id >= newest) break;
    // The manifest first: half a checkpoint must not look complete.
    const std::string manifest = ManifestOf(checkpoint.path);
    if (checkpoint.complete && !needed.contains(manifest)) {
      ARROW_RETURN_NOT_OK(files.Remove(manifest));
    }
    bool empty = true;
    for (const std::string& file : checkpoint.files) {
      if (needed.contains(file)) {
        empty = false;
      } else if (file != manifest) {
        ARROW_RETURN_NOT_OK(files.Remove(file));
      }
    }
    if (empty) ARROW_RETURN_NOT_OK(files.Remove(checkpoint.path));
  }
  return Status::OK();
}

}  // namespace millrace

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
constexpr std::string_view kBeside = "../";

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
  if (part.id.everywhere) json["everywhere"] = true;
  return json;
}

StoredPart PartFromJson(const nlohmann::json& json) {
  StoredPart part;
  part.id.node = json.at("node");
  part.id.state = json.at("state");
  if (json.contains("group")) part.id.group = KeyGroup{json["group"].get<int32_t>()};
  part.id.everywhere = json.value("everywhere", false);
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

/// One file of parts, one after the other; made with the first.
class PartsFile {
 public:
  PartsFile(FileSystem& files, std::string folder, std::string name)
      : files_(files), folder_(std::move(folder)), name_(std::move(name)) {}

  Status Add(StoredPart part, std::string_view bytes, std::vector<StoredPart>* parts) {
    if (file_ == nullptr) {
      ARROW_ASSIGN_OR_RAISE(file_, files_.OpenOutput(folder_ + "/" + name_, OpenMode::kTruncate));
    }
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
    if (file_ == nullptr) return Status::OK();
    ARROW_RETURN_NOT_OK(file_->Sync());
    return file_->Close();
  }
  int64_t bytes() const { return offset_; }

 private:
  FileSystem& files_;
  const std::string folder_, name_;
  std::unique_ptr<OutputFile> file_;
  int64_t offset_ = 0;
};

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

/// Of a part's file. Without "..", so that it can be compared.
std::string PathOf(const std::string& checkpoint, const std::string& file) {
  if (!file.starts_with(kBeside)) return checkpoint + "/" + file;
  return ParentOf(checkpoint) + file.substr(2);
}

/// A file of a checkpoint, as the one beside it names it.
std::string BesideOf(const std::string& checkpoint, const std::string& file) {
  return std::string(kBeside) + checkpoint.substr(checkpoint.rfind('/') + 1) + "/" + file;
}

Status GivenUp() { return Status::Cancelled("the checkpoint was given up"); }

/// Writes the parts of a checkpoint, except those that the one before holds.
class PartsWriter {
 public:
  PartsWriter(FileSystem& files, const std::string& path, const CheckpointContent& content,
              const CheckpointClaim& claim)
      : files_(files), path_(path), content_(content), claim_(claim) {}

  Status Write(Checkpoint* checkpoint) {
    ARROW_RETURN_NOT_OK(files_.CreateDirectories(path_));
    FindUnchanged();
    for (const CheckpointContent::Task& task : content_.tasks) {
      if (task.snapshot != nullptr) ARROW_RETURN_NOT_OK(WriteTask(task, checkpoint));
    }
    return WriteFinders(checkpoint);
  }

 private:
  using Key = std::pair<PartId, int>;  ///< with the subtask

  /// What can be referred to, and is worth it.
  void FindUnchanged() {
    if (content_.base == nullptr) return;
    std::map<Key, const StoredPart*> stored;
    for (const StoredPart& part : content_.base->parts) stored[{part.id, part.subtask}] = &part;
    std::map<std::string, int64_t> live_bytes;
    for (const CheckpointContent::Task& task : content_.tasks) {
      if (task.snapshot == nullptr) continue;
      for (const PartId& id : task.snapshot->parts()) {
        const uint64_t version = task.snapshot->content_version(id);
        const auto before = stored.find({id, task.subtask});
        if (version == 0 || before == stored.end()) continue;
        if (before->second->content_version != version) continue;
        live_bytes[before->second->file] += before->second->length;
        unchanged_[before->first] = before->second;
      }
    }
    std::set<std::string> sparse;
    for (const auto& [file, live] : live_bytes) {
      const auto found = files_.Stat(PathOf(content_.base->path, file));
      if (!found.ok() || 2 * live < found->size) sparse.insert(file);
    }
    std::erase_if(unchanged_, [&](const auto& part) { return sparse.contains(part.second->file); });
  }

  Status WriteTask(const CheckpointContent::Task& task, Checkpoint* checkpoint) {
    PartsFile file(files_, path_, task.file);
    std::string bytes;
    for (const PartId& id : task.snapshot->parts()) {
      if (claim_.given_up()) return GivenUp();
      if (const auto same = unchanged_.find({id, task.subtask}); same != unchanged_.end()) {
        StoredPart part = *same->second;
        if (!part.file.starts_with(kBeside)) part.file = BesideOf(content_.base->path, part.file);
        checkpoint->parts.push_back(std::move(part));
        continue;
      }
      ARROW_RETURN_NOT_OK(task.snapshot->Write(id, &bytes));
      StoredPart part;
      part.id = id;
      part.version = task.snapshot->version(id);
      part.content_version = task.snapshot->content_version(id);
      part.subtask = task.subtask;
      part.parallelism = task.parallelism;
      part.max_parallelism = task.max_parallelism;
      ARROW_RETURN_NOT_OK(file.Add(std::move(part), bytes, &checkpoint->parts));
    }
    checkpoint->written_bytes += file.bytes();
    return file.Close();
  }

  Status WriteFinders(Checkpoint* checkpoint) {
    PartsFile file(files_, path_, "finders.bin");
    for (const CheckpointContent::Finder& finder : content_.finders) {
      StoredPart part;
      part.id = {finder.node, std::string(kFinderState), std::nullopt};
      part.max_parallelism = 1;
      ARROW_RETURN_NOT_OK(file.Add(std::move(part), finder.state, &checkpoint->parts));
    }
    checkpoint->written_bytes += file.bytes();
    return file.Close();
  }

  FileSystem& files_;
  const std::string& path_;
  const CheckpointContent& content_;
  const CheckpointClaim& claim_;
  std::map<Key, const StoredPart*> unchanged_;  ///< parts of the base
};

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
                                   const CheckpointContent& content, CheckpointClaim& claim) {
  Checkpoint checkpoint{content.id, path, content.job, {}, 0};
  Status status = PartsWriter(files, path, content, claim).Write(&checkpoint);
  if (status.ok() && !claim.Publish()) status = GivenUp();
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
  const std::string path = PathOf(checkpoint.path, part.file);
  std::string bytes(static_cast<size_t>(part.length), '\0');
  const Status read = [&]() -> Status {
    ARROW_ASSIGN_OR_RAISE(const auto file, files.OpenInput(path));
    ARROW_ASSIGN_OR_RAISE(const size_t got, file->ReadAt(part.offset, bytes));
    if (got == bytes.size() && Crc32(bytes) == part.crc32) return Status::OK();
    return Error::Data("it is not what was written");
  }();
  if (read.ok()) return bytes;
  // What may be read at the next try is not damaged: an older checkpoint would repeat rows.
  if (InfoOf(read).error_class == ErrorClass::kTransient) return read;
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

Status RemoveOldCheckpoints(FileSystem& files, const std::string& folder, CheckpointId newest,
                            int keep) {
  ARROW_ASSIGN_OR_RAISE(auto found, CheckpointsIn(files, folder));
  found.erase(found.upper_bound(Raw(newest)), found.end());
  int64_t last = 0;
  std::set<std::string> needed;
  for (auto each = found.rbegin(); each != found.rend() && keep > 0; ++each) {
    FoundCheckpoint& checkpoint = each->second;
    if (!checkpoint.complete) continue;
    --keep;
    if (last == 0) last = each->first;
    needed.insert(checkpoint.files.begin(), checkpoint.files.end());
    // While it cannot be read, nobody knows which files of older ones it needs.
    ARROW_ASSIGN_OR_RAISE(const Checkpoint kept, ReadCheckpoint(files, checkpoint.path));
    for (const StoredPart& part : kept.parts) {
      needed.insert(PathOf(checkpoint.path, part.file));
    }
  }
  for (const auto& [id, checkpoint] : found) {
    if (id >= last) break;
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

#include "sim/fake_disk.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include <fnmatch.h>

namespace millrace {

namespace {

class FakeInput final : public InputFile {
 public:
  explicit FakeInput(std::string bytes) : bytes_(std::move(bytes)) {}
  Result<size_t> ReadAt(int64_t offset, std::span<char> out) override {
    const auto from = std::min(static_cast<size_t>(offset), bytes_.size());
    const size_t length = std::min(out.size(), bytes_.size() - from);
    std::memcpy(out.data(), bytes_.data() + from, length);
    return length;
  }
  Result<int64_t> Size() override { return static_cast<int64_t>(bytes_.size()); }

 private:
  std::string bytes_;
};

}  // namespace

class FakeOutput final : public OutputFile {
 public:
  FakeOutput(FakeDisk& disk, std::string path, std::shared_ptr<FakeDisk::File> file)
      : disk_(disk), path_(std::move(path)), file_(std::move(file)) {}
  Status Append(std::string_view bytes) override {
    const bool fails = disk_.Fails(disk_.faults_.append_fails);
    if (fails || !disk_.power_.Use()) {
      file_->bytes += bytes.substr(0, bytes.size() / 2);
      return Error::Transient(fails ? "no space left on device" : "the power is lost").In(path_);
    }
    file_->bytes += bytes;
    return Status::OK();
  }
  Status Sync() override {
    ARROW_RETURN_NOT_OK(disk_.Try(path_));
    file_->synced = file_->bytes.size();
    file_->ever_synced = true;
    return Status::OK();
  }
  Status Close() override { return Status::OK(); }

 private:
  FakeDisk& disk_;
  std::string path_;
  std::shared_ptr<FakeDisk::File> file_;
};

bool FakeDisk::Fails(double probability) {
  if (probability <= 0 || faults_.most <= 0) return false;
  std::bernoulli_distribution fails(probability);
  if (!fails(random_)) return false;
  --faults_.most;
  return true;
}

Status FakeDisk::Try(const std::string& path) {
  if (!power_.Use()) return Error::Transient("the power is lost").In(path);
  if (Fails(faults_.other_fails)) return Error::Transient("input/output error").In(path);
  return Status::OK();
}

void FakeDisk::Put(const std::string& path, std::string_view content) {
  files_[path] = std::make_shared<File>(File{std::string(content), content.size(), true});
}

void FakeDisk::Crash() {
  for (auto file = files_.begin(); file != files_.end();) {
    File& each = *file->second;
    if (!each.ever_synced && random_() % 2 == 0) {
      file = files_.erase(file);
      continue;
    }
    each.bytes.resize(each.synced + random_() % (each.bytes.size() - each.synced + 1));
    ++file;
  }
}

Result<std::unique_ptr<InputFile>> FakeDisk::OpenInput(const std::string& path) {
  const auto file = files_.find(path);
  if (file == files_.end()) return Error::User("no such file").In(path);
  if (Fails(faults_.other_fails)) return Error::Transient("input/output error").In(path);
  return std::make_unique<FakeInput>(file->second->bytes);
}

Result<std::unique_ptr<OutputFile>> FakeDisk::OpenOutput(const std::string& path, OpenMode mode) {
  ARROW_RETURN_NOT_OK(Try(path));
  auto& file = files_[path];
  if (file != nullptr && mode == OpenMode::kCreateNew)
    return Error::User("the file exists").In(path);
  if (file == nullptr || mode == OpenMode::kTruncate) file = std::make_shared<File>();
  return std::make_unique<FakeOutput>(*this, path, file);
}

Result<FileInfo> FakeDisk::Stat(const std::string& path) {
  const auto file = files_.find(path);
  if (file == files_.end()) {
    const auto below = files_.lower_bound(path + "/");
    if (below != files_.end() && below->first.starts_with(path + "/")) {
      return FileInfo{path, 0, 0, true};
    }
    return Error::User("no such file").In(path);
  }
  return FileInfo{path, static_cast<int64_t>(file->second->bytes.size()), 0, false};
}

Result<std::vector<FileInfo>> FakeDisk::List(const std::string& pattern) {
  std::vector<FileInfo> found;
  for (const auto& [path, file] : files_) {
    const bool below =
        path.starts_with(pattern + "/") && path.find("/.", pattern.size()) == std::string::npos;
    if (path != pattern && !below &&
        fnmatch(pattern.c_str(), path.c_str(), FNM_PATHNAME | FNM_PERIOD) != 0) {
      continue;
    }
    found.push_back({path, static_cast<int64_t>(file->bytes.size()), 0, false});
  }
  return found;
}

Status FakeDisk::Rename(const std::string& from, const std::string& to) {
  const auto file = files_.find(from);
  if (file == files_.end()) return Error::User("no such file").In(from);
  if (Fails(faults_.other_fails)) return Error::Transient("input/output error").In(from);
  if (!power_.UseToComplete()) return Error::Transient("the power is lost").In(from);
  files_[to] = file->second;
  files_.erase(from);
  return Status::OK();
}

Status FakeDisk::Remove(const std::string& path) {
  if (!power_.Use()) return Error::Transient("the power is lost").In(path);
  files_.erase(path);
  return Status::OK();
}

}  // namespace millrace

#include "base/posix_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

#include <glob.h>

#include "base/posix_error.h"

namespace millrace {
namespace {

namespace fs = std::filesystem;

class FileDescriptor {
 public:
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&&) = delete;
  ~FileDescriptor() { Close(); }

  int get() const { return fd_; }
  /// 0 or errno. The descriptor is gone either way.
  int Close() {
    if (fd_ < 0) return 0;
    return ::close(std::exchange(fd_, -1)) == 0 ? 0 : errno;
  }

 private:
  int fd_;
};

Result<FileDescriptor> Open(const std::string& path, int flags, const char* action) {
  constexpr mode_t kMode = 0666;
  int fd;
  do {
    fd = ::open(path.c_str(), flags | O_CLOEXEC, kMode);
  } while (fd < 0 && errno == EINTR);
  if (fd < 0) return PosixError(errno, action, path);
  return FileDescriptor(fd);
}

/// Makes the creation or renaming of a file in `directory` durable.
Status SyncParent(const std::string& path) {
  std::string directory = fs::path(path).parent_path().string();
  if (directory.empty()) directory = ".";
  ARROW_ASSIGN_OR_RAISE(const auto fd,
                        Open(directory, O_RDONLY | O_DIRECTORY, "open the directory"));
  // Some file systems have nothing to sync in a directory, and say EINVAL.
  if (::fsync(fd.get()) != 0 && errno != EINVAL) {
    return PosixError(errno, "sync the directory", directory);
  }
  return Status::OK();
}

class PosixInput final : public InputFile {
 public:
  PosixInput(FileDescriptor fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

  Result<size_t> ReadAt(int64_t offset, std::span<char> out) override {
    size_t done = 0;
    while (done < out.size()) {
      const ssize_t n = ::pread(fd_.get(), out.data() + done, out.size() - done,
                                offset + static_cast<int64_t>(done));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return PosixError(errno, "read", path_);
      if (n == 0) break;
      done += static_cast<size_t>(n);
    }
    return done;
  }

  Result<int64_t> Size() override {
    struct stat info;
    if (::fstat(fd_.get(), &info) != 0) return PosixError(errno, "stat", path_);
    return info.st_size;
  }

 private:
  FileDescriptor fd_;
  std::string path_;
};

class PosixOutput final : public OutputFile {
 public:
  PosixOutput(FileDescriptor fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

  Status Append(std::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t n = ::write(fd_.get(), bytes.data(), bytes.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return PosixError(errno, "write", path_);
      bytes.remove_prefix(static_cast<size_t>(n));
    }
    return Status::OK();
  }

  Status Sync() override {
    // Pipes and terminals cannot be synced, and have nothing to lose.
    if (::fsync(fd_.get()) != 0 && errno != EINVAL) return PosixError(errno, "sync", path_);
    if (std::exchange(parent_synced_, true)) return Status::OK();
    return SyncParent(path_);
  }

  Status Close() override {
    const int error = fd_.Close();
    return error == 0 ? Status::OK() : PosixError(error, "close", path_);
  }

 private:
  FileDescriptor fd_;
  std::string path_;
  bool parent_synced_ = false;
};

FileInfo InfoFrom(const std::string& path, const struct stat& info) {
  const int64_t modified_us =
      int64_t{info.st_mtim.tv_sec} * 1'000'000 + info.st_mtim.tv_nsec / 1000;
  return {path, info.st_size, modified_us, S_ISDIR(info.st_mode)};
}

/// Adds a file, or the files below a directory.
Status AddFiles(const std::string& path, std::vector<FileInfo>* out) {
  struct stat info;
  if (::stat(path.c_str(), &info) != 0) {
    return errno == ENOENT ? Status::OK() : PosixError(errno, "stat", path);
  }
  if (!S_ISDIR(info.st_mode)) {
    out->push_back(InfoFrom(path, info));
    return Status::OK();
  }
  std::error_code error;
  fs::directory_iterator entries(path, error);
  for (; !error && entries != fs::directory_iterator(); entries.increment(error)) {
    if (entries->path().filename().string().starts_with('.')) continue;
    // A link to a directory may lead back here.
    std::error_code ignored;
    if (entries->is_symlink(ignored) && entries->is_directory(ignored)) continue;
    ARROW_RETURN_NOT_OK(AddFiles(entries->path().string(), out));
  }
  if (error && error.value() != ENOENT) return PosixError(error.value(), "list", path);
  return Status::OK();
}

struct GlobFailure {
  int error = 0;
  std::string path;
};
thread_local GlobFailure glob_failure;  // glob's callback takes no context

int OnGlobError(const char* path, int error) {
  if (error == ENOENT) return 0;
  glob_failure = {error, path};
  return 1;
}

Result<std::vector<std::string>> Glob(const std::string& pattern) {
  glob_t found{};
  const int outcome = ::glob(pattern.c_str(), 0, OnGlobError, &found);
  std::vector<std::string> paths(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  ::globfree(&found);
  switch (outcome) {
    case 0:
    case GLOB_NOMATCH:
      return paths;
    case GLOB_ABORTED:
      return PosixError(glob_failure.error, "list", glob_failure.path);
    default:
      return PosixError(ENOMEM, "list", pattern);
  }
}

class PosixFiles final : public FileSystem {
 public:
  Result<std::unique_ptr<InputFile>> OpenInput(const std::string& path) override {
    ARROW_ASSIGN_OR_RAISE(auto fd, Open(path, O_RDONLY, "open"));
    struct stat info;
    if (::fstat(fd.get(), &info) == 0 && S_ISDIR(info.st_mode))
      return PosixError(EISDIR, "open", path);
    return std::make_unique<PosixInput>(std::move(fd), path);
  }

  Result<std::unique_ptr<OutputFile>> OpenOutput(const std::string& path, OpenMode mode) override {
    int flags = O_WRONLY | O_CREAT;
    switch (mode) {
      case OpenMode::kTruncate:
        flags |= O_TRUNC;
        break;
      case OpenMode::kAppend:
        flags |= O_APPEND;
        break;
      case OpenMode::kCreateNew:
        flags |= O_EXCL;
        break;
    }
    ARROW_ASSIGN_OR_RAISE(auto fd, Open(path, flags, "open for writing"));
    return std::make_unique<PosixOutput>(std::move(fd), path);
  }

  Result<FileInfo> Stat(const std::string& path) override {
    struct stat info;
    if (::stat(path.c_str(), &info) != 0) return PosixError(errno, "stat", path);
    return InfoFrom(path, info);
  }

  Result<std::vector<FileInfo>> List(const std::string& pattern) override {
    std::vector<FileInfo> files;
    struct stat info;
    if (::stat(pattern.c_str(), &info) == 0) {
      ARROW_RETURN_NOT_OK(AddFiles(pattern, &files));
    } else if (errno == ENOENT && pattern.find_first_of("*?[") != std::string::npos) {
      ARROW_ASSIGN_OR_RAISE(const auto paths, Glob(pattern));
      for (const auto& path : paths) ARROW_RETURN_NOT_OK(AddFiles(path, &files));
    } else {
      return PosixError(errno, "list", pattern);
    }
    std::sort(files.begin(), files.end(),
              [](const FileInfo& a, const FileInfo& b) { return a.path < b.path; });
    return files;
  }

  Status CreateDirectories(const std::string& path) override {
    std::error_code error;
    fs::create_directories(path, error);
    return error ? PosixError(error.value(), "create the directory", path) : Status::OK();
  }

  Status Rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) {
      const int error = errno;
      struct stat info;
      const bool source_missing = error == ENOENT && ::stat(from.c_str(), &info) != 0;
      return source_missing ? PosixError(error, "rename", from)
                            : PosixError(error, "rename '" + from + "' to", to);
    }
    return SyncParent(to);
  }

  Status Remove(const std::string& path) override {
    if (::remove(path.c_str()) != 0) return PosixError(errno, "remove", path);
    return Status::OK();
  }
};

}  // namespace

std::unique_ptr<FileSystem> MakePosixFileSystem() { return std::make_unique<PosixFiles>(); }

}  // namespace millrace

#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace millrace {

/// Positioned reads; thread-safe.
class InputFile {
 public:
  virtual ~InputFile() = default;
  /// Fills `out` from `offset`; fewer bytes only at the end of the file.
  virtual Result<size_t> ReadAt(int64_t offset, std::span<char> out) = 0;
  virtual Result<int64_t> Size() = 0;
};

/// Sequential writes by one thread. Bytes are durable after `Sync`, not before.
class OutputFile {
 public:
  virtual ~OutputFile() = default;
  virtual Status Append(std::string_view bytes) = 0;
  virtual Status Sync() = 0;
  virtual Status Close() = 0;
};

enum class OpenMode { kTruncate, kAppend, kCreateNew };

struct FileInfo {
  std::string path;
  int64_t size = 0;
  int64_t modified_us = 0;
  bool is_directory = false;
};

/// Files by path; thread-safe. Calls may block: not for a worker's thread except for short local
/// reads and writes. Errors name the path and what the system said; `ErrorInfo::system_error` tells
/// them apart.
class FileSystem {
 public:
  virtual ~FileSystem() = default;
  virtual Result<std::unique_ptr<InputFile>> OpenInput(const std::string& path) = 0;
  virtual Result<std::unique_ptr<OutputFile>> OpenOutput(const std::string& path,
                                                         OpenMode mode) = 0;
  virtual Result<FileInfo> Stat(const std::string& path) = 0;
  /// The files that `pattern` names, sorted: a file, a directory (its files, recursively, hidden
  /// ones left out), or a glob of those (`*`, `?`, `[a-z]` within a name), which may match none.
  /// Files that vanish meanwhile are left out.
  virtual Result<std::vector<FileInfo>> List(const std::string& pattern) = 0;
  virtual Status CreateDirectories(const std::string& path) = 0;
  /// Atomic within one file system, and durable; replaces `to` where it exists.
  virtual Status Rename(const std::string& from, const std::string& to) = 0;
  /// A file or an empty directory.
  virtual Status Remove(const std::string& path) = 0;
};

/// The whole of a small file.
Result<std::string> ReadFile(FileSystem& files, const std::string& path);

}  // namespace millrace

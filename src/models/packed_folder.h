#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include <arrow/type_fwd.h>

#include "base/env.h"
#include "base/error.h"

namespace millrace {

// A model of several files as bytes, so that it travels and is kept as one: an Arrow IPC file with
// a row for each, of its name below the folder and what is in it. All may block.

/// A user error where the files have more than `most_bytes`; they are not read then.
Result<std::shared_ptr<arrow::Buffer>> PackFolder(FileSystem& files, const std::string& path,
                                                  int64_t most_bytes);
bool IsPackedFolder(std::string_view bytes);

/// The files again, in a folder of their own that goes with the object.
class UnpackedFolder {
 public:
  /// A data error where the bytes are damaged, or a name leads out of the folder.
  static Result<std::unique_ptr<UnpackedFolder>> Make(std::string_view bytes, Env& env);
  ~UnpackedFolder();
  UnpackedFolder(const UnpackedFolder&) = delete;
  UnpackedFolder& operator=(const UnpackedFolder&) = delete;

  const std::string& path() const { return path_; }

 private:
  UnpackedFolder(FileSystem& files, std::string path) : files_(files), path_(std::move(path)) {}
  Status Write(const std::string& name, std::string_view content);

  FileSystem& files_;
  const std::string path_;
  std::set<std::string> made_;  ///< in this order folders are before what is in them
};

}  // namespace millrace

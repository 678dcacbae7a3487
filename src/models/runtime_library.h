#pragma once

#include <string>

#include "base/error.h"

namespace millrace {

/// A runtime for models that comes as a shared library: how it is named and found.
struct RuntimeLibraryInfo {
  std::string name;      ///< "ONNX Runtime"
  std::string variable;  ///< of the environment; names the file where the option does not
  std::string fallback;  ///< a file, or a name that the loader finds
  std::string package;   ///< for pip
  int flags = 0;         ///< beyond RTLD_NOW | RTLD_LOCAL
};

/// Opened for the life of the process: its threads must not end while statics are destroyed.
class RuntimeLibrary {
 public:
  /// `path` empty: see `RuntimeLibraryInfo`.
  static Result<RuntimeLibrary> Open(const RuntimeLibraryInfo& info, const std::string& path);
  /// The file that `Open` would take.
  static std::string PathOf(const RuntimeLibraryInfo& info, const std::string& path);

  template <class Function>
  Status Find(const char* symbol, Function** function) const {
    ARROW_ASSIGN_OR_RAISE(void* address, Find(symbol));
    *function = reinterpret_cast<Function*>(address);
    return Status::OK();
  }

 private:
  Result<void*> Find(const char* symbol) const;

  RuntimeLibraryInfo info_;
  std::string path_;
  void* handle_ = nullptr;
};

}  // namespace millrace

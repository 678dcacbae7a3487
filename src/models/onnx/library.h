#pragma once

#include <string>

#include <onnxruntime_c_api.h>

#include "base/error.h"

namespace millrace {

/// ONNX Runtime, opened on first use and kept: its API and its one environment of the process.
/// Thread-safe.
class OnnxLibrary {
 public:
  /// `path` empty: that of MILLRACE_ONNXRUNTIME, else the one that the build found, else what the
  /// loader finds.
  static Result<const OnnxLibrary*> Get(const std::string& path);

  const OrtApi& api() const { return *api_; }
  const OrtEnv& env() const { return *env_; }
  /// The failure's text; releases the status.
  std::string TextOf(OrtStatus* status) const;

 private:
  static Result<const OnnxLibrary*> Open(const std::string& path);

  const OrtApi* api_ = nullptr;
  OrtEnv* env_ = nullptr;
};

}  // namespace millrace

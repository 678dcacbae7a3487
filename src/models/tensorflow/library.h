#pragma once

#include <string>
#include <type_traits>

#include "base/error.h"
#include "models/tensorflow/c_api.h"

namespace millrace {

/// TensorFlow, opened on first use and kept: the functions of its C API. Thread-safe.
struct TensorFlowLibrary {
  /// `path` empty: that of MILLRACE_TENSORFLOW, else what the loader finds.
  static Result<const TensorFlowLibrary*> Get(const std::string& path);

#define MILLRACE_DECLARE(name, ...) std::type_identity_t<__VA_ARGS__>* name = nullptr;
  MILLRACE_TENSORFLOW_FUNCTIONS(MILLRACE_DECLARE)
#undef MILLRACE_DECLARE
};

}  // namespace millrace

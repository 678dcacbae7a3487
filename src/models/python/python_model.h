#pragma once

#include <string>

#include "spi/model.h"

namespace millrace {

struct PythonOptions {
  std::string path, function;
  std::string interpreter;
  int processes = 1;  ///< requests that run at a time
  int64_t timeout_us = 0;
};

/// A function of a Python file over Arrow batches, in processes of its own: one that ends takes a
/// request along, which is tried again in parts until the row at fault is alone. Starts the first
/// process. The version is the file's SHA-256. May block.
Result<ModelLease> LoadPythonModel(const ModelConfig& config, const PythonOptions& options,
                                   Env& env);

}  // namespace millrace

#pragma once

#include <cstdint>
#include <string>

#include "base/files.h"

namespace millrace {

/// What is in the file of a model; `hint` tells what its path should be. May block. A fault of the
/// disk is a transient error, a file that is not there the user's.
Result<std::string> ReadModelFile(FileSystem& files, const std::string& path, std::string hint);

/// A user error where a model of a stream is larger than its 'max-model-size'.
Status CheckModelSize(int64_t bytes, int64_t most_bytes);

}  // namespace millrace

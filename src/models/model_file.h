#pragma once

#include <string>

#include "base/files.h"

namespace millrace {

/// What is in the file of a model; `hint` tells what its path should be. May block. A fault of the
/// disk is a transient error, a file that is not there the user's.
Result<std::string> ReadModelFile(FileSystem& files, const std::string& path, std::string hint);

}  // namespace millrace

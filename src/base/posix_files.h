#pragma once

#include <memory>

#include "base/files.h"

namespace millrace {

/// The files of this machine.
std::unique_ptr<FileSystem> MakePosixFileSystem();

}  // namespace millrace

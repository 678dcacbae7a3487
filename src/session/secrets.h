#pragma once

#include <memory>
#include <string>

#include "base/files.h"
#include "spi/services.h"

namespace millrace {

/// Secrets from the environment, MILLRACE_SECRET_<NAME> with NAME in upper case and '_' for what is
/// not a letter or digit; else from the file `name` in `directory` (its last line break is not part
/// of it). An empty directory: none.
std::unique_ptr<SecretProvider> MakeSecretProvider(FileSystem& files, std::string directory);

}  // namespace millrace

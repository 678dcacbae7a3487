#pragma once

#include <string>
#include <string_view>

#include "spi/services.h"

namespace millrace {

/// The text with each ${SECRET:name} replaced by its value, and $$ by $ (T10). A user error names
/// an unknown secret.
Result<std::string> WithSecrets(std::string_view text, const SecretProvider& secrets);

}  // namespace millrace

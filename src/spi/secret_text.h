#pragma once

#include <string>
#include <string_view>

#include "spi/services.h"

namespace millrace {

/// The text with each ${SECRET:name} replaced by its value, and $$ by $ (T10). A user error names
/// an unknown secret.
Result<std::string> WithSecrets(std::string_view text, const SecretProvider& secrets);

/// A user error at the first option that refers to an unknown secret.
Status CheckSecrets(const std::map<std::string, std::string>& options,
                    const SecretProvider& secrets, const OptionPositions& positions);

/// As `ResolveTable`, with the secrets in the options: to open the table with, never to be shown.
Result<ResolvedTable> ResolveWithSecrets(Services& services, const TableConfig& table);

}  // namespace millrace

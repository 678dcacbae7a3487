#pragma once

#include <map>
#include <string>

#include "catalog/objects.h"
#include "spi/services.h"

namespace millrace {

using OptionTexts = std::map<std::string, std::string>;

/// The options as written, secrets redacted; all of them where they do not fit their specs any more
/// (a file is gone), for what is a secret is not known then.
OptionTexts RedactedOptions(const Registries& registries, const Table& table);
OptionTexts RedactedOptions(const Registries& registries, const Model& model);

}  // namespace millrace

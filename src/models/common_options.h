#pragma once

#include "spi/model.h"

namespace millrace {

/// What a model may be told whatever its provider: how drift is looked for, and what happens to
/// rows that fail. Errors name the option.
void AddCommonOptions(ModelProviderSpec* spec);
Status CheckCommonOptions(const ModelConfig& config, const Options& options, Services& services);

}  // namespace millrace

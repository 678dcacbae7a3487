#pragma once

#include "spi/services.h"

namespace millrace {

/// Adds all providers of this folder.
void RegisterModelProviders(Registry<ModelProviderSpec>& providers);

}  // namespace millrace

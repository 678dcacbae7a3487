#pragma once

#include "base/options.h"
#include "spi/model.h"
#include "spi/services.h"

namespace millrace {

/// The model that the options name. Asks the server; blocks.
Result<ModelLease> MakeTritonModel(const ModelConfig& config, const Options& options,
                                   Services& services);

}  // namespace millrace

#pragma once

#include "base/options.h"
#include "net/http.h"
#include "spi/model.h"
#include "spi/services.h"

namespace millrace {

/// The model that the options name, through `client`, which outlives it. Asks the server; blocks.
Result<ModelLease> MakeTritonModel(const ModelConfig& config, const Options& options,
                                   HttpClient& client, Services& services);

}  // namespace millrace

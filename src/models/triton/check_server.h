#pragma once

#include <vector>

#include "base/options.h"
#include "models/check_model.h"

namespace millrace {

/// The steps of `CheckModel` up to the model's readiness on its server. Blocks.
std::vector<CheckStep> CheckServer(const ModelConfig& declared, const Options& options,
                                   Services& services);

}  // namespace millrace

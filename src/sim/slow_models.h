#pragma once

#include <memory>

#include "sim/sim_env.h"
#include "spi/model.h"

namespace millrace {

/// How long models take to answer, as servers do.
struct ModelDelays {
  bool any = false;     ///< false: models answer as they are
  int64_t most_us = 0;  ///< of most calls
  double lost = 0;      ///< share of the calls whose answer comes only after it was asked for again
};

/// The models of `models`, answering later and in another order, as on a server.
std::unique_ptr<ModelRuntime> MakeSlowModels(std::unique_ptr<ModelRuntime> models, SimEnv& env,
                                             ModelDelays delays);

}  // namespace millrace

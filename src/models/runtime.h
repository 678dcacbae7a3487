#pragma once

#include <memory>

#include "spi/services.h"

namespace millrace {

/// The models of a process. Definitions that are equal share one loaded model, also between jobs;
/// one that no lease holds any more is freed when the next is loaded. A failed load is remembered
/// and tried again by the first `WhenReady` after a pause of 1 s, doubled each time up to 1 min.
/// `services` outlives the runtime.
std::unique_ptr<ModelRuntime> MakeModelRuntime(Services& services);

}  // namespace millrace

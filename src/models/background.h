#pragma once

#include <functional>

#include "base/env.h"
#include "spi/model.h"

namespace millrace {

// What swaps of models must not do to the threads that score: take their cores, or their time.

/// Works on a thread of its own that yields to all others, and waits for it: a thread could not
/// take its priority back.
void AtLowPriority(const std::function<void()>& work);

/// The model, whose last lease frees it on another thread: a large one takes milliseconds. `env`
/// outlives the lease.
ModelLease FreedElsewhere(ModelLease model, Env& env);

}  // namespace millrace

#pragma once

#include "base/options.h"
#include "spi/model.h"

namespace millrace {

/// 'warm-up', which every provider takes whose models a job loads when it starts (T14).
OptionSpec WarmUpOption();
/// Whether a model with these options is warmed up: never one that keeps state by sequence.
bool WantsWarmUp(const Options& options);

/// Scores a row of zeros and empty texts: the first run of a runtime, and the first request to a
/// server, are the slowest. `done` comes once, on any thread; at a server within 10 s. A row that
/// fails is no fault of the model, which may want other values.
void WarmUp(const ModelConfig& config, const ModelLease& model, Env& env, PredictDone done);

}  // namespace millrace

#pragma once

#include <functional>
#include <vector>

#include "base/options.h"
#include "spi/model.h"

namespace millrace {

/// 'drift-rows' and 'drift-reference', which every provider takes (M10).
std::vector<OptionSpec> DriftOptions();

/// For `ModelProviderSpec::describe`: a user error where the rows of reference cannot be read.
Status CheckDriftOptions(const ModelConfig& config, const Options& options, Services& services);

/// The model, comparing what it takes and gives with its reference, as `spi/model_drift.h` tells.
/// The reference is the file's rows, which the model scores now, or else the first 'drift-rows'
/// rows that it scores. `done` comes once, on any thread: with `model` itself where the options ask
/// for nothing or it has no version, and with an error where a call over the file's rows fails.
void WithDrift(ModelLease model, const ModelConfig& config, const Options& options,
               Services& services, std::function<void(Result<ModelLease>)> done);

}  // namespace millrace

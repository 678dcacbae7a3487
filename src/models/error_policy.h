#pragma once

#include <vector>

#include "base/options.h"
#include "spi/model.h"

namespace millrace {

/// 'on-error' and 'default-value', which every provider takes: what becomes of the rows that a
/// model cannot score (T8).
std::vector<OptionSpec> ErrorPolicyOptions();

/// For `ModelProviderSpec::describe`: a user error where the options contradict each other or the
/// declared outputs.
Status CheckErrorPolicy(const ModelConfig& config, const Options& options);

/// For `ModelProviderSpec::load`: the model, its failed rows treated as the options say.
Result<ModelLease> WithErrorPolicy(ModelLease model, const ModelConfig& config,
                                   const Options& options);

}  // namespace millrace

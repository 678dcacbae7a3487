#include "models/common_options.h"

#include "models/drift.h"
#include "models/error_policy.h"

namespace millrace {

void AddCommonOptions(ModelProviderSpec* spec) {
  for (OptionSpec& option : DriftOptions()) spec->options.push_back(std::move(option));
  for (OptionSpec& option : ErrorPolicyOptions()) spec->options.push_back(std::move(option));
}

Status CheckCommonOptions(const ModelConfig& config, const Options& options, Services& services) {
  ARROW_RETURN_NOT_OK(CheckErrorPolicy(config, options));
  return CheckDriftOptions(config, options, services);
}

}  // namespace millrace

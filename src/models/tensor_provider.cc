#include "models/tensor_provider.h"

#include "models/warm_up.h"

namespace millrace {

TensorModelOptions ReadTensorModelOptions(const Options& options) {
  return {.path = options.String("path"),
          .library = options.String("library"),
          .intra_op_threads = static_cast<int>(options.Int("intra-op-threads")),
          .max_batch = options.Int("max-batch-size")};
}

void AddTensorModelOptions(ModelProviderSpec* spec, const std::string& path,
                           const std::string& library) {
  spec->options.insert(spec->options.begin(), {.key = "path", .doc = path, .required = true});
  spec->options.push_back({.key = "intra-op-threads",
                           .type = OptionType::kInt,
                           .default_value = "1",
                           .doc = "Threads that one run may use.",
                           .min = 1,
                           .max = 256});
  spec->options.push_back({.key = "max-batch-size",
                           .type = OptionType::kInt,
                           .default_value = "0",
                           .doc = "Most rows per run; 0: a whole batch.",
                           .min = 0});
  spec->options.push_back({.key = "library", .doc = library});
  spec->options.push_back(WarmUpOption());
  AddCommonOptions(spec);
}

}  // namespace millrace

#include "models/python/provider.h"

#include "models/common_options.h"
#include "models/error_policy.h"
#include "models/python/python_model.h"
#include "models/warm_up.h"
#include "spi/services.h"

namespace millrace {
namespace {

Result<ModelLease> Load(const ModelConfig& config, const Options& options, Services& services) {
  PythonOptions python;
  python.path = options.String("path");
  python.function = options.String("function");
  python.interpreter = options.String("python");
  python.processes = static_cast<int>(options.Int("processes"));
  python.timeout_us = options.DurationMicros("timeout");
  return LoadPythonModel(config, python, services.env());
}

Result<ModelSignature> DescribePython(const ModelConfig& config, const Options& options,
                                      Services& services) {
  if (config.input.size() == 0 || config.output.size() == 0) {
    ModelSignature signature;
    signature.as_declared = true;
    return signature;
  }
  ARROW_ASSIGN_OR_RAISE(const auto model, Load(config, options, services));
  ARROW_RETURN_NOT_OK(CheckCommonOptions(config, options, services));
  return model->signature();
}

Result<ModelLease> LoadPython(const ModelConfig& config, const Options& options,
                              Services& services) {
  ARROW_ASSIGN_OR_RAISE(auto model, Load(config, options, services));
  return WithErrorPolicy(std::move(model), config, options);
}

}  // namespace

ModelProviderSpec PythonProvider() {
  ModelProviderSpec spec;
  spec.name = "python";
  spec.doc =
      "A function of a Python file, in a process of its own. It takes a pyarrow.RecordBatch of the "
      "columns of INPUT, whose values may be NULL, and returns those of OUTPUT: a RecordBatch, a "
      "Table, a DataFrame or a dict of arrays by name, or one array. Where it raises, or its "
      "process ends, the rows at fault are found and fail alone. The Python needs pyarrow.";
  spec.example =
      "CREATE MODEL clip INPUT (v DOUBLE) OUTPUT (clipped DOUBLE)\n"
      "  WITH ('provider' = 'python', 'path' = 'models/clip.py', 'function' = 'clip')";
  spec.options = {
      {.key = "path", .doc = "The Python file.", .required = true},
      {.key = "function", .default_value = "predict", .doc = "The function's name."},
      {.key = "python", .default_value = "python3", .doc = "The interpreter."},
      {.key = "processes",
       .type = OptionType::kInt,
       .default_value = "1",
       .doc = "Requests that run at a time, each in a process.",
       .min = 1,
       .max = 256},
      {.key = "timeout",
       .type = OptionType::kDuration,
       .default_value = "30 s",
       .doc = "Most time of one request; then its rows fail and the process is ended."},
  };
  spec.options.push_back(WarmUpOption());
  AddCommonOptions(&spec);
  spec.describe = DescribePython;
  spec.load = LoadPython;
  return spec;
}

}  // namespace millrace

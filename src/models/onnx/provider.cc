#include "models/onnx/provider.h"

#include "models/drift.h"
#include "models/error_policy.h"
#include "models/local_model.h"
#include "models/onnx/onnx_model.h"
#include "models/warm_up.h"
#include "spi/services.h"

namespace millrace {
namespace {

OnnxOptions OnnxOptionsOf(const Options& options) {
  OnnxOptions onnx;
  onnx.path = options.String("path");
  onnx.library = options.String("library");
  onnx.intra_op_threads = static_cast<int>(options.Int("intra-op-threads"));
  onnx.max_batch = options.Int("max-batch-size");
  return onnx;
}

Result<std::shared_ptr<TensorModel>> LoadOnnx(const Options& options, Services& services) {
  return LoadOnnxModel(OnnxOptionsOf(options), services.env().files());
}

Result<ModelSignature> DescribeOnnx(const ModelConfig& config, const Options& options,
                                    Services& services) {
  ARROW_ASSIGN_OR_RAISE(const auto model, LoadOnnx(options, services));
  ARROW_RETURN_NOT_OK(CheckErrorPolicy(config, options));
  ARROW_RETURN_NOT_OK(CheckDriftOptions(config, options, services));
  return model->signature();
}

Result<ModelLease> LoadOnnx(const ModelConfig& config, const Options& options, Services& services) {
  ARROW_ASSIGN_OR_RAISE(auto model, LoadOnnx(options, services));
  ARROW_ASSIGN_OR_RAISE(auto local, MakeLocalModel(config, std::move(model)));
  return WithErrorPolicy(std::move(local), config, options);
}

Result<ModelLease> LoadOnnxBytes(const ModelConfig& config, const std::string& bytes,
                                 const Options& options, Services&) {
  ARROW_ASSIGN_OR_RAISE(auto model, LoadOnnxModel(OnnxOptionsOf(options), bytes));
  return MakeLocalModel(config, std::move(model));
}

}  // namespace

ModelProviderSpec OnnxProvider() {
  ModelProviderSpec spec;
  spec.name = "onnx";
  spec.doc = "A model in the process, run by ONNX Runtime on the worker's own thread.";
  spec.example =
      "CREATE MODEL quality INPUT (acidity FLOAT, alcohol FLOAT) OUTPUT (score FLOAT)\n"
      "  WITH ('provider' = 'onnx', 'path' = 'models/quality.onnx')";
  spec.options = {
      {.key = "path", .doc = "File of the model.", .required = true},
      {.key = "intra-op-threads",
       .type = OptionType::kInt,
       .default_value = "1",
       .doc = "Threads that one run may use.",
       .min = 1,
       .max = 256},
      {.key = "max-batch-size",
       .type = OptionType::kInt,
       .default_value = "0",
       .doc = "Most rows per run; 0: a whole batch.",
       .min = 0},
      {.key = "library",
       .doc = "File of ONNX Runtime's library; else MILLRACE_ONNXRUNTIME, else the build's own."},
  };
  spec.options.push_back(WarmUpOption());
  for (OptionSpec& option : DriftOptions()) spec.options.push_back(std::move(option));
  for (OptionSpec& option : ErrorPolicyOptions()) spec.options.push_back(std::move(option));
  spec.describe = DescribeOnnx;
  spec.load = LoadOnnx;
  spec.load_bytes = LoadOnnxBytes;
  return spec;
}

}  // namespace millrace

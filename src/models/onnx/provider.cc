#include "models/onnx/provider.h"

#include "models/onnx/onnx_model.h"
#include "models/tensor_provider.h"
#include "models/warm_up.h"

namespace millrace {
namespace {

struct OnnxRuntime {
  static OnnxOptions Read(const Options& options) {
    OnnxOptions onnx;
    onnx.path = options.String("path");
    onnx.library = options.String("library");
    onnx.intra_op_threads = static_cast<int>(options.Int("intra-op-threads"));
    onnx.max_batch = options.Int("max-batch-size");
    return onnx;
  }
  static auto Open(const Options& options, FileSystem& files) {
    return LoadOnnxModel(Read(options), files);
  }
  static auto Open(const Options& options, std::string_view bytes) {
    return LoadOnnxModel(Read(options), bytes);
  }
};

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
  AddCommonOptions(&spec);
  LoadTensorModelsWith<OnnxRuntime>(&spec);
  return spec;
}

}  // namespace millrace

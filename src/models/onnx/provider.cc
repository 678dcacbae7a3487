#include "models/onnx/provider.h"

#include "models/onnx/onnx_model.h"
#include "models/tensor_provider.h"

namespace millrace {
namespace {

struct OnnxRuntime {
  static auto Open(const Options& options, FileSystem& files) {
    return LoadOnnxModel(ReadTensorModelOptions(options), files);
  }
  static auto Open(const Options& options, std::string_view bytes, Env& /*env*/) {
    return LoadOnnxModel(ReadTensorModelOptions(options), bytes);
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
  AddTensorModelOptions(
      &spec, "File of the model.",
      "File of ONNX Runtime's library; else MILLRACE_ONNXRUNTIME, else the build's own.");
  LoadTensorModelsWith<OnnxRuntime>(&spec);
  return spec;
}

}  // namespace millrace

#include "models/tensorflow/provider.h"

#include "models/packed_folder.h"
#include "models/tensor_provider.h"
#include "models/tensorflow/tensorflow_model.h"

namespace millrace {
namespace {

struct TensorFlowRuntime {
  static TensorFlowOptions Read(const Options& options) {
    TensorFlowOptions tensorflow{ReadTensorModelOptions(options)};
    tensorflow.signature = options.String("signature");
    tensorflow.tag = options.String("tag");
    tensorflow.inputs = ParseNames(options.String("inputs"));
    tensorflow.outputs = ParseNames(options.String("outputs"));
    return tensorflow;
  }
  static auto Open(const Options& options, FileSystem& files) {
    return LoadTensorFlowModel(Read(options), files);
  }
  /// Of a frozen graph, or of the files of a SavedModel.
  static Result<std::shared_ptr<TensorModel>> Open(const Options& options, std::string_view bytes,
                                                   Env& env) {
    TensorFlowOptions tensorflow = Read(options);
    if (!IsPackedFolder(bytes)) return LoadFrozenGraph(tensorflow, bytes);
    ARROW_ASSIGN_OR_RAISE(const auto folder, UnpackedFolder::Make(bytes, env));
    tensorflow.path = folder->path();
    return LoadTensorFlowModel(tensorflow, env.files());
  }
};

}  // namespace

ModelProviderSpec TensorFlowProvider() {
  ModelProviderSpec spec;
  spec.name = "tensorflow";
  spec.doc =
      "A TensorFlow graph in the process, run on the worker's own thread: a SavedModel's folder or "
      "a frozen graph's file. TensorFlow's library is opened when the first such model is defined "
      "(pip install tensorflow-cpu; libtensorflow_cc.so.2 of its folder `tensorflow`).";
  spec.example =
      "CREATE MODEL quality\n"
      "  WITH ('provider' = 'tensorflow', 'path' = 'models/wine/1', 'signature' = 'predict')";
  spec.options = {
      {.key = "signature",
       .doc = "Signature of a SavedModel; by default `serving_default`, else its only one."},
      {.key = "tag", .default_value = "serve", .doc = "Tag of a SavedModel's graph."},
      {.key = "inputs",
       .doc = "Tensors of a frozen graph to feed, comma-separated; by default its placeholders."},
      {.key = "outputs",
       .doc = "Tensors of a frozen graph to fetch; by default what no operation consumes."},
  };
  AddTensorModelOptions(
      &spec, "Folder of a SavedModel, or file of a frozen graph.",
      "File of TensorFlow's library; else MILLRACE_TENSORFLOW, else what the loader finds.");
  LoadTensorModelsWith<TensorFlowRuntime>(&spec);
  return spec;
}

}  // namespace millrace

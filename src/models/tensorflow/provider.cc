#include "models/tensorflow/provider.h"

#include "models/tensor_provider.h"
#include "models/tensorflow/tensorflow_model.h"
#include "models/warm_up.h"

namespace millrace {
namespace {

struct TensorFlowRuntime {
  static TensorFlowOptions Read(const Options& options) {
    TensorFlowOptions tensorflow;
    tensorflow.path = options.String("path");
    tensorflow.signature = options.String("signature");
    tensorflow.tag = options.String("tag");
    tensorflow.inputs = ParseNames(options.String("inputs"));
    tensorflow.outputs = ParseNames(options.String("outputs"));
    tensorflow.library = options.String("library");
    tensorflow.intra_op_threads = static_cast<int>(options.Int("intra-op-threads"));
    tensorflow.max_batch = options.Int("max-batch-size");
    return tensorflow;
  }
  static auto Open(const Options& options, FileSystem& files) {
    return LoadTensorFlowModel(Read(options), files);
  }
  /// Of a SavedModel there are several files, so only a frozen graph comes as bytes.
  static auto Open(const Options& options, std::string_view bytes) {
    return LoadFrozenGraph(Read(options), bytes);
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
      {.key = "path",
       .doc = "Folder of a SavedModel, or file of a frozen graph.",
       .required = true},
      {.key = "signature",
       .doc = "Signature of a SavedModel; by default `serving_default`, else its only one."},
      {.key = "tag", .default_value = "serve", .doc = "Tag of a SavedModel's graph."},
      {.key = "inputs",
       .doc = "Tensors of a frozen graph to feed, comma-separated; by default its placeholders."},
      {.key = "outputs",
       .doc = "Tensors of a frozen graph to fetch; by default what no operation consumes."},
      {.key = "intra-op-threads",
       .type = OptionType::kInt,
       .default_value = "1",
       .doc = "Threads that one operation may use.",
       .min = 1,
       .max = 256},
      {.key = "max-batch-size",
       .type = OptionType::kInt,
       .default_value = "0",
       .doc = "Most rows per run; 0: a whole batch.",
       .min = 0},
      {.key = "library",
       .doc =
           "File of TensorFlow's library; else MILLRACE_TENSORFLOW, else what the loader finds."},
  };
  spec.options.push_back(WarmUpOption());
  AddCommonOptions(&spec);
  LoadTensorModelsWith<TensorFlowRuntime>(&spec);
  return spec;
}

}  // namespace millrace

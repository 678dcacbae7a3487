#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/files.h"
#include "models/tensor_model.h"

namespace millrace {

struct TensorFlowOptions : TensorModelOptions {
  std::string signature;  ///< of a SavedModel; empty: "serving_default", else its only one
  std::string tag;        ///< of a SavedModel's graph
  /// Of a frozen graph: "operation" or "operation:output"; empty: its placeholders, and what no
  /// operation consumes.
  std::vector<std::string> inputs, outputs;
};

/// Loads a frozen graph or a SavedModel. A tensor of unknown rank counts as [-1, -1]: a batch of
/// vectors. The version is the SHA-256 of the graph, with that of the variables' files. May block.
Result<std::shared_ptr<TensorModel>> LoadTensorFlowModel(const TensorFlowOptions& options,
                                                         FileSystem& files);
/// A frozen graph from the bytes of its file.
Result<std::shared_ptr<TensorModel>> LoadFrozenGraph(const TensorFlowOptions& options,
                                                     std::string_view bytes);

}  // namespace millrace

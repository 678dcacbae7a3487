#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace millrace {

/// An input or output of a signature and the graph's tensor that it stands for.
struct SignatureTensor {
  std::string key;                            ///< as callers name it
  std::string tensor;                         ///< "operation:output"
  std::optional<std::vector<int64_t>> shape;  ///< with the batch dimension; -1: any
};

struct GraphSignature {
  std::string name;
  std::vector<SignatureTensor> inputs, outputs;  ///< by key
};

/// The signatures of a serialized tensorflow.MetaGraphDef, by name.
Result<std::vector<GraphSignature>> ReadSignatures(std::string_view meta_graph);

}  // namespace millrace

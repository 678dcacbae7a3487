#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "models/tensor.h"
#include "spi/model.h"

namespace millrace {

/// How a runtime in this process is to load a model.
struct TensorModelOptions {
  std::string path;     ///< the model's file or folder; what it refers to lies beside it
  std::string library;  ///< of the runtime; empty: where it is looked for
  int intra_op_threads = 1;
  int64_t max_batch = 0;  ///< rows per run; 0: any
};

/// A model in this process that maps tensors to tensors. Immutable; thread-safe.
class TensorModel {
 public:
  virtual ~TensorModel() = default;
  virtual const ModelSignature& signature() const = 0;
  /// `inputs` in the order of the signature, with the batch dimension; `outputs` are indices into
  /// its outputs, and what comes back is in their order. Works on the caller's thread. Fails with
  /// what the runtime says.
  virtual Result<std::vector<Tensor>> Run(std::span<const Tensor> inputs,
                                          std::span<const int> outputs) = 0;
};

}  // namespace millrace

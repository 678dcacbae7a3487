#pragma once

#include <memory>
#include <string>

#include "base/files.h"
#include "models/tensor_model.h"

namespace millrace {

struct OnnxOptions {
  std::string path;     ///< of the model; what it refers to lies beside it
  std::string library;  ///< of ONNX Runtime; empty: see `OnnxLibrary::Get`
  int intra_op_threads = 1;
  int64_t max_batch = 0;  ///< rows per run; 0: any
};

/// Loads an ONNX file. Inputs with a free first dimension take batches, with a first dimension of 1
/// one row at a time. Sequences and maps (scikit-learn's ZipMap) have no tensor: they are left out
/// of the signature, and said once in the log. The version is the file's SHA-256. May block.
Result<std::shared_ptr<TensorModel>> LoadOnnxModel(const OnnxOptions& options, FileSystem& files);
/// The same of the file's bytes.
Result<std::shared_ptr<TensorModel>> LoadOnnxModel(const OnnxOptions& options,
                                                   std::string_view bytes);

}  // namespace millrace

#pragma once

#include <memory>
#include <string_view>

#include "base/files.h"
#include "models/tensor_model.h"

namespace millrace {

/// Loads an ONNX file. Inputs with a free first dimension take batches, with a first dimension of 1
/// one row at a time. Sequences and maps (scikit-learn's ZipMap) have no tensor: they are left out
/// of the signature, and said once in the log. The version is the file's SHA-256. May block.
Result<std::shared_ptr<TensorModel>> LoadOnnxModel(const TensorModelOptions& options,
                                                   FileSystem& files);
/// The same of the file's bytes.
Result<std::shared_ptr<TensorModel>> LoadOnnxModel(const TensorModelOptions& options,
                                                   std::string_view bytes);

}  // namespace millrace

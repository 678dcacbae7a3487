#pragma once

#include <memory>

#include "models/tensor_model.h"
#include "spi/model.h"

namespace millrace {

/// Scores columns with a model of this process, on the caller's thread: `done` comes before
/// `PredictAsync` returns. When the model refuses a batch, halves of it are tried until the rows at
/// fault are alone.
Result<ModelLease> MakeLocalModel(const ModelConfig& config, std::shared_ptr<TensorModel> model);

}  // namespace millrace

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "spi/model.h"

namespace millrace {

/// What GET /v2/models/{m} answers. Shapes as the server writes them, with the batch dimension.
struct ModelMetadata {
  std::string name;
  std::vector<std::string> versions;
  std::vector<TensorSpec> inputs, outputs;
};

/// A user error where it is not the metadata of a model.
Result<ModelMetadata> DecodeMetadata(std::string_view body);
nlohmann::json EncodeMetadata(const ModelMetadata& metadata, std::string_view platform);

/// `max_batch_size` of what GET /v2/models/{m}/config answers; -1 where the server has no such
/// page.
int64_t MaxBatchSizeOf(std::string_view config);

/// The message of an error body: {"error": …} (KServe, Triton), {"detail": …} (mlserver), or the
/// text itself.
std::string ErrorTextOf(std::string_view body);

}  // namespace millrace

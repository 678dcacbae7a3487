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

/// What is read of GET /v2/models/{m}/config; the defaults where the server has no such page.
struct ServerConfig {
  int64_t max_batch = -1;        ///< rows per request; 0: no batch dimension; -1: unknown
  bool sequential = false;       ///< it keeps state by sequence
  int64_t sequence_idle_us = 0;  ///< how long it keeps an idle sequence; 0: unknown
};
ServerConfig DecodeConfig(std::string_view config);

/// The message of an error body: {"error": …} (KServe, Triton), {"detail": …} (mlserver), or the
/// text itself.
std::string ErrorTextOf(std::string_view body);

}  // namespace millrace

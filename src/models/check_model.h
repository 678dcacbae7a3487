#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "spi/model.h"
#include "spi/services.h"

namespace millrace {

/// One step of looking whether a model can be used.
struct CheckStep {
  std::string name;  ///< "DNS", "server ready" …
  Status status;
  std::string detail;  ///< of a passed one
  int64_t took_us = 0;
};

/// Goes from the network to one inference (T18), and stops at the first step that fails: for a
/// model on a server DNS, TCP, TLS, server ready, model ready; then configuration (against the
/// declaration) and inference. `sample`: rows as JSON objects by INPUT column, one a line; without
/// it one row of zeros and empty texts. Blocks.
std::vector<CheckStep> CheckModel(const ModelConfig& declared, Services& services,
                                  const std::optional<std::string>& sample);

}  // namespace millrace

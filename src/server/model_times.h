#pragma once

#include <map>
#include <string>
#include <utility>

#include <nlohmann/json_fwd.hpp>

#include "base/metrics.h"

namespace millrace {

using ModelVersion = std::pair<std::string, std::string>;  ///< model, version

/// Where the time of a mean request goes, in µs, by version; of a model in the process only what
/// the engine knows.
std::map<ModelVersion, nlohmann::json> TimesOf(const MetricRegistry& metrics);

}  // namespace millrace

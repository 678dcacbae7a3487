#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/error.h"

namespace millrace::functions {

/// A SQL/JSON path: `[lax | strict] $`, then `.name`, `['name']`, `[0]`, `.*` and `[*]`. As in
/// Flink, a path without a mode is strict: what it names must be there.
class JsonPath {
 public:
  static Result<JsonPath> Parse(std::string_view text);

  struct Found {
    bool fault = false;                   ///< strict: something on the way is not there
    std::optional<nlohmann::json> value;  ///< nothing: it is not there; of `*` an array of all
  };
  Found Find(const nlohmann::json& document) const;

 private:
  struct Step {
    bool every = false;
    std::optional<std::string> name;
    size_t index = 0;
  };

  void Collect(const nlohmann::json& at, size_t step, std::vector<nlohmann::json>* out,
               bool* fault) const;

  bool lax_ = false;
  bool many_ = false;  ///< has a `*`
  std::vector<Step> steps_;
};

}  // namespace millrace::functions

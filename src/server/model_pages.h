#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "server/model_times.h"
#include "spi/model_drift.h"
#include "spi/model_history.h"
#include "spi/model_statistics.h"
#include "spi/services.h"

namespace millrace {

/// The models of a process as JSON, as they are when this is made.
class ModelPages {
 public:
  explicit ModelPages(Services& services);

  nlohmann::json All() const;
  /// Its versions, and what became of them. A user error where nothing is known of it.
  Result<nlohmann::json> Model(const std::string& model) const;
  /// `version`: the name that statistics have, or the number of the record, newest first.
  Result<nlohmann::json> Version(const std::string& model, const std::string& version) const;

 private:
  nlohmann::json JsonOf(const ModelStatistics& statistics) const;
  std::string HashOf(const std::string& model, const std::string& version) const;

  std::vector<ModelStatistics> statistics_;
  std::vector<ModelDrift> drift_;
  std::map<ModelVersion, nlohmann::json> times_;
  std::vector<ModelEvent> events_;
};

}  // namespace millrace

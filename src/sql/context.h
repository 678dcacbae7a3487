#pragma once

#include <map>
#include <string>

#include "catalog/catalog.h"
#include "spi/services.h"

namespace millrace::sql {

/// What a compilation reads. Outlives it.
struct PlannerContext {
  const Catalog& catalog;
  const Registries& registries;
  const std::map<std::string, std::string>& settings;  ///< of SET
  const SecretProvider* secrets = nullptr;             ///< null: references to them stay unchecked

  std::string Setting(const std::string& key, const std::string& fallback) const {
    const auto it = settings.find(key);
    return it == settings.end() ? fallback : it->second;
  }
};

/// A user error at the option of a table that refers to an unknown secret.
Status CheckSecrets(const PlannerContext& context, const TableConfig& table,
                    const OptionPositions& positions);

/// For what the parser takes and the planner does not.
Status NotPlanned(const std::string& what, Position at, const std::string& hint = {});

}  // namespace millrace::sql

#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/options.h"
#include "spi/services.h"

namespace millrace::cli {

/// One function, connector, format, provider or setting, as its spec declares it.
struct ReferenceEntry {
  std::string name;
  std::vector<std::string> aliases;
  std::string syntax;  ///< of a function
  std::string doc;
  std::vector<OptionSpec> options;
  std::vector<MetadataSpec> metadata;
  std::string example;                                         ///< SQL
  std::vector<std::pair<std::string, std::string>> evaluated;  ///< expressions with their results

  bool Answers(std::string_view asked) const;  ///< to its name or an alias, in any case
};

/// `kind`: "functions", "connectors", "formats", "providers" or "settings".
std::vector<ReferenceEntry> ReferenceOf(const Registries& registries, std::string_view kind);

std::string AsList(const std::vector<ReferenceEntry>& entries);  ///< a line for each
std::string AsText(const ReferenceEntry& entry);                 ///< for a terminal
std::string AsMarkdown(const std::vector<ReferenceEntry>& entries);

}  // namespace millrace::cli

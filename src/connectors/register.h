#pragma once

#include <ostream>
#include <string>

#include "spi/services.h"

namespace millrace {

/// Adds all connectors of this folder. `out` and `err` are what 'print' writes to; they outlive the
/// registry.
void RegisterConnectors(Registry<ConnectorSpec>& connectors, std::ostream& out, std::ostream& err);

/// The reference page of all connectors and formats, in Markdown.
std::string ConnectorsReference(const Registries& registries);

}  // namespace millrace

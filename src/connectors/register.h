#pragma once

#include <ostream>

#include "spi/services.h"

namespace millrace {

/// Adds all connectors of this folder. `out` and `err` are what 'print' writes to; they outlive the
/// registry.
void RegisterConnectors(Registry<ConnectorSpec>& connectors, std::ostream& out, std::ostream& err);

}  // namespace millrace

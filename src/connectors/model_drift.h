#pragma once

#include "spi/connector.h"

namespace millrace {

/// The connector 'model-drift': how far what models take and give is from their reference (M10).
/// The table `millrace.model_drift` reads it.
ConnectorSpec ModelDriftConnector();

}  // namespace millrace

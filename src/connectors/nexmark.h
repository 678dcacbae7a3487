#pragma once

#include "spi/connector.h"

namespace millrace {

/// The connector 'nexmark': the auction site of the Nexmark benchmark.
ConnectorSpec NexmarkConnector();

}  // namespace millrace

#pragma once

#include "spi/connector.h"

namespace millrace {

/// The connector 'blackhole': a sink that drops all rows.
ConnectorSpec BlackholeConnector();

}  // namespace millrace

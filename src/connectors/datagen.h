#pragma once

#include "spi/connector.h"

namespace millrace {

/// The connector 'datagen': random or sequential values for every column.
ConnectorSpec DatagenConnector();

}  // namespace millrace

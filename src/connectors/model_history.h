#pragma once

#include "spi/connector.h"

namespace millrace {

/// The connector 'model-history': what became of the versions of streamed models (M9). The table
/// `millrace.model_history` reads it.
ConnectorSpec ModelHistoryConnector();

}  // namespace millrace

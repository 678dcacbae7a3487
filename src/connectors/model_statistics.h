#pragma once

#include "spi/connector.h"

namespace millrace {

/// The connector 'model-statistics': what the models of this process have done until now (M7). The
/// table `millrace.model_stats` reads it.
ConnectorSpec ModelStatisticsConnector();

}  // namespace millrace

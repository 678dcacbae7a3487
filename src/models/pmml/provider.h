#pragma once

#include "spi/model.h"

namespace millrace {

ModelProviderSpec PmmlProvider();

}  // namespace millrace

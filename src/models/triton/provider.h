#pragma once

#include "spi/model.h"

namespace millrace {

ModelProviderSpec TritonProvider();

}  // namespace millrace

#pragma once

#include "spi/model.h"

namespace millrace {

ModelProviderSpec TensorFlowProvider();

}  // namespace millrace

#pragma once

#include "spi/model.h"

namespace millrace {

ModelProviderSpec OnnxProvider();

}  // namespace millrace

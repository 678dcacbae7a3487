#pragma once

#include "spi/model.h"

namespace millrace {

ModelProviderSpec PythonProvider();

}  // namespace millrace

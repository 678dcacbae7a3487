#pragma once

#include "spi/model.h"

namespace millrace {

/// 'provider' = 'stream': a model whose versions are the records of a table (M1-M6). What it loads
/// stands for the versions before the first one: every row of it fails.
ModelProviderSpec StreamProvider();

}  // namespace millrace

#pragma once

#include "spi/model.h"

namespace millrace {

/// One row of zeros, false and empty texts; arrays have one such element, or as many as the tensor
/// of `signature` has. NULL where a type has no zero.
Result<Batch> ZeroRow(const Schema& input, const ModelSignature& signature);

}  // namespace millrace

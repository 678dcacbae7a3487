#pragma once

#include <memory>

#include "operators/numbered_rows.h"
#include "operators/sort_keys.h"
#include "spi/operator_factory.h"

namespace millrace {

/// The Top-N whose rows leave once: when their window closes, or at the end of the input.
Result<std::unique_ptr<Operator>> MakeFinalRank(const OperatorRequest& request, NumberedRows rows,
                                                SortEncoder sort);

}  // namespace millrace

#pragma once

#include <memory>

#include "spi/operator_factory.h"

namespace millrace {

/// The operator of a plan node, not yet open. A user error where the node names something that is
/// not registered.
Result<std::unique_ptr<Operator>> MakeOperator(const OperatorRequest& request);

}  // namespace millrace

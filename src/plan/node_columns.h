#pragma once

#include <string>

#include "plan/nodes.h"

namespace millrace {

/// Whether every column that the node refers to exists: "projection 2 reads column 7 of 3".
/// `input` is the schema of input 0; null for a node without inputs.
Status CheckColumnReferences(const NodeConfig& config, const Schema* input);

}  // namespace millrace

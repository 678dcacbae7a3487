#pragma once

#include <map>
#include <string>
#include <vector>

#include "plan/physical_plan.h"
#include "sql/logical_node.h"

namespace millrace::sql {

/// Cuts the nodes into stages: a node joins its input's stage where it runs at the same
/// parallelism, on the same rows, and is their only reader.
PhysicalPlan CutStages(const std::vector<LogicalNodePtr>& sinks, int parallelism,
                       int max_parallelism, std::map<std::string, std::string> settings);

}  // namespace millrace::sql

#pragma once

#include <vector>

#include "sql/logical_node.h"

namespace millrace::sql {

/// Leaves out columns that nothing reads, down to what the sources decode.
std::vector<LogicalNodePtr> PruneColumns(const std::vector<LogicalNodePtr>& sinks);

/// Makes one of projections and filters that follow each other. What the upper one uses more than
/// once becomes a local, so that nothing is computed twice and plans stay linear in size.
std::vector<LogicalNodePtr> MergeCalcs(const std::vector<LogicalNodePtr>& sinks);

}  // namespace millrace::sql

#pragma once

#include <vector>

#include "sql/context.h"
#include "sql/logical_node.h"

namespace millrace::sql {

/// Leaves out columns that nothing reads, down to what the sources decode.
std::vector<LogicalNodePtr> PruneColumns(const std::vector<LogicalNodePtr>& sinks);

/// Makes one of projections and filters that follow each other. What the upper one uses more than
/// once becomes a local, so that nothing is computed twice and plans stay linear in size.
std::vector<LogicalNodePtr> MergeCalcs(const std::vector<LogicalNodePtr>& sinks);

/// Cuts aggregations over `parallelism` subtasks into two phases, as the setting
/// 'table.optimizer.agg-phase-strategy' says: where the aggregates can be merged, and where nobody
/// reads the failed or late rows.
std::vector<LogicalNodePtr> SplitAggregations(const std::vector<LogicalNodePtr>& sinks,
                                              const PlannerContext& context, int parallelism);

}  // namespace millrace::sql

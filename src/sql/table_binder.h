#pragma once

#include <string>
#include <vector>

#include "sql/context.h"
#include "sql/logical_node.h"

namespace millrace::sql {

/// The rows of a table, its columns in the declared order. `hints` may override options.
Result<Stream> BindTable(const PlannerContext& context, NodeFactory& nodes, const Table& table,
                         const std::vector<syntax::Hint>& hints, Position at);

/// A table `millrace.…`, which nobody has declared.
Result<Stream> BindSystemTable(const PlannerContext& context, NodeFactory& nodes,
                               const std::string& name, Position at);

/// The table's sink behind `rows`, whose columns are converted to the table's; `columns` names the
/// ones that are given (all of them when empty), the others become NULL.
Result<LogicalNodePtr> BindSink(const PlannerContext& context, NodeFactory& nodes,
                                const Table& table, const std::vector<syntax::Identifier>& columns,
                                const std::vector<syntax::Hint>& hints, Stream rows, Position at);

/// The options of `hints`' OPTIONS(…); others than OPTIONS and STATE_ID are errors.
Result<std::map<std::string, std::string>> HintedOptions(const std::vector<syntax::Hint>& hints,
                                                         OptionPositions* positions);
/// Of STATE_ID('x'); empty where there is none.
std::string HintedStateId(const std::vector<syntax::Hint>& hints);

}  // namespace millrace::sql

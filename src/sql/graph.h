#pragma once

#include <map>
#include <set>
#include <vector>

#include "sql/logical_node.h"

namespace millrace::sql {

/// All nodes that feed `sinks`, each once, inputs before what they feed.
std::vector<LogicalNodePtr> TopologicalOrder(const std::vector<LogicalNodePtr>& sinks);

/// How many streams read each node's main port.
std::map<const LogicalNode*, int> ConsumerCounts(const std::vector<LogicalNodePtr>& order);

/// The nodes of which something reads a side port.
std::set<const LogicalNode*> ReadAtTheSide(const std::vector<LogicalNodePtr>& order);

/// The node's config where it is a `Config`, else null.
template <class Config>
const Config* As(const LogicalNode& node) {
  const bool fits = node.config != nullptr && node.config->op() == Config::kOp;
  return fits ? static_cast<const Config*>(node.config.get()) : nullptr;
}

}  // namespace millrace::sql

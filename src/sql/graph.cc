#include "sql/graph.h"

namespace millrace::sql {
namespace {

void Visit(const LogicalNodePtr& node, std::set<const LogicalNode*>& seen,
           std::vector<LogicalNodePtr>& out) {
  if (!seen.insert(node.get()).second) return;
  for (const Stream& input : node->inputs) Visit(input.node, seen, out);
  out.push_back(node);
}

}  // namespace

std::vector<LogicalNodePtr> TopologicalOrder(const std::vector<LogicalNodePtr>& sinks) {
  std::set<const LogicalNode*> seen;
  std::vector<LogicalNodePtr> order;
  for (const auto& sink : sinks) Visit(sink, seen, order);
  return order;
}

std::map<const LogicalNode*, int> ConsumerCounts(const std::vector<LogicalNodePtr>& order) {
  std::map<const LogicalNode*, int> counts;
  for (const auto& node : order) {
    for (const Stream& input : node->inputs) counts[input.node.get()] += input.port == 0 ? 1 : 0;
  }
  return counts;
}

std::set<const LogicalNode*> ReadAtTheSide(const std::vector<LogicalNodePtr>& order) {
  std::set<const LogicalNode*> read;
  for (const auto& node : order) {
    for (const Stream& input : node->inputs) {
      if (input.port != 0) read.insert(input.node.get());
    }
  }
  return read;
}

}  // namespace millrace::sql

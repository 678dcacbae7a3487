#include "models/pmml/decision_graph.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace millrace::pmml {

void DecisionGraph::Evaluate(const Frame& frame, int32_t* leaves) const {
  constexpr int kLanes = 8;  // rows whose loads overlap
  const Node* const nodes = nodes_.data();
  const double* const* const columns = frame.columns();
  const auto walk = [&]<int... lane>(int row, int step, std::integer_sequence<int, lane...>) {
    int32_t at[] = {((void)lane, root_)...};
    for (int level = 0; level < depth_; level += step) {
      for (int i = 0; i < step; ++i) {
        const auto move = [&](int32_t& node_index, int own_row) {
          const Node& node = nodes[node_index];
          const double x = columns[node.slot][own_row];
          node_index = node.next[static_cast<int>(!(x <= node.threshold)) + (x != x)];
        };
        (move(at[lane], row + lane), ...);
      }
      if (((at[lane] < leaves_) && ...)) break;
    }
    ((leaves[row + lane] = at[lane]), ...);
  };
  int row = 0;
  for (; row + kLanes <= frame.rows(); row += kLanes)
    walk(row, 3, std::make_integer_sequence<int, kLanes>());
  for (; row < frame.rows(); ++row) walk(row, 1, std::make_integer_sequence<int, 1>());
}

DecisionGraphBuilder::Target DecisionGraphBuilder::Test(Slot slot, double threshold,
                                                        Target not_more, Target more,
                                                        Target missing) {
  // What this test settles is not asked again.
  const auto asks = [&](Target target) {
    return target >= 0 && nodes_[static_cast<size_t>(target)].slot == slot;
  };
  const auto node = [&](Target target) -> const auto& {
    return nodes_[static_cast<size_t>(target)];
  };
  while (asks(not_more) && threshold <= node(not_more).threshold) not_more = node(not_more).next[0];
  while (asks(more) && threshold >= node(more).threshold) more = node(more).next[1];
  while (asks(missing)) missing = node(missing).next[2];
  if (not_more == more && more == missing) return more;
  nodes_.push_back({threshold, slot, {not_more, more, missing}});
  return static_cast<Target>(nodes_.size() - 1);
}

DecisionGraphBuilder::Target DecisionGraphBuilder::Search(Slot slot,
                                                          const std::vector<Range>& ranges,
                                                          size_t begin, size_t end, Target inside,
                                                          Target outside, Target missing) {
  if (begin == end) return outside;
  if (end - begin == 1) {
    const Target upper = Test(slot, ranges[begin].high, inside, outside, missing);
    const double below = std::nextafter(ranges[begin].low, -INFINITY);
    return ranges[begin].low == -INFINITY ? upper : Test(slot, below, outside, upper, missing);
  }
  const size_t middle = (begin + end) / 2;
  const Target left = Search(slot, ranges, begin, middle, inside, outside, missing);
  const Target right = Search(slot, ranges, middle, end, inside, outside, missing);
  return Test(slot, ranges[middle - 1].high, left, right, missing);
}

DecisionGraphBuilder::Target DecisionGraphBuilder::In(Slot slot, const std::vector<Range>& ranges,
                                                      Target inside, Target outside,
                                                      Target missing) {
  if (ranges.empty()) return Test(slot, 0, outside, outside, missing);
  return Search(slot, ranges, 0, ranges.size(), inside, outside, missing);
}

DecisionGraph DecisionGraphBuilder::Finish(Target root, int leaves) && {
  DecisionGraph graph;
  graph.leaves_ = leaves;
  for (int32_t i = 0; i < leaves; ++i) graph.nodes_.push_back({0, 0, {i, i, i}});
  // In the order of a walk from the root, so that a node lies near those that it leads to.
  std::vector<int32_t> place(nodes_.size(), -1), order;
  std::vector<Target> waiting{root};
  while (!waiting.empty()) {
    const Target target = waiting.back();
    waiting.pop_back();
    if (target < 0 || place[static_cast<size_t>(target)] >= 0) continue;
    place[static_cast<size_t>(target)] = leaves + static_cast<int32_t>(order.size());
    order.push_back(target);
    const auto& next = nodes_[static_cast<size_t>(target)].next;
    waiting.insert(waiting.end(), {next[2], next[1], next[0]});
  }
  std::vector<int> depth(nodes_.size(), 1);
  for (size_t i = 0; i < nodes_.size(); ++i) {
    for (const Target next : nodes_[i].next) {
      if (next >= 0) depth[i] = std::max(depth[i], depth[static_cast<size_t>(next)] + 1);
    }
  }
  const auto at = [&](Target target) {
    return target < 0 ? -1 - target : place[static_cast<size_t>(target)];
  };
  for (const int32_t index : order) {
    DecisionGraph::Node node = nodes_[static_cast<size_t>(index)];
    for (int32_t& next : node.next) next = at(next);
    graph.nodes_.push_back(node);
  }
  graph.root_ = at(root);
  graph.depth_ = root < 0 ? 0 : depth[static_cast<size_t>(root)];
  return graph;
}

}  // namespace millrace::pmml

#pragma once

#include <cstdint>
#include <vector>

#include "models/pmml/frame.h"

namespace millrace::pmml {

/// Tests of columns that lead each row to a leaf. Predicates of every kind become tests `x <= t`:
/// a set of values is a search among their ranges, `and` and `or` are edges. The nodes lie in one
/// array, and a row moves by an index that is computed, not branched upon. Immutable; thread-safe.
class DecisionGraph {
 public:
  /// The leaf of each row of the block.
  void Evaluate(const Frame& frame, int32_t* leaves) const;

 private:
  friend class DecisionGraphBuilder;

  struct Node {
    double threshold;
    Slot slot;
    int32_t next[3];  ///< x <= threshold, x > threshold, x missing
  };

  std::vector<Node> nodes_;  ///< the leaves are the first ones and lead to themselves
  int32_t leaves_ = 0;
  int32_t root_ = 0;
  int depth_ = 0;  ///< of the longest path
};

/// Builds a graph from its leaves to its root.
class DecisionGraphBuilder {
 public:
  using Target = int32_t;  ///< a node or, below 0, a leaf
  struct Range {
    double low, high;  ///< both inclusive
  };

  static Target Leaf(int leaf) { return -1 - leaf; }
  Target Test(Slot slot, double threshold, Target not_more, Target more, Target missing);
  /// `ranges` are sorted and do not meet.
  Target In(Slot slot, const std::vector<Range>& ranges, Target inside, Target outside,
            Target missing);
  size_t size() const { return nodes_.size(); }

  /// A graph over the leaves 0 … `leaves` - 1.
  DecisionGraph Finish(Target root, int leaves) &&;

 private:
  Target Search(Slot slot, const std::vector<Range>& ranges, size_t begin, size_t end,
                Target inside, Target outside, Target missing);

  std::vector<DecisionGraph::Node> nodes_;  ///< `next` are targets; nodes come after theirs
};

}  // namespace millrace::pmml

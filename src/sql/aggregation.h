#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "sql/expression_binder.h"
#include "sql/grouping_sets.h"
#include "sql/logical_node.h"

namespace millrace::sql {

/// The accumulators of `calls`, one behind the other; none where they cannot be merged.
std::optional<std::vector<SqlType>> MergeableAccumulators(const Registries& registries,
                                                          const std::vector<AggregateCall>& calls);

/// The GROUP BY of a SELECT: keys and aggregate calls over the rows of FROM. Where the keys hold
/// the start and the end of the rows' windows, it is an aggregation by window.
class Aggregation {
 public:
  /// `windows`: of the rows of FROM.
  static Result<Aggregation> Make(GroupKeys group, std::vector<AggregateCall> calls,
                                  const std::optional<WindowColumns>& windows);

  /// An expression of the select list or HAVING over the aggregation's output. A column that is
  /// neither a key nor aggregated is a user error. What stands for calls behind the aggregation
  /// stays as it is.
  Result<ExpressionPtr> OverGroups(const ExpressionPtr& expression, const Schema& input) const;

  /// The nodes: a projection to keys and arguments, the grouping sets, the aggregation. `place`
  /// gives columns of the stream for placeholders of models.
  Result<Stream> Place(const PlannerContext& context, NodeFactory& nodes, const std::string& name,
                       const std::string& state_id, Stream input,
                       const std::function<ExpressionPtr(const ExpressionPtr&)>& place) const;

 private:
  struct Prepared;

  /// Where the key's value is in the output.
  ExpressionPtr KeyColumn(size_t key, Position at) const;
  /// Keys of the node: those of GROUP BY but the windows', and the set.
  int key_count() const {
    return static_cast<int>(group_.keys.size()) + (group_.has_sets() ? 1 : 0);
  }
  Prepared Prepare(Stream input, std::vector<ExpressionPtr> keys, std::vector<AggregateCall> calls,
                   bool pass_all) const;
  Stream PlaceExpand(NodeFactory& nodes, const std::string& name, const Prepared& prepared) const;
  Result<Stream> PlaceWindowed(const PlannerContext& context, NodeFactory& nodes,
                               const std::string& name, const std::string& state_id, Stream input,
                               std::vector<ExpressionPtr> keys,
                               std::vector<AggregateCall> calls) const;

  GroupKeys group_;
  std::vector<AggregateCall> calls_;
  std::optional<WindowColumns> windows_;  ///< by which it aggregates
};

}  // namespace millrace::sql

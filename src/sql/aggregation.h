#pragma once

#include <string>
#include <vector>

#include "sql/expression_binder.h"
#include "sql/logical_node.h"

namespace millrace::sql {

/// The GROUP BY of a SELECT: keys and aggregate calls over the rows of FROM.
class Aggregation {
 public:
  Aggregation(std::vector<ExpressionPtr> keys, std::vector<std::string> key_names,
              std::vector<AggregateCall> calls)
      : keys_(std::move(keys)), key_names_(std::move(key_names)), calls_(std::move(calls)) {}

  /// An expression of the select list or HAVING over the aggregation's output: keys, then
  /// aggregates. A column that is neither is a user error. Outputs of models called behind the
  /// aggregation stay as they are.
  Result<ExpressionPtr> OverGroups(const ExpressionPtr& expression, const Schema& input) const;

  /// The nodes: a projection to keys and arguments, the aggregation. `place` gives columns of the
  /// stream for placeholders of models.
  Stream Place(const PlannerContext& context, NodeFactory& nodes, const std::string& name,
               const std::string& state_id, Stream input,
               const std::function<ExpressionPtr(const ExpressionPtr&)>& place) const;

 private:
  std::vector<ExpressionPtr> keys_;
  std::vector<std::string> key_names_;
  std::vector<AggregateCall> calls_;
};

}  // namespace millrace::sql

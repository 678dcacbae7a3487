#include "sql/aggregation.h"

#include <algorithm>

namespace millrace::sql {

Result<ExpressionPtr> Aggregation::OverGroups(const ExpressionPtr& expression,
                                              const Schema& input) const {
  Status failed;
  auto rewritten = Rewrite(expression, [&](const ExpressionPtr& node) -> ExpressionPtr {
    const auto key = std::find_if(keys_.begin(), keys_.end(),
                                  [&](const ExpressionPtr& k) { return Equal(*k, *node); });
    if (key != keys_.end()) {
      return Expression::Column(static_cast<int>(key - keys_.begin()), node->type, node->position);
    }
    if (!node->IsColumn() || node->column >= ModelCalls::kOutputsBase) return nullptr;
    const int call = node->column - AggregateCalls::kAggregateBase;
    if (call >= 0 && node->column < ModelCalls::kRowsBase) {
      return Expression::Column(static_cast<int>(keys_.size()) + call, node->type, node->position);
    }
    const bool named = node->column < input.size();
    failed = Error::User(
                 (named ? "column '" + input.column(node->column).name + "'" : "this model call") +
                 " is neither in GROUP BY nor inside an aggregate")
                 .At(node->position)
                 .Hint(named ? "add it to GROUP BY, or take one value of the group, such as MAX(" +
                                   input.column(node->column).name + ")"
                             : "add the same call to GROUP BY, or aggregate it");
    return node;
  });
  ARROW_RETURN_NOT_OK(failed);
  return rewritten;
}

Stream Aggregation::Place(const PlannerContext& context, NodeFactory& nodes,
                          const std::string& name, const std::string& state_id, Stream input,
                          const std::function<ExpressionPtr(const ExpressionPtr&)>& place) const {
  std::vector<ExpressionPtr> columns;
  std::vector<std::string> names = key_names_;
  for (const auto& key : keys_) columns.push_back(place(key));
  const auto column_of = [&](const ExpressionPtr& value) {
    auto placed = place(value);
    auto at = std::find_if(columns.begin(), columns.end(),
                           [&](const ExpressionPtr& column) { return Equal(*column, *placed); });
    if (at == columns.end()) {
      at = columns.insert(columns.end(), placed);
      names.push_back(placed->IsColumn() ? input.schema().column(placed->column).name
                                         : "$" + std::to_string(columns.size() - 1));
    }
    return Expression::Column(static_cast<int>(at - columns.begin()), value->type, value->position);
  };
  AggregateConfig config;
  for (AggregateCall call : calls_) {
    for (auto& argument : call.arguments) argument = column_of(argument);
    if (call.filter) call.filter = column_of(call.filter);
    call.name = "$" + std::to_string(config.aggregates.size());
    config.aggregates.push_back(std::move(call));
  }
  for (size_t i = 0; i < keys_.size(); ++i) config.keys.push_back(static_cast<int>(i));
  config.key_names = key_names_;
  const bool batch = context.Setting("execution.runtime-mode", "streaming") == "batch";
  config.output = batch && input.node->bounded ? AggregateConfig::Output::kFinal
                                               : AggregateConfig::Output::kChangelog;
  Stream rows{nodes.Calc(name, std::move(input), nullptr, std::move(columns), std::move(names)), 0};
  return {nodes.Aggregate(name, std::move(rows), std::move(config), state_id), 0};
}

}  // namespace millrace::sql

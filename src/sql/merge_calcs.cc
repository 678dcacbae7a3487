#include <functional>
#include <map>
#include <set>

#include "sql/conjuncts.h"
#include "sql/graph.h"
#include "sql/optimizer.h"

namespace millrace::sql {
namespace {

void CountColumns(const ExpressionPtr& expression, std::map<int, int>& uses) {
  if (!expression) return;
  if (expression->IsColumn()) ++uses[expression->column];
  for (const auto& argument : expression->arguments) CountColumns(argument, uses);
}

/// `upper` after `lower`, which reads `width` columns. `upper` has no locals yet.
CalcConfig Merge(const CalcConfig& lower, const CalcConfig& upper, int width) {
  std::map<int, int> uses;
  CountColumns(upper.condition, uses);
  for (const auto& projection : upper.projections) CountColumns(projection, uses);

  CalcConfig merged;
  merged.locals = lower.locals;
  merged.names = upper.names;
  std::vector<ExpressionPtr> values = lower.projections;
  for (size_t i = 0; i < values.size(); ++i) {
    const bool is_call = values[i]->kind == Expression::Kind::kCall;
    if (!is_call || uses[static_cast<int>(i)] < 2) continue;
    const int local = width + static_cast<int>(merged.locals.size());
    merged.locals.push_back(values[i]);
    values[i] = Expression::Column(local, values[i]->type, values[i]->position);
  }
  const auto inline_values = [&](const ExpressionPtr& expression) -> ExpressionPtr {
    if (!expression) return nullptr;
    return Rewrite(expression, [&](const ExpressionPtr& node) -> ExpressionPtr {
      return node->IsColumn() ? values[static_cast<size_t>(node->column)] : nullptr;
    });
  };
  auto conjuncts = SplitConjuncts(lower.condition);
  for (auto& conjunct : SplitConjuncts(inline_values(upper.condition)))
    conjuncts.push_back(std::move(conjunct));
  merged.condition = JoinConjuncts(std::move(conjuncts));
  for (const auto& projection : upper.projections)
    merged.projections.push_back(inline_values(projection));
  return merged;
}

/// Passes every column on, under the same name.
bool IsIdentity(const CalcConfig& calc, const Schema& input) {
  if (calc.condition || static_cast<int>(calc.projections.size()) != input.size()) return false;
  for (int i = 0; i < input.size(); ++i) {
    const auto& projection = calc.projections[static_cast<size_t>(i)];
    if (!projection->IsColumn() || projection->column != i) return false;
    if (calc.names[static_cast<size_t>(i)] != input.column(i).name) return false;
  }
  return true;
}

}  // namespace

std::vector<LogicalNodePtr> MergeCalcs(const std::vector<LogicalNodePtr>& sinks) {
  const auto order = TopologicalOrder(sinks);
  const auto consumers = ConsumerCounts(order);
  const auto read_at_the_side = ReadAtTheSide(order);
  std::set<const LogicalNode*> kept;              // rebuilt nodes that are read at the side
  std::map<const LogicalNode*, int> uses;         // of rebuilt nodes
  std::map<const LogicalNode*, Stream> replaced;  // main ports
  std::map<const LogicalNode*, LogicalNodePtr> rebuilt;
  for (const auto& old : order) {
    auto node = std::make_shared<LogicalNode>(*old);
    for (Stream& input : node->inputs) {
      input = input.port == 0 ? replaced.at(input.node.get())
                              : Stream{rebuilt.at(input.node.get()), input.port};
    }
    rebuilt[old.get()] = node;
    if (read_at_the_side.contains(old.get())) kept.insert(node.get());
    replaced[old.get()] = {node, 0};
    const auto counted = consumers.find(old.get());
    uses[node.get()] = counted == consumers.end() ? 0 : counted->second;
    const auto* upper = As<CalcConfig>(*node);
    if (upper == nullptr) continue;
    const Stream input = node->inputs[0];
    if (IsIdentity(*upper, input.schema())) {
      replaced[old.get()] = input;
      uses[input.node.get()] += uses[node.get()] - 1;
      continue;
    }
    // Who reads the failed rows of one of two wants them with the columns of that one's input.
    if (kept.contains(node.get()) || kept.contains(input.node.get())) continue;
    const auto* lower = input.port == 0 ? As<CalcConfig>(*input.node) : nullptr;
    if (lower == nullptr || uses[input.node.get()] != 1) continue;
    const int width = input.node->inputs[0].schema().size();
    node->config = std::make_shared<const CalcConfig>(Merge(*lower, *upper, width));
    node->inputs = input.node->inputs;
    node->ports[1] = FailedPort(node->inputs[0].plan());
  }
  std::vector<LogicalNodePtr> out;
  for (const auto& sink : sinks) out.push_back(rebuilt.at(sink.get()));
  return out;
}

}  // namespace millrace::sql

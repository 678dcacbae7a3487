// `t$port`: what leaves a table or view at another port than the main one.
#include <algorithm>

#include "base/suggest.h"
#include "sql/graph.h"
#include "sql/query_binder.h"

namespace millrace::sql {
namespace {

bool IsComputed(const ExpressionPtr& expression) {
  return expression->kind == Expression::Kind::kCall;
}

bool Computes(const std::vector<AggregateCall>& calls) {
  return std::ranges::any_of(calls, [](const AggregateCall& call) {
    return (call.filter && IsComputed(call.filter)) ||
           std::ranges::any_of(call.arguments, IsComputed);
  });
}

/// Rows without a time are in no window.
bool NeedsTime(const LogicalNode& node, const WindowSpec& window) {
  return window.kind != WindowSpec::Kind::kAttached && window.time_column >= 0 &&
         node.inputs[0].schema().column(window.time_column).type.nullable();
}

/// Whether rows may leave `node` since an expression of it fails.
bool Evaluates(const LogicalNode& node) {
  if (const auto* calc = As<CalcConfig>(node))
    return calc->condition || std::ranges::any_of(calc->projections, IsComputed);
  if (const auto* source = As<SourceConfig>(node)) return !source->computed.empty();
  if (const auto* aggregate = As<AggregateConfig>(node)) return Computes(aggregate->aggregates);
  if (const auto* aggregate = As<WindowAggregateConfig>(node)) {
    return Computes(aggregate->aggregates) || NeedsTime(node, aggregate->window);
  }
  if (const auto* window = As<WindowConfig>(node)) return NeedsTime(node, window->window);
  const auto* unnest = As<UnnestConfig>(node);
  return unnest != nullptr && IsComputed(unnest->collection);
}

bool PassesPortOn(const LogicalNode& node) {
  return As<CalcConfig>(node) || As<UnnestConfig>(node) || As<AggregateConfig>(node) ||
         As<WindowConfig>(node) || As<WindowAggregateConfig>(node);
}

}  // namespace

Result<Stream> QueryBinder::BindPort(const std::string& table, const std::string& port,
                                     Position at) {
  syntax::TableName main;
  main.name.parts.push_back({table, at});
  ARROW_ASSIGN_OR_RAISE(Stream stream, BindName(main, at));
  std::vector<std::string> names;
  // Where several steps of a view may fail, the rows of those whose inputs look alike are together.
  std::vector<Stream> failed;
  for (const LogicalNode* node = stream.node.get();;
       stream = node->inputs[0], node = stream.node.get()) {
    const bool own = node->id.starts_with(table + '/');
    for (size_t i = 1; i < node->ports.size(); ++i) {
      const Stream side{stream.node, static_cast<int>(i)};
      const std::string& name = node->ports[i].name;
      const bool of_expressions = name == kFailedPort && !As<PredictConfig>(*node);
      if (of_expressions && !(own && Evaluates(*node))) continue;
      if (name == port) {
        if (!of_expressions && (own || failed.empty())) return side;
        if (of_expressions && (failed.empty() || failed[0].schema() == side.schema()))
          failed.push_back(side);
      }
      names.push_back(table + "$" + name);
    }
    if (!PassesPortOn(*node)) break;
  }
  if (failed.empty()) {
    return Error::User("'" + table + "' has no side output '" + port + "'")
        .At(at)
        .Hint(port == kFailedPort ? "nothing that '" + table + "' computes can fail"
                                  : Suggest(table + "$" + port, names));
  }
  if (failed.size() == 1) return failed[0];
  for (Stream& each : failed) {
    const Schema schema = each.schema();
    each = {nodes_.Calc(table, each, nullptr, sql::ColumnsOf(schema), schema.Names()), 0};
  }
  return Stream{nodes_.Union(table, std::move(failed)), 0};
}

}  // namespace millrace::sql

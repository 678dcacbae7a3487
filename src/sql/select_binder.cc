// SELECT: from its clauses to nodes.
#include <algorithm>
#include <utility>

#include "sql/aggregation.h"
#include "sql/conjuncts.h"
#include "sql/query_binder.h"
#include "sql/table_binder.h"
#include "sql/window_binder.h"

namespace millrace::sql {

/// The expressions of a SELECT behind WHERE and GROUP BY, until they stand over their stream.
struct SelectOutputs {
  std::vector<ExpressionPtr> projections;
  std::vector<std::string> names;
  std::vector<OrderKey> order;
  ExpressionPtr having;
  ExpressionPtr qualify;
  RowNumbers row_numbers;

  /// Puts what `change` gives in the place of each.
  Status ForEach(const std::function<Result<ExpressionPtr>(const ExpressionPtr&)>& change) {
    std::vector<ExpressionPtr*> all = {&having, &qualify};
    for (auto& projection : projections) all.push_back(&projection);
    for (OrderKey& key : order) all.push_back(&key.value);
    for (auto& call : row_numbers.calls()) {
      for (auto& key : call.keys) all.push_back(&key);
      for (OrderKey& key : call.order) all.push_back(&key.value);
    }
    for (ExpressionPtr* expression : all) {
      if (*expression == nullptr) continue;
      ARROW_ASSIGN_OR_RAISE(*expression, change(*expression));
    }
    return Status::OK();
  }
};

namespace {

/// The name of a select item: its alias, the column's own name, or EXPR$i as Flink has it.
std::string NameOf(const syntax::SelectItem& item, size_t index) {
  if (item.alias) return item.alias->name;
  if (const auto* column = item.expression->As<syntax::ColumnRef>())
    return column->path.back().name;
  if (const auto* field = item.expression->As<syntax::FieldAccess>()) return field->field.name;
  return "EXPR$" + std::to_string(index);
}

bool UsesModel(const Expression& expression) {
  const auto columns = millrace::ColumnsOf(expression);
  return !columns.empty() && columns.back() >= ModelCalls::kRowsBase;
}

/// Where the outputs of model calls are in a stream, once its predict nodes stand.
struct Placement {
  int rows_at = 0;
  int outputs_at = 0;

  ExpressionPtr operator()(const ExpressionPtr& expression) const {
    return Rewrite(expression, [&](const ExpressionPtr& node) -> ExpressionPtr {
      if (!node->IsColumn() || node->column < ModelCalls::kRowsBase) return nullptr;
      const int column = node->column >= ModelCalls::kOutputsBase
                             ? node->column - ModelCalls::kOutputsBase + outputs_at
                             : node->column - ModelCalls::kRowsBase + rows_at;
      return Expression::Column(column, node->type, node->position);
    });
  }
};

/// What is computed behind `values` cannot be read by them: placeholders from `first` on.
Status RejectLater(const std::vector<ExpressionPtr>& values, int first, const std::string& where) {
  for (const auto& value : values) {
    if (!value) continue;
    for (const int column : millrace::ColumnsOf(*value)) {
      if (column < first || column >= AggregateCalls::kAggregateBase) continue;
      const std::string what = column >= RowNumbers::kBase ? "ROW_NUMBER() OVER" : "GROUPING";
      return Error::User(what + " cannot stand in " + where)
          .At(value->position)
          .Hint("compute it in a subquery");
    }
  }
  return Status::OK();
}

/// Calls that are placed before the row numbers, and before the groups, do not use them.
Status CheckOrder(const SelectOutputs& outputs, const std::vector<AggregateCall>& aggregates,
                  const ModelCalls& models) {
  for (const AggregateCall& call : aggregates) {
    std::vector<ExpressionPtr> values = call.arguments;
    values.push_back(call.filter);
    ARROW_RETURN_NOT_OK(RejectLater(values, GroupKeys::kSetColumn, "an aggregate"));
  }
  for (const auto& call : models.calls()) {
    ARROW_RETURN_NOT_OK(RejectLater(call.arguments, RowNumbers::kBase, "a model's arguments"));
  }
  for (const auto& call : outputs.row_numbers.calls()) {
    std::vector<ExpressionPtr> values = call.keys;
    for (const OrderKey& key : call.order) values.push_back(key.value);
    ARROW_RETURN_NOT_OK(RejectLater(values, RowNumbers::kBase, "OVER (…)"));
  }
  return RejectLater({outputs.having}, RowNumbers::kBase, "HAVING");
}

/// ORDER BY means a column of the output by its name or number first, then any expression.
Result<std::vector<OrderKey>> BindSelectOrder(const syntax::Query& query,
                                              const SelectOutputs& outputs,
                                              const BindExpression& bind) {
  std::vector<OrderKey> order;
  for (const auto& item : query.order_by) {
    ARROW_ASSIGN_OR_RAISE(
        int output, OrdinalOf(*item.expression, static_cast<int>(outputs.projections.size())));
    const auto* column = item.expression->As<syntax::ColumnRef>();
    if (column != nullptr && column->path.size() == 1) {
      const auto& names = outputs.names;
      const auto name = std::find(names.begin(), names.end(), column->path[0].name);
      if (name != names.end()) output = static_cast<int>(name - names.begin());
    }
    const auto meant = [&](const syntax::ExpressionPtr& expression) -> Result<ExpressionPtr> {
      if (output >= 0) return outputs.projections[static_cast<size_t>(output)];
      return bind(expression);
    };
    ARROW_ASSIGN_OR_RAISE(auto key, BindOrderItem(item, meant));
    order.push_back(std::move(key));
  }
  return order;
}

}  // namespace

Result<std::vector<syntax::SelectItem>> QueryBinder::ExpandStars(const syntax::Select& select,
                                                                 const Scope& scope) {
  std::vector<syntax::SelectItem> items;
  for (const auto& item : select.items) {
    const auto* star = item.expression->As<syntax::Star>();
    if (star == nullptr) {
      items.push_back(item);
      continue;
    }
    if (select.from.empty()) {
      return Error::User("'*' needs a FROM").At(item.expression->position);
    }
    const std::string qualifier = star->qualifier.empty() ? "" : star->qualifier.back().name;
    if (!qualifier.empty() && scope.Find(qualifier) == nullptr) {
      return scope.Unknown({star->qualifier.back(), {"*", item.expression->position}});
    }
    for (const auto& relation : scope.relations()) {
      if (!qualifier.empty() && relation.alias != qualifier) continue;
      for (const SqlField& column : relation.schema.columns()) {
        syntax::ColumnRef path;
        if (!relation.alias.empty())
          path.path.push_back({relation.alias, item.expression->position});
        path.path.push_back({column.name, item.expression->position});
        items.push_back(
            {syntax::MakePtr(syntax::Expression{std::move(path), item.expression->position}), {}});
      }
    }
  }
  return items;
}

Result<Stream> QueryBinder::BindBody(const syntax::Select& select, const syntax::Query& query) {
  ARROW_ASSIGN_OR_RAISE(From from, BindFrom(select));
  ARROW_ASSIGN_OR_RAISE(const auto items, ExpandStars(select, from.scope));
  ARROW_ASSIGN_OR_RAISE(const auto group_window,
                        GroupWindow::Find(select, from.stream, from.scope));
  if (group_window) from.scope.Add("", group_window->columns());

  ModelCalls over_rows(ModelCalls::kRowsBase);
  ModelCalls over_outputs(ModelCalls::kOutputsBase, &over_rows);
  ExpressionBinder rows(context_, from.scope);
  rows.AllowModels(&over_rows);
  rows.SetAliases(&items);
  rows.SetCallHook([&](const syntax::FunctionCall& call, Position at) -> Result<ExpressionPtr> {
    return group_window ? group_window->Bind(call, at) : ExpressionPtr();
  });

  std::vector<ExpressionPtr> before, after;  // of WHERE: what needs no model, and what does
  if (select.where) {
    rows.SetClause("WHERE");
    ARROW_ASSIGN_OR_RAISE(const auto where, rows.BindCondition(*select.where));
    for (const auto& conjunct : SplitConjuncts(where)) {
      (UsesModel(*conjunct) ? after : before).push_back(conjunct);
    }
  }
  rows.SetClause("GROUP BY");
  const BindExpression bind_row = [&](const syntax::ExpressionPtr& e) { return rows.Bind(e); };
  ARROW_ASSIGN_OR_RAISE(auto group, BindGroupBy(select.group_by, bind_row));
  if (group_window) group.AddToAll(group_window->End(query.position), "$window_end");

  AggregateCalls aggregates;
  SelectOutputs outputs;
  ExpressionBinder binder(context_, from.scope);
  binder.AllowModels(&over_outputs);
  binder.AllowAggregates(&aggregates, &over_rows);
  const BindExpression bind = [&](const syntax::ExpressionPtr& e) { return binder.Bind(e); };
  binder.SetCallHook([&](const syntax::FunctionCall& call, Position at) -> Result<ExpressionPtr> {
    ARROW_ASSIGN_OR_RAISE(auto meant, group_window ? group_window->Bind(call, at)
                                                   : Result<ExpressionPtr>(ExpressionPtr()));
    if (meant) return meant;
    ARROW_ASSIGN_OR_RAISE(
        meant, BindGroupingCall(call, at, group, bind_row,
                                [&](const std::string& name, std::vector<ExpressionPtr> arguments) {
                                  return binder.Call(name, std::move(arguments), at);
                                }));
    if (meant) return meant;
    return outputs.row_numbers.Bind(call, at, select.windows, bind);
  });
  binder.SetClause("the select list");
  for (size_t i = 0; i < items.size(); ++i) {
    ARROW_ASSIGN_OR_RAISE(auto value, binder.Bind(items[i].expression));
    outputs.projections.push_back(std::move(value));
    outputs.names.push_back(NameOf(items[i], i));
  }
  binder.SetAliases(&items);
  if (select.having) {
    binder.SetClause("HAVING");
    ARROW_ASSIGN_OR_RAISE(outputs.having, binder.BindCondition(*select.having));
  }
  if (select.qualify) {
    binder.SetClause("QUALIFY");
    ARROW_ASSIGN_OR_RAISE(outputs.qualify, binder.BindCondition(*select.qualify));
  }
  if (!select.distinct) {
    binder.SetClause("ORDER BY");
    ARROW_ASSIGN_OR_RAISE(outputs.order, BindSelectOrder(query, outputs, bind));
  }

  ARROW_RETURN_NOT_OK(CheckOrder(outputs, aggregates.calls(), over_outputs));

  const std::string state_id = HintedStateId(select.hints);
  Stream stream = PlaceTopN(nodes_, name_, state_id, std::move(from.stream), std::move(before));
  if (group_window) {
    ARROW_ASSIGN_OR_RAISE(stream, PlaceGroupWindow(*group_window, group, std::move(stream)));
  }
  Placement place;
  place.rows_at = stream.schema().size();
  ARROW_ASSIGN_OR_RAISE(stream, PlacePredictions(std::move(stream), over_rows, place));
  if (!after.empty()) {
    stream = {nodes_.Filter(name_, std::move(stream), place(JoinConjuncts(std::move(after)))), 0};
  }
  if (!select.group_by.empty() || !aggregates.calls().empty() || outputs.having) {
    const auto windows = stream.port == 0 ? stream.node->times.windows : std::nullopt;
    ARROW_ASSIGN_OR_RAISE(const auto aggregation,
                          Aggregation::Make(std::move(group), aggregates.calls(), windows));
    const Schema input = from.scope.schema();
    const auto over_groups = [&](const ExpressionPtr& expression) {
      return aggregation.OverGroups(expression, input);
    };
    ARROW_RETURN_NOT_OK(outputs.ForEach(over_groups));
    for (auto& call : over_outputs.calls()) {
      for (auto& argument : call.arguments) {
        ARROW_ASSIGN_OR_RAISE(argument, over_groups(argument));
      }
    }
    ARROW_ASSIGN_OR_RAISE(
        stream, aggregation.Place(context_, nodes_, name_, state_id, std::move(stream), place));
  }
  place.outputs_at = stream.schema().size();
  ARROW_ASSIGN_OR_RAISE(stream, PlacePredictions(std::move(stream), over_outputs, place));
  ARROW_RETURN_NOT_OK(
      outputs.ForEach([&](const ExpressionPtr& e) -> Result<ExpressionPtr> { return place(e); }));
  if (!outputs.row_numbers.calls().empty()) {
    if (outputs.having) {
      stream = {nodes_.Filter(name_, std::move(stream), std::exchange(outputs.having, nullptr)), 0};
    }
    ARROW_ASSIGN_OR_RAISE(stream, PlaceRowNumbers(std::move(stream), &outputs));
  }
  if (outputs.qualify) {
    stream = PlaceTopN(nodes_, name_, state_id, std::move(stream), SplitConjuncts(outputs.qualify));
  }
  return Project(select, query, std::move(stream), std::move(outputs));
}

Result<Stream> QueryBinder::PlaceRowNumbers(Stream stream, SelectOutputs* outputs) {
  std::vector<int> columns;
  for (const auto& call : outputs->row_numbers.calls()) {
    stream = PlaceRowNumber(context_, nodes_, name_, std::move(stream), call);
    row_numbers_[stream.node] = call.position;
    columns.push_back(stream.schema().size() - 1);
  }
  ARROW_RETURN_NOT_OK(outputs->ForEach(
      [&](const ExpressionPtr& e) -> Result<ExpressionPtr> { return WithRowNumbers(e, columns); }));
  return stream;
}

Result<Stream> QueryBinder::PlaceGroupWindow(const GroupWindow& window, const GroupKeys& group,
                                             Stream stream) {
  WindowConfig config;
  config.window = window.spec();
  const int width = stream.schema().size();
  if (config.window.kind == WindowSpec::Kind::kSession) {
    for (const auto& key : group.keys) {
      if (key->IsColumn() && key->column < width) config.keys.push_back(key->column);
      if (key->IsColumn()) continue;
      return NotPlanned("a SESSION window with an expression as key", key->position,
                        "compute it in a subquery");
    }
  }
  return Stream{nodes_.Window(name_, std::move(stream), std::move(config)), 0};
}

Result<Stream> QueryBinder::Project(const syntax::Select& select, const syntax::Query& query,
                                    Stream stream, SelectOutputs outputs) {
  const size_t width = outputs.projections.size();
  for (OrderKey& key : outputs.order) {
    auto& columns = outputs.projections;
    auto at = std::find_if(columns.begin(), columns.end(),
                           [&](const ExpressionPtr& e) { return Equal(*e, *key.value); });
    if (at == columns.end()) {
      outputs.names.push_back("$order" + std::to_string(columns.size() - width));
      at = columns.insert(columns.end(), key.value);
    }
    key.value = Expression::Column(static_cast<int>(at - columns.begin()), (*at)->type,
                                   key.value->position);
  }
  const std::vector<std::string> names(outputs.names.begin(),
                                       outputs.names.begin() + static_cast<std::ptrdiff_t>(width));
  stream = {nodes_.Calc(name_, std::move(stream), std::move(outputs.having),
                        std::move(outputs.projections), std::move(outputs.names)),
            0};
  if (select.distinct) {
    ARROW_ASSIGN_OR_RAISE(stream, Distinct(std::move(stream)));
    return BindOrder(query, std::move(stream));
  }
  ARROW_ASSIGN_OR_RAISE(stream, PlaceOrder(query, std::move(stream), outputs.order));
  if (static_cast<size_t>(stream.schema().size()) == width) return stream;
  auto shown = sql::ColumnsOf(stream.schema());
  shown.resize(width);
  return Stream{nodes_.Calc(name_, std::move(stream), nullptr, std::move(shown), names), 0};
}

}  // namespace millrace::sql

#include "sql/query_binder.h"

#include <algorithm>

#include "expr/type_rules.h"
#include "sql/aggregation.h"
#include "sql/conjuncts.h"
#include "sql/table_binder.h"

namespace millrace::sql {
namespace {

constexpr int kMaxViewDepth = 64;

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

std::string GroupKeyName(const syntax::Expression& key, size_t index) {
  if (const auto* column = key.As<syntax::ColumnRef>()) return column->path.back().name;
  return "$key" + std::to_string(index);
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

}  // namespace

Result<Stream> QueryBinder::Bind(const syntax::Query& query, const std::string& name) {
  if (++depth_ > kMaxViewDepth) {
    return Error::User("views nest more than " + std::to_string(kMaxViewDepth) + " deep")
        .At(query.position);
  }
  const std::string outer_name = std::exchange(name_, name);
  const size_t outer_ctes = ctes_.size();
  const auto bind = [&]() -> Result<Stream> {
    for (const auto& cte : query.with) {
      ARROW_ASSIGN_OR_RAISE(auto stream, Bind(*cte.query, cte.name.name));
      ARROW_ASSIGN_OR_RAISE(stream, Rename(std::move(stream), cte.columns, cte.name));
      ctes_.push_back({&cte, std::move(stream)});
    }
    if (!query.order_by.empty())
      return NotPlanned("ORDER BY", query.order_by[0].expression->position);
    ARROW_ASSIGN_OR_RAISE(
        auto stream,
        std::visit([&](const auto& body) { return BindBody(body, query.position); }, query.body));
    return BindLimit(query, std::move(stream));
  };
  auto bound = bind();
  ctes_.resize(outer_ctes);
  name_ = outer_name;
  --depth_;
  return bound;
}

Result<Stream> QueryBinder::Rename(Stream stream, const std::vector<syntax::Identifier>& columns,
                                   const syntax::Identifier& of) {
  if (columns.empty()) return stream;
  if (static_cast<int>(columns.size()) != stream.schema().size()) {
    return Error::User("'" + of.name + "' names " + std::to_string(columns.size()) +
                       " columns, but its rows have " + std::to_string(stream.schema().size()))
        .At(of.position);
  }
  std::vector<std::string> names;
  for (const auto& column : columns) names.push_back(column.name);
  auto projections = sql::ColumnsOf(stream.schema());
  return Stream{
      nodes_.Calc(of.name, std::move(stream), nullptr, std::move(projections), std::move(names)),
      0};
}

Result<Stream> QueryBinder::BindLimit(const syntax::Query& query, Stream stream) {
  if (!query.limit && !query.offset) return stream;
  if (!stream.append_only())
    return NotPlanned("LIMIT over results that are updated", query.position);
  LimitConfig config;
  config.offset = query.offset.value_or(0);
  config.limit = query.limit.value_or(std::numeric_limits<int64_t>::max());
  return Stream{nodes_.Limit(name_, std::move(stream), config), 0};
}

Status QueryBinder::RejectUnplanned(const syntax::Select& select) {
  if (select.qualify) return NotPlanned("QUALIFY", select.qualify->position);
  if (!select.windows.empty()) return NotPlanned("WINDOW", select.windows[0].name.position);
  for (const auto& grouping : select.group_by) {
    if (grouping.kind != syntax::Grouping::kExpressions) {
      return NotPlanned("GROUPING SETS, ROLLUP and CUBE", grouping.position);
    }
  }
  return Status::OK();
}

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

Result<Stream> QueryBinder::PlacePredictions(
    Stream input, ModelCalls& models,
    const std::function<ExpressionPtr(const ExpressionPtr&)>& place) {
  for (const auto& call : models.calls()) {
    PredictConfig config;
    config.model = call.model->config;
    for (const auto& argument : call.arguments) config.arguments.push_back(place(argument));
    config.names = config.model.output.Names();
    ARROW_ASSIGN_OR_RAISE(input, Predict(std::move(input), std::move(config), call.position));
  }
  return input;
}

Result<Stream> QueryBinder::Predict(Stream input, PredictConfig config, Position at) {
  if (!input.append_only()) {
    return Error::User("the model '" + config.model.name +
                       "' would score rows that are updated later")
        .At(at)
        .Hint("score before the aggregation, or SET 'execution.runtime-mode' = 'batch'");
  }
  return Stream{nodes_.Predict(name_, std::move(input), std::move(config)), 0};
}

Result<Stream> QueryBinder::BindBody(const syntax::Select& select, Position) {
  ARROW_RETURN_NOT_OK(RejectUnplanned(select));
  ARROW_ASSIGN_OR_RAISE(From from, BindFrom(select));
  ARROW_ASSIGN_OR_RAISE(const auto items, ExpandStars(select, from.scope));

  ModelCalls over_rows(ModelCalls::kRowsBase);
  ModelCalls over_outputs(ModelCalls::kOutputsBase, &over_rows);
  ExpressionBinder rows(context_, from.scope);
  rows.AllowModels(&over_rows);
  rows.SetAliases(&items);

  std::vector<ExpressionPtr> before, after;  // of WHERE: what needs no model, and what does
  if (select.where) {
    rows.SetClause("WHERE");
    ARROW_ASSIGN_OR_RAISE(const auto where, rows.BindCondition(*select.where));
    for (const auto& conjunct : SplitConjuncts(where)) {
      (UsesModel(*conjunct) ? after : before).push_back(conjunct);
    }
  }
  std::vector<ExpressionPtr> keys;
  std::vector<std::string> key_names;
  rows.SetClause("GROUP BY");
  for (const auto& grouping : select.group_by) {
    for (const auto& key : grouping.expressions) {
      ARROW_ASSIGN_OR_RAISE(auto bound, rows.Bind(key));
      key_names.push_back(GroupKeyName(*key, keys.size()));
      keys.push_back(std::move(bound));
    }
  }

  AggregateCalls aggregates;
  ExpressionBinder outputs(context_, from.scope);
  outputs.AllowModels(&over_outputs);
  outputs.AllowAggregates(&aggregates, &over_rows);
  outputs.SetClause("the select list");
  std::vector<ExpressionPtr> projections;
  std::vector<std::string> names;
  for (size_t i = 0; i < items.size(); ++i) {
    ARROW_ASSIGN_OR_RAISE(auto value, outputs.Bind(items[i].expression));
    projections.push_back(std::move(value));
    names.push_back(NameOf(items[i], i));
  }
  ExpressionPtr having;
  if (select.having) {
    outputs.SetAliases(&items);
    outputs.SetClause("HAVING");
    ARROW_ASSIGN_OR_RAISE(having, outputs.BindCondition(*select.having));
  }

  Stream stream = std::move(from.stream);
  if (!before.empty()) {
    stream = {nodes_.Filter(name_, std::move(stream), JoinConjuncts(std::move(before))), 0};
  }
  Placement place;
  place.rows_at = stream.schema().size();
  ARROW_ASSIGN_OR_RAISE(stream, PlacePredictions(std::move(stream), over_rows, place));
  if (!after.empty()) {
    stream = {nodes_.Filter(name_, std::move(stream), place(JoinConjuncts(std::move(after)))), 0};
  }
  if (!select.group_by.empty() || !aggregates.calls().empty() || having) {
    const Aggregation aggregation(std::move(keys), std::move(key_names), aggregates.calls());
    const Schema input = from.scope.schema();
    const auto over_groups = [&](std::vector<ExpressionPtr>& expressions) -> Status {
      for (auto& expression : expressions) {
        ARROW_ASSIGN_OR_RAISE(expression, aggregation.OverGroups(expression, input));
      }
      return Status::OK();
    };
    ARROW_RETURN_NOT_OK(over_groups(projections));
    for (auto& call : over_outputs.calls()) ARROW_RETURN_NOT_OK(over_groups(call.arguments));
    if (having) {
      ARROW_ASSIGN_OR_RAISE(having, aggregation.OverGroups(having, input));
    }
    stream = aggregation.Place(context_, nodes_, name_, HintedStateId(select.hints),
                               std::move(stream), place);
  }
  place.outputs_at = stream.schema().size();
  ARROW_ASSIGN_OR_RAISE(stream, PlacePredictions(std::move(stream), over_outputs, place));
  for (auto& projection : projections) projection = place(projection);
  if (having) having = place(having);
  stream = {nodes_.Calc(name_, std::move(stream), std::move(having), std::move(projections),
                        std::move(names)),
            0};
  return select.distinct ? Distinct(std::move(stream)) : stream;
}

Stream QueryBinder::Distinct(Stream stream) {
  const Schema schema = stream.schema();
  const Aggregation all_columns(sql::ColumnsOf(schema), schema.Names(), {});
  return all_columns.Place(context_, nodes_, name_, {}, std::move(stream),
                           [](const ExpressionPtr& e) { return e; });
}

}  // namespace millrace::sql

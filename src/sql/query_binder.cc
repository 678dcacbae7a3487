#include "sql/query_binder.h"

#include <algorithm>

#include "sql/aggregation.h"
#include "sql/graph.h"
#include "sql/table_binder.h"

namespace millrace::sql {
namespace {

constexpr int kMaxViewDepth = 64;

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
    return std::visit([&](const auto& body) { return BindBody(body, query); }, query.body);
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

Result<Stream> QueryBinder::BindOrder(const syntax::Query& query, Stream stream) {
  Scope columns;
  columns.Add("", stream.schema());
  ExpressionBinder binder(context_, columns);
  binder.SetClause("ORDER BY");
  std::vector<OrderKey> order;
  for (const auto& item : query.order_by) {
    ARROW_ASSIGN_OR_RAISE(auto key, BindOrderItem(item, [&](const syntax::ExpressionPtr& e) {
                            return binder.Bind(e);
                          }));
    ARROW_ASSIGN_OR_RAISE(const int ordinal, OrdinalOf(*item.expression, stream.schema().size()));
    if (ordinal >= 0) key.value = ColumnOf(stream.schema(), ordinal);
    order.push_back(std::move(key));
  }
  return PlaceOrder(query, std::move(stream), order);
}

Result<Stream> QueryBinder::PlaceOrder(const syntax::Query& query, Stream stream,
                                       const std::vector<OrderKey>& order) {
  if (order.empty()) return BindLimit(query, std::move(stream));
  const bool batch = context_.Setting("execution.runtime-mode", "streaming") == "batch";
  if (!query.limit && !(batch && stream.node->bounded)) {
    return NotPlanned("ORDER BY without LIMIT on a stream", query.order_by[0].expression->position,
                      "add LIMIT n for the first n rows, kept up to date, or SET "
                      "'execution.runtime-mode' = 'batch' for bounded input");
  }
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  const int64_t offset = query.offset.value_or(0);
  if (query.limit == 0 || offset == kMost) return BindLimit(query, std::move(stream));
  const int64_t last = query.limit && *query.limit < kMost - offset ? offset + *query.limit : kMost;
  const Schema schema = stream.schema();
  stream = PlaceSort(context_, nodes_, name_, std::move(stream), order, offset + 1, last);
  auto projections = sql::ColumnsOf(schema);
  return Stream{
      nodes_.Calc(name_, std::move(stream), nullptr, std::move(projections), schema.Names()), 0};
}

Status QueryBinder::CheckRunnable(const std::vector<LogicalNodePtr>& sinks) const {
  for (const auto& node : TopologicalOrder(sinks)) {
    const auto written = row_numbers_.find(node);
    if (written == row_numbers_.end() || !IsUnboundedRowNumber(*node)) continue;
    return NotPlanned("ROW_NUMBER() OVER without a bound", written->second,
                      "a condition such as rn <= 10 on it in the query around makes it a Top-N");
  }
  return Status::OK();
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

Result<Stream> QueryBinder::PlacePredictions(
    Stream input, ModelCalls& models,
    const std::function<ExpressionPtr(const ExpressionPtr&)>& place) {
  for (const auto& call : models.calls()) {
    PredictConfig config;
    config.model = call.model->config;
    for (const auto& argument : call.arguments) config.arguments.push_back(place(argument));
    config.names = config.model.output.Names();
    ARROW_ASSIGN_OR_RAISE(
        input, Predict(std::move(input), *call.model, std::move(config), {}, call.position));
  }
  return input;
}

Result<Stream> QueryBinder::Predict(Stream input, const Model& model, PredictConfig config,
                                    const std::vector<int>& partition_by, Position at) {
  if (!input.append_only()) {
    return Error::User("the model '" + config.model.name +
                       "' would score rows that are updated later")
        .At(at)
        .Hint("score before the aggregation, or SET 'execution.runtime-mode' = 'batch'");
  }
  if (config.model.provider == "stream") {
    return PredictByStream(std::move(input), model, std::move(config), partition_by, at);
  }
  if (!partition_by.empty() || !config.version_name.empty()) {
    return Error::User("the model '" + config.model.name + "' has one version, of the provider '" +
                       config.model.provider + "'")
        .At(at)
        .Hint("PARTITION BY and 'version-column' are for models of the provider 'stream'");
  }
  for (const int column : config.model.sequence_columns) {
    const Expression* argument = config.arguments[static_cast<size_t>(column)].get();
    while (argument->IsCall("CAST")) argument = argument->arguments[0].get();
    if (!argument->IsColumn()) {
      return Error::User("the column `" + config.model.input.column(column).name + "` of model '" +
                         config.model.name +
                         "' names the row's sequence, so its argument must be a column")
          .At(at)
          .Hint("compute it in a view or subquery first");
    }
    auto& keys = config.keys;
    if (std::ranges::find(keys, argument->column) == keys.end()) keys.push_back(argument->column);
  }
  return Stream{nodes_.Predict(name_, std::move(input), std::move(config)), 0};
}

Result<Stream> QueryBinder::Distinct(Stream stream) {
  GroupKeys all_columns;
  all_columns.keys = sql::ColumnsOf(stream.schema());
  all_columns.names = stream.schema().Names();
  all_columns.sets.resize(1);
  for (int i = 0; i < stream.schema().size(); ++i) all_columns.sets[0].push_back(i);
  ARROW_ASSIGN_OR_RAISE(const auto aggregation, Aggregation::Make(std::move(all_columns), {}, {}));
  return aggregation.Place(context_, nodes_, name_, {}, std::move(stream),
                           [](const ExpressionPtr& e) { return e; });
}

}  // namespace millrace::sql

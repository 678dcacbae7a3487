#include "sql/logical_node.h"

#include <algorithm>

#include "spi/model.h"
#include "spi/source.h"

namespace millrace::sql {
namespace {

template <class Config>
NodeConfigPtr Share(Config config) {
  return std::make_shared<const Config>(std::move(config));
}

/// Where input column `column` is found among `projections`; -1 where it is not passed on.
int FindProjected(const std::vector<ExpressionPtr>& projections, int column) {
  const auto it = std::find_if(projections.begin(), projections.end(), [&](const ExpressionPtr& e) {
    return e->IsColumn() && e->column == column;
  });
  return it == projections.end() ? -1 : static_cast<int>(it - projections.begin());
}

}  // namespace

const PortPlan& Stream::plan() const { return node->ports[static_cast<size_t>(port)]; }

ExpressionPtr ColumnOf(const Schema& schema, int column, Position at) {
  return Expression::Column(column, schema.column(column).type, at);
}

std::vector<ExpressionPtr> ColumnsOf(const Schema& schema) {
  std::vector<ExpressionPtr> columns;
  for (int i = 0; i < schema.size(); ++i) columns.push_back(ColumnOf(schema, i));
  return columns;
}

NodeId NodeFactory::UniqueId(const std::string& context, std::string_view op,
                             const std::string& detail) {
  NodeId id = context + '/' + std::string(op);
  if (!detail.empty()) id += '(' + detail + ')';
  const int n = ++used_[id];
  return n == 1 ? id : id + '#' + std::to_string(n);
}

LogicalNodePtr NodeFactory::Make(NodeId id, NodeConfigPtr config, std::vector<Stream> inputs,
                                 std::vector<PortPlan> ports) {
  auto node = std::make_shared<LogicalNode>();
  node->id = std::move(id);
  node->config = std::move(config);
  node->bounded = std::all_of(inputs.begin(), inputs.end(),
                              [](const Stream& input) { return input.node->bounded; });
  node->inputs = std::move(inputs);
  node->ports = std::move(ports);
  return node;
}

LogicalNodePtr NodeFactory::Calc(const std::string& context, Stream input, ExpressionPtr condition,
                                 std::vector<ExpressionPtr> projections,
                                 std::vector<std::string> names) {
  const PortPlan& from = input.plan();
  PortPlan main;
  main.name = "main";
  main.changelog = from.changelog;
  for (size_t i = 0; i < projections.size(); ++i) main.schema.Add(names[i], projections[i]->type);
  if (from.rowtime >= 0) main.rowtime = FindProjected(projections, from.rowtime);
  for (const int column : from.key) {
    const int at = FindProjected(projections, column);
    if (at < 0) {
      main.key.clear();
      break;
    }
    main.key.push_back(at);
  }
  CalcConfig config;
  config.condition = std::move(condition);
  config.projections = std::move(projections);
  config.names = std::move(names);
  return Make(UniqueId(context, CalcConfig::kOp), Share(std::move(config)), {std::move(input)},
              {std::move(main)});
}

LogicalNodePtr NodeFactory::Filter(const std::string& context, Stream input,
                                   ExpressionPtr condition) {
  const Schema schema = input.schema();
  return Calc(context, std::move(input), std::move(condition), ColumnsOf(schema), schema.Names());
}

LogicalNodePtr NodeFactory::Predict(const std::string& context, Stream input,
                                    PredictConfig config) {
  PortPlan main = input.plan();
  main.name = "main";
  for (size_t i = 0; i < config.names.size(); ++i) {
    main.schema.Add(config.names[i],
                    config.model.output.column(static_cast<int>(i)).type.AsNullable());
  }
  PortPlan failed;
  failed.name = "failed";
  failed.schema = FailedRowsSchema(input.schema());
  NodeId id = UniqueId(context, PredictConfig::kOp, config.model.name);
  return Make(std::move(id), Share(std::move(config)), {std::move(input)},
              {std::move(main), std::move(failed)});
}

LogicalNodePtr NodeFactory::Unnest(const std::string& context, Stream input, UnnestConfig config,
                                   const Schema& added) {
  PortPlan main = input.plan();
  main.name = "main";
  main.key.clear();
  for (const SqlField& column : added.columns()) main.schema.Add(column.name, column.type);
  return Make(UniqueId(context, UnnestConfig::kOp), Share(std::move(config)), {std::move(input)},
              {std::move(main)});
}

LogicalNodePtr NodeFactory::Aggregate(const std::string& context, Stream input,
                                      AggregateConfig config, const std::string& state_id) {
  PortPlan main;
  main.name = "main";
  std::string keys;
  for (size_t i = 0; i < config.keys.size(); ++i) {
    main.schema.Add(config.key_names[i], input.schema().column(config.keys[i]).type);
    main.key.push_back(static_cast<int>(i));
    keys += (i == 0 ? "" : ",") + config.key_names[i];
  }
  for (const AggregateCall& call : config.aggregates) main.schema.Add(call.name, call.type);
  main.changelog = config.output == AggregateConfig::Output::kFinal ? ChangelogMode::kAppend
                                                                    : ChangelogMode::kRetract;
  NodeId id = state_id.empty() ? UniqueId(context, AggregateConfig::kOp, keys) : state_id;
  return Make(std::move(id), Share(std::move(config)), {std::move(input)}, {std::move(main)});
}

LogicalNodePtr NodeFactory::Limit(const std::string& context, Stream input, LimitConfig config) {
  PortPlan main = input.plan();
  main.name = "main";
  return Make(UniqueId(context, LimitConfig::kOp), Share(std::move(config)), {std::move(input)},
              {std::move(main)});
}

LogicalNodePtr NodeFactory::Union(const std::string& context, std::vector<Stream> inputs) {
  PortPlan main = inputs[0].plan();
  main.name = "main";
  main.key.clear();
  for (const Stream& input : inputs) {
    main.changelog = std::max(main.changelog, input.plan().changelog);
    if (input.plan().rowtime != main.rowtime) main.rowtime = -1;
  }
  return Make(UniqueId(context, "union"), nullptr, std::move(inputs), {std::move(main)});
}

LogicalNodePtr NodeFactory::Source(SourceConfig config, PortPlan main, bool bounded) {
  PortPlan rejected;
  rejected.name = "rejected";
  rejected.schema = RejectedSchema();
  NodeId id = UniqueId(config.table.name, SourceConfig::kOp);
  auto node = std::make_shared<LogicalNode>();
  node->id = std::move(id);
  node->config = Share(std::move(config));
  node->ports = {std::move(main), std::move(rejected)};
  node->bounded = bounded;
  return node;
}

LogicalNodePtr NodeFactory::Values(const std::string& context, ValuesConfig config) {
  PortPlan main;
  main.name = "main";
  main.schema = config.schema;
  return Make(UniqueId(context, ValuesConfig::kOp), Share(std::move(config)), {},
              {std::move(main)});
}

LogicalNodePtr NodeFactory::Sink(Stream input, SinkConfig config) {
  PortPlan rejected;
  rejected.name = "rejected";
  rejected.schema = RejectedSchema();
  NodeId id = UniqueId(config.table.name, SinkConfig::kOp);
  return Make(std::move(id), Share(std::move(config)), {std::move(input)}, {std::move(rejected)});
}

LogicalNodePtr NodeFactory::Collect(Stream input, CollectConfig config) {
  NodeId id = UniqueId("result", CollectConfig::kOp);
  return Make(std::move(id), Share(std::move(config)), {std::move(input)}, {});
}

}  // namespace millrace::sql

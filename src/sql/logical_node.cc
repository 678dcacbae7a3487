#include "sql/logical_node.h"

#include <algorithm>

#include "plan/micro_batch.h"
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

/// The time columns of `input` behind a projection.
TimeColumns Projected(const TimeColumns& input, const std::vector<ExpressionPtr>& projections) {
  TimeColumns out;
  for (size_t i = 0; i < projections.size(); ++i) {
    const Expression& value = *projections[i];
    const auto& known = input.processing_time;
    const bool passed =
        value.IsColumn() && std::find(known.begin(), known.end(), value.column) != known.end();
    if (passed || value.IsCall("PROCTIME")) out.processing_time.push_back(static_cast<int>(i));
  }
  if (!input.windows) return out;
  WindowColumns windows = *input.windows;
  for (int* column : {&windows.start, &windows.end, &windows.time, &windows.of}) {
    if (*column >= 0) *column = FindProjected(projections, *column);
  }
  if (windows.start >= 0 && windows.end >= 0) out.windows = windows;
  return out;
}

const TimeColumns& TimesOf(const Stream& input) {
  static const TimeColumns kNone;
  return input.port == 0 ? input.node->times : kNone;
}

std::string Joined(const Schema& schema, const std::vector<int>& columns) {
  std::string out;
  for (const int column : columns) out += (out.empty() ? "" : ",") + schema.column(column).name;
  return out;
}

/// Versions of models that are not served: their key, and why.
PortPlan QuarantinePort(const ModelStream& stream, const Schema& records) {
  PortPlan port;
  port.name = "quarantined";
  for (const int key : stream.record_keys) {
    port.schema.Add(records.column(key).name, records.column(key).type);
  }
  const SqlType text = SqlType::String();
  for (const char* name : {"model", "type"}) port.schema.Add(name, text);
  port.schema.Add("version", SqlType::BigInt());
  for (const char* name : {"location", "reason"}) port.schema.Add(name, text);
  return port;
}

PortPlan LatePort(const PortPlan& input) {
  PortPlan late;
  late.name = "late";
  late.schema = input.schema;
  late.changelog = input.changelog;
  return late;
}

/// `name`, or with zeros behind it where the schema has it already, as in Flink.
std::string FreeName(const Schema& schema, std::string name) {
  while (schema.Find(name) >= 0) name += '0';
  return name;
}

/// The columns window_start, window_end and window_time at the end of `schema`.
WindowColumns AddWindowColumns(Schema& schema, const SqlType& time_type, bool processing_time) {
  WindowColumns windows;
  windows.time_type = time_type;
  windows.processing_time = processing_time;
  windows.start = schema.size();
  windows.end = windows.start + 1;
  windows.time = windows.start + 2;
  for (const char* name : {"window_start", "window_end"}) {
    schema.Add(FreeName(schema, name), SqlType::Timestamp(3).AsNotNull());
  }
  schema.Add(FreeName(schema, "window_time"), time_type);
  return windows;
}

}  // namespace

const PortPlan& Stream::plan() const { return node->ports[static_cast<size_t>(port)]; }

PortPlan ReadBySource(const SourceConfig& config) {
  PortPlan read;
  for (const int column : config.projection) {
    const SqlField& physical = config.table.physical.column(column);
    read.schema.Add(physical.name, physical.type);
  }
  for (const MetadataColumn& column : config.metadata) read.schema.Add(column.name, column.type);
  return read;
}

PortPlan FailedPort(const PortPlan& input) {
  PortPlan failed = input;
  failed.name = kFailedPort;
  failed.schema.Add("cause", SqlType::String());
  failed.rowtime = -1;
  return failed;
}

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
                                 std::vector<PortPlan> ports, TimeColumns times) {
  auto node = std::make_shared<LogicalNode>();
  node->id = std::move(id);
  node->config = std::move(config);
  node->bounded = std::all_of(inputs.begin(), inputs.end(),
                              [](const Stream& input) { return input.node->bounded; });
  node->inputs = std::move(inputs);
  node->ports = std::move(ports);
  node->times = std::move(times);
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
  TimeColumns times = Projected(TimesOf(input), projections);
  CalcConfig config;
  config.condition = std::move(condition);
  config.projections = std::move(projections);
  config.names = std::move(names);
  PortPlan failed = FailedPort(input.plan());
  return Make(UniqueId(context, CalcConfig::kOp), Share(std::move(config)), {std::move(input)},
              {std::move(main), std::move(failed)}, std::move(times));
}

LogicalNodePtr NodeFactory::Filter(const std::string& context, Stream input,
                                   ExpressionPtr condition) {
  const Schema schema = input.schema();
  return Calc(context, std::move(input), std::move(condition), ColumnsOf(schema), schema.Names());
}

LogicalNodePtr NodeFactory::Predict(const std::string& context, Stream input, PredictConfig config,
                                    std::optional<Stream> versions) {
  PortPlan main = input.plan();
  main.name = "main";
  const Schema outputs = IsMicroBatch(config.model.input, config.arguments)
                             ? ArraysOf(config.model.output)
                             : config.model.output;
  for (size_t i = 0; i < config.names.size(); ++i) {
    main.schema.Add(config.names[i], outputs.column(static_cast<int>(i)).type.AsNullable());
  }
  if (!config.version_name.empty()) main.schema.Add(config.version_name, SqlType::String());
  PortPlan failed;
  failed.name = kFailedPort;
  failed.schema = FailedRowsSchema(input.schema());
  NodeId id = UniqueId(context, PredictConfig::kOp, config.model.name);
  TimeColumns times = TimesOf(input);
  std::vector<PortPlan> ports = {std::move(main), std::move(failed)};
  std::vector<Stream> inputs = {std::move(input)};
  if (versions) {
    ports.push_back(QuarantinePort(*config.stream, versions->schema()));
    if (config.stream->rollout.kind == RolloutKind::kShadow) {
      PortPlan& shadow = ports.emplace_back();
      shadow.name = kShadowPort;
      shadow.schema = ShadowRowsSchema(inputs[0].schema(), config);
    }
    inputs.push_back(std::move(*versions));
  }
  return Make(std::move(id), Share(std::move(config)), std::move(inputs), std::move(ports),
              std::move(times));
}

LogicalNodePtr NodeFactory::Unnest(const std::string& context, Stream input, UnnestConfig config,
                                   const Schema& added) {
  PortPlan main = input.plan();
  main.name = "main";
  main.key.clear();
  for (const SqlField& column : added.columns()) main.schema.Add(column.name, column.type);
  PortPlan failed = FailedPort(input.plan());
  TimeColumns times = TimesOf(input);
  return Make(UniqueId(context, UnnestConfig::kOp), Share(std::move(config)), {std::move(input)},
              {std::move(main), std::move(failed)}, std::move(times));
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
  PortPlan failed = FailedPort(input.plan());
  return Make(std::move(id), Share(std::move(config)), {std::move(input)},
              {std::move(main), std::move(failed)});
}

LogicalNodePtr NodeFactory::Limit(const std::string& context, Stream input, LimitConfig config) {
  PortPlan main = input.plan();
  main.name = "main";
  TimeColumns times = TimesOf(input);
  return Make(UniqueId(context, LimitConfig::kOp), Share(std::move(config)), {std::move(input)},
              {std::move(main)}, std::move(times));
}

LogicalNodePtr NodeFactory::Window(const std::string& context, Stream input, WindowConfig config) {
  PortPlan main = input.plan();
  main.name = "main";
  main.key.clear();
  const bool processing_time = config.window.time_column < 0;
  const SqlType time_type = processing_time ? SqlType::TimestampLtz(3)
                                            : main.schema.column(config.window.time_column).type;
  TimeColumns times = TimesOf(input);
  times.windows = AddWindowColumns(main.schema, time_type.AsNotNull(), processing_time);
  times.windows->of = config.window.time_column;
  main.rowtime = processing_time ? -1 : times.windows->time;
  std::vector<PortPlan> ports = {std::move(main)};
  const bool waits = config.window.kind == WindowSpec::Kind::kSession && !processing_time;
  if (waits) ports.push_back(LatePort(input.plan()));
  if (!processing_time) ports.push_back(FailedPort(input.plan()));
  NodeId id = UniqueId(context, WindowConfig::kOp, Joined(input.schema(), config.keys));
  return Make(std::move(id), Share(std::move(config)), {std::move(input)}, std::move(ports),
              std::move(times));
}

LogicalNodePtr NodeFactory::WindowAggregate(const std::string& context, Stream input,
                                            WindowAggregateConfig config,
                                            const std::optional<WindowColumns>& windows,
                                            const std::string& state_id) {
  PortPlan main;
  main.name = "main";
  std::string keys;
  for (size_t i = 0; i < config.keys.size(); ++i) {
    main.schema.Add(config.key_names[i], input.schema().column(config.keys[i]).type);
    main.key.push_back(static_cast<int>(i));
    keys += config.key_names[i] + ",";
  }
  const int time_column = config.window.time_column;
  const SqlType time_type = windows            ? windows->time_type
                            : time_column >= 0 ? input.schema().column(time_column).type
                                               : SqlType::TimestampLtz(3);
  TimeColumns times;
  times.windows = AddWindowColumns(main.schema, time_type.AsNotNull(), time_column < 0);
  main.key.push_back(times.windows->start);
  main.key.push_back(times.windows->end);
  if (time_column >= 0) main.rowtime = times.windows->time;
  for (const AggregateCall& call : config.aggregates) main.schema.Add(call.name, call.type);
  if (config.allowed_lateness_us > 0) main.changelog = ChangelogMode::kRetract;
  std::vector<PortPlan> ports = {std::move(main)};
  if (time_column >= 0) ports.push_back(LatePort(input.plan()));
  ports.push_back(FailedPort(input.plan()));
  NodeId id =
      state_id.empty() ? UniqueId(context, WindowAggregateConfig::kOp, keys + "window") : state_id;
  return Make(std::move(id), Share(std::move(config)), {std::move(input)}, std::move(ports),
              std::move(times));
}

LogicalNodePtr NodeFactory::Expand(const std::string& context, Stream input, ExpandConfig config) {
  PortPlan main = input.plan();
  main.name = "main";
  main.key.clear();
  Schema schema;
  for (int i = 0; i < main.schema.size(); ++i) {
    const SqlField& column = main.schema.column(i);
    const bool left_out =
        std::find(config.columns.begin(), config.columns.end(), i) != config.columns.end();
    schema.Add(column.name, left_out ? column.type.AsNullable() : column.type);
  }
  schema.Add(config.id_name, SqlType::BigInt().AsNotNull());
  main.schema = std::move(schema);
  TimeColumns times = TimesOf(input);
  return Make(UniqueId(context, ExpandConfig::kOp), Share(std::move(config)), {std::move(input)},
              {std::move(main)}, std::move(times));
}

LogicalNodePtr NodeFactory::Deduplicate(const std::string& context, Stream input,
                                        DeduplicateConfig config, const std::string& state_id) {
  PortPlan main = input.plan();
  main.name = "main";
  main.key = config.keys;
  const bool closes = config.window_end >= 0;
  main.changelog = config.keep_last && !closes ? ChangelogMode::kRetract : ChangelogMode::kAppend;
  const bool waits = closes || (config.time_column >= 0 && !config.keep_last);
  std::vector<PortPlan> ports = {std::move(main)};
  if (waits) ports.push_back(LatePort(input.plan()));
  NodeId id = state_id.empty()
                  ? UniqueId(context, DeduplicateConfig::kOp, Joined(input.schema(), config.keys))
                  : state_id;
  TimeColumns times = TimesOf(input);
  return Make(std::move(id), Share(std::move(config)), {std::move(input)}, std::move(ports),
              std::move(times));
}

LogicalNodePtr NodeFactory::Rank(const std::string& context, Stream input, RankConfig config,
                                 const std::string& state_id) {
  PortPlan main = input.plan();
  main.name = "main";
  const bool closes = config.window_end >= 0;
  if (!config.number_name.empty()) {
    main.key = config.keys;
    main.key.push_back(main.schema.size());
    main.schema.Add(config.number_name, SqlType::BigInt().AsNotNull());
  }
  main.changelog = closes || config.final ? ChangelogMode::kAppend : ChangelogMode::kRetract;
  if (!closes) main.rowtime = -1;
  std::vector<PortPlan> ports = {std::move(main)};
  if (closes) ports.push_back(LatePort(input.plan()));
  NodeId id = state_id.empty()
                  ? UniqueId(context, RankConfig::kOp, Joined(input.schema(), config.keys))
                  : state_id;
  TimeColumns times = TimesOf(input);
  return Make(std::move(id), Share(std::move(config)), {std::move(input)}, std::move(ports),
              std::move(times));
}

LogicalNodePtr NodeFactory::Union(const std::string& context, std::vector<Stream> inputs) {
  PortPlan main = inputs[0].plan();
  main.name = "main";
  main.key.clear();
  for (const Stream& input : inputs) {
    main.changelog = std::max(main.changelog, input.plan().changelog);
    if (input.plan().rowtime != main.rowtime) main.rowtime = -1;
  }
  TimeColumns times;
  const auto& first = TimesOf(inputs[0]).processing_time;
  const bool same = std::all_of(inputs.begin(), inputs.end(), [&](const Stream& input) {
    return TimesOf(input).processing_time == first;
  });
  if (same) times.processing_time = first;
  return Make(UniqueId(context, "union"), nullptr, std::move(inputs), {std::move(main)},
              std::move(times));
}

LogicalNodePtr NodeFactory::Source(SourceConfig config, PortPlan main, bool bounded) {
  PortPlan rejected;
  rejected.name = "rejected";
  rejected.schema = RejectedSchema();
  NodeId id = UniqueId(config.table.name, SourceConfig::kOp);
  auto node = std::make_shared<LogicalNode>();
  node->id = std::move(id);
  node->ports = {std::move(main), std::move(rejected)};
  if (!config.computed.empty()) node->ports.push_back(FailedPort(ReadBySource(config)));
  node->config = Share(std::move(config));
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

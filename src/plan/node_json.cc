// Every node's configuration to JSON and back.
#include <functional>
#include <map>

#include "base/suggest.h"
#include "plan/enum_json.h"
#include "plan/json.h"
#include "plan/nodes.h"
#include "plan/predict_json.h"

namespace millrace {
namespace plan_json {

template <>
struct EnumNames<AggregateConfig::Output> {
  static constexpr std::string_view kNames[] = {"final", "changelog"};
};

template <>
struct EnumNames<AggregatePhase> {
  static constexpr std::string_view kNames[] = {"single", "local", "global"};
};

template <>
struct EnumNames<WindowSpec::Kind> {
  static constexpr std::string_view kNames[] = {"tumble", "hop", "cumulate", "session", "attached"};
};

template <>
struct EnumNames<NotNullEnforcer> {
  static constexpr std::string_view kNames[] = {"reject", "error", "drop"};
};

}  // namespace plan_json

namespace {
using plan_json::ExpressionsToJson;
using plan_json::ExpressionToJson;
using plan_json::Json;
using plan_json::NameOf;
using plan_json::ObjectReader;
using plan_json::Read;
using plan_json::ReadEnum;
using plan_json::SchemaToJson;
using plan_json::ToJsonOf;
using plan_json::TypeToJson;

Json TableToJson(const TableConfig& table) {
  Json json = {{"name", table.name},
               {"connector", table.connector},
               {"options", table.options},
               {"physical", SchemaToJson(table.physical)}};
  if (!table.primary_key.empty()) json["primary_key"] = table.primary_key;
  return json;
}

void ReadTable(ObjectReader& reader, TableConfig* table) {
  ObjectReader r(reader.Member("table"), reader.PathOf("table"));
  table->name = r.String("name");
  table->connector = r.String("connector");
  table->options = r.StringMap("options");
  table->physical = r.Columns("physical");
  table->primary_key = r.Strings("primary_key");
  reader.Absorb(r.Done());
}

/// Calls `read` on each object of an array member.
void ForEach(ObjectReader& reader, const char* key,
             const std::function<void(ObjectReader&)>& read) {
  const Json& list = reader.Member(key);
  if (list.is_null()) return;
  if (!list.is_array()) return reader.Fail(key, "an array is expected");
  for (size_t i = 0; i < list.size(); ++i) {
    ObjectReader item(list[i], reader.PathOf(key) + '[' + std::to_string(i) + ']');
    read(item);
    reader.Absorb(item.Done());
  }
}

void AddMetadata(const std::vector<MetadataColumn>& columns, Json* json) {
  for (const MetadataColumn& column : columns) {
    (*json)["metadata"].push_back(
        {{"key", column.key}, {"name", column.name}, {"type", TypeToJson(column.type)}});
  }
}

void ReadMetadata(ObjectReader& reader, std::vector<MetadataColumn>* columns) {
  ForEach(reader, "metadata", [&](ObjectReader& r) {
    columns->push_back({r.String("key"), r.String("name"), r.Type("type")});
  });
}

Json ToJsonOf(const SourceConfig& c) {
  Json json = {{"table", TableToJson(c.table)}, {"projection", c.projection}};
  AddMetadata(c.metadata, &json);
  if (!c.computed.empty()) {
    json["computed"] = ExpressionsToJson(c.computed);
    json["computed_names"] = c.computed_names;
  }
  if (c.watermark) {
    json["watermark"] = {{"column", c.watermark->column},
                         {"expression", ExpressionToJson(c.watermark->expression)},
                         {"idle_timeout_us", c.watermark->idle_timeout_us},
                         {"alignment_group", c.watermark->alignment_group},
                         {"max_drift_us", c.watermark->max_drift_us},
                         {"align_interval_us", c.watermark->align_interval_us}};
  }
  if (c.limit) json["limit"] = *c.limit;
  return json;
}

void Read(ObjectReader& reader, SourceConfig* c) {
  ReadTable(reader, &c->table);
  c->projection = reader.Ints("projection");
  ReadMetadata(reader, &c->metadata);
  c->computed = reader.Exprs("computed");
  c->computed_names = reader.Strings("computed_names");
  if (reader.Has("watermark")) {
    ObjectReader r(reader.Member("watermark"), reader.PathOf("watermark"));
    WatermarkConfig watermark;
    watermark.column = static_cast<int>(r.Int("column"));
    watermark.expression = r.Expr("expression");
    watermark.idle_timeout_us = r.Int("idle_timeout_us", 0);
    watermark.alignment_group = r.String("alignment_group", "");
    watermark.max_drift_us = r.Int("max_drift_us", 0);
    watermark.align_interval_us = r.Int("align_interval_us", watermark.align_interval_us);
    reader.Absorb(r.Done());
    c->watermark = std::move(watermark);
  }
  if (reader.Has("limit")) c->limit = reader.Int("limit");
}

Json ToJsonOf(const ValuesConfig& c) {
  Json rows = Json::array();
  for (const auto& row : c.rows) rows.push_back({{"values", ExpressionsToJson(row)}});
  return {{"schema", SchemaToJson(c.schema)}, {"rows", std::move(rows)}};
}

void Read(ObjectReader& reader, ValuesConfig* c) {
  c->schema = reader.Columns("schema");
  ForEach(reader, "rows", [&](ObjectReader& r) { c->rows.push_back(r.Exprs("values")); });
}

Json ToJsonOf(const CalcConfig& c) {
  Json json = {{"projections", ExpressionsToJson(c.projections)}, {"names", c.names}};
  if (!c.locals.empty()) json["locals"] = ExpressionsToJson(c.locals);
  if (c.condition) json["condition"] = ExpressionToJson(c.condition);
  return json;
}

void Read(ObjectReader& reader, CalcConfig* c) {
  c->locals = reader.Exprs("locals");
  c->condition = reader.Expr("condition");
  c->projections = reader.Exprs("projections");
  c->names = reader.Strings("names");
}

Json ToJsonOf(const UnnestConfig& c) {
  return {{"collection", ExpressionToJson(c.collection)},
          {"outer", c.outer},
          {"ordinality", c.ordinality},
          {"names", c.names}};
}

void Read(ObjectReader& reader, UnnestConfig* c) {
  c->collection = reader.Expr("collection");
  if (!c->collection) reader.Fail("collection", "it is missing");
  c->outer = reader.Bool("outer", false);
  c->ordinality = reader.Bool("ordinality", false);
  c->names = reader.Strings("names");
}

/// Names of an enumeration's values, in their order.
Json ToJsonOf(const WindowSpec& w) {
  return {{"kind", NameOf(w.kind)},       {"size_us", w.size_us},
          {"step_us", w.step_us},         {"offset_us", w.offset_us},
          {"time_column", w.time_column}, {"start_column", w.start_column},
          {"end_column", w.end_column}};
}

void ReadWindow(ObjectReader& reader, WindowSpec* w) {
  ObjectReader r(reader.Member("window"), reader.PathOf("window"));
  ReadEnum(r, "kind", &w->kind);
  w->size_us = r.Int("size_us", 0);
  w->step_us = r.Int("step_us", 0);
  w->offset_us = r.Int("offset_us", 0);
  w->time_column = static_cast<int>(r.Int("time_column", -1));
  w->start_column = static_cast<int>(r.Int("start_column", -1));
  w->end_column = static_cast<int>(r.Int("end_column", -1));
  reader.Absorb(r.Done());
}

Json ToJsonOf(const WindowConfig& c) { return {{"window", ToJsonOf(c.window)}, {"keys", c.keys}}; }

void Read(ObjectReader& reader, WindowConfig* c) {
  ReadWindow(reader, &c->window);
  c->keys = reader.Ints("keys");
}

Json ToJsonOf(const std::vector<AggregateCall>& aggregates) {
  Json calls = Json::array();
  for (const AggregateCall& call : aggregates) {
    Json json = {{"function", call.function},
                 {"args", ExpressionsToJson(call.arguments)},
                 {"type", TypeToJson(call.type)},
                 {"name", call.name}};
    if (call.filter) json["filter"] = ExpressionToJson(call.filter);
    if (call.distinct) json["distinct"] = true;
    calls.push_back(std::move(json));
  }
  return calls;
}

void ReadAggregates(ObjectReader& reader, std::vector<AggregateCall>* aggregates) {
  ForEach(reader, "aggregates", [&](ObjectReader& r) {
    AggregateCall call;
    call.function = r.String("function");
    call.arguments = r.Exprs("args");
    call.filter = r.Expr("filter");
    call.distinct = r.Bool("distinct", false);
    call.type = r.Type("type");
    call.name = r.String("name");
    aggregates->push_back(std::move(call));
  });
}

Json ToJsonOf(const AggregateConfig& c) {
  return {{"keys", c.keys},
          {"key_names", c.key_names},
          {"aggregates", ToJsonOf(c.aggregates)},
          {"output", NameOf(c.output)},
          {"phase", NameOf(c.phase)}};
}

void Read(ObjectReader& reader, AggregateConfig* c) {
  c->keys = reader.Ints("keys");
  c->key_names = reader.Strings("key_names");
  ReadAggregates(reader, &c->aggregates);
  ReadEnum(reader, "output", &c->output);
  ReadEnum(reader, "phase", &c->phase);
}

Json ToJsonOf(const WindowAggregateConfig& c) {
  return {{"window", ToJsonOf(c.window)}, {"keys", c.keys},
          {"key_names", c.key_names},     {"aggregates", ToJsonOf(c.aggregates)},
          {"phase", NameOf(c.phase)},     {"allowed_lateness_us", c.allowed_lateness_us}};
}

void Read(ObjectReader& reader, WindowAggregateConfig* c) {
  ReadWindow(reader, &c->window);
  c->keys = reader.Ints("keys");
  c->key_names = reader.Strings("key_names");
  ReadAggregates(reader, &c->aggregates);
  ReadEnum(reader, "phase", &c->phase);
  c->allowed_lateness_us = reader.Int("allowed_lateness_us", 0);
}

Json ToJsonOf(const ExpandConfig& c) {
  Json sets = Json::array();
  for (const auto& set : c.sets) sets.push_back({{"columns", set}});
  return {{"columns", c.columns}, {"sets", std::move(sets)}, {"id_name", c.id_name}};
}

void Read(ObjectReader& reader, ExpandConfig* c) {
  c->columns = reader.Ints("columns");
  ForEach(reader, "sets", [&](ObjectReader& r) { c->sets.push_back(r.Ints("columns")); });
  c->id_name = reader.String("id_name");
}

Json ToJsonOf(const DeduplicateConfig& c) {
  return {{"keys", c.keys},
          {"time_column", c.time_column},
          {"keep_last", c.keep_last},
          {"window_end", c.window_end},
          {"window_local", c.window_local}};
}

void Read(ObjectReader& reader, DeduplicateConfig* c) {
  c->keys = reader.Ints("keys");
  c->time_column = static_cast<int>(reader.Int("time_column", -1));
  c->keep_last = reader.Bool("keep_last", false);
  c->window_end = static_cast<int>(reader.Int("window_end", -1));
  c->window_local = reader.Bool("window_local", false);
}

Json ToJsonOf(const RankConfig& c) {
  Json order = Json::array();
  for (const SortColumn& sort : c.order) {
    order.push_back({{"column", sort.column},
                     {"ascending", sort.ascending},
                     {"nulls_first", sort.nulls_first}});
  }
  return {{"keys", c.keys},
          {"order", std::move(order)},
          {"from", c.from},
          {"to", c.to},
          {"number_name", c.number_name},
          {"window_end", c.window_end},
          {"window_local", c.window_local},
          {"final", c.final}};
}

void Read(ObjectReader& reader, RankConfig* c) {
  c->keys = reader.Ints("keys");
  ForEach(reader, "order", [&](ObjectReader& r) {
    c->order.push_back({static_cast<int>(r.Int("column")), r.Bool("ascending", true),
                        r.Bool("nulls_first", true)});
  });
  c->from = reader.Int("from");
  c->to = reader.Int("to");
  c->number_name = reader.String("number_name", "");
  c->window_end = static_cast<int>(reader.Int("window_end", -1));
  c->window_local = reader.Bool("window_local", false);
  c->final = reader.Bool("final", false);
}

Json ToJsonOf(const LimitConfig& c) { return {{"offset", c.offset}, {"limit", c.limit}}; }

void Read(ObjectReader& reader, LimitConfig* c) {
  c->offset = reader.Int("offset", 0);
  c->limit = reader.Int("limit");
}

Json ToJsonOf(const SinkConfig& c) {
  Json json = {{"table", TableToJson(c.table)}, {"primary_key", c.primary_key}};
  AddMetadata(c.metadata, &json);
  if (c.not_null != NotNullEnforcer::kReject) json["not_null"] = NameOf(c.not_null);
  return json;
}

void Read(ObjectReader& reader, SinkConfig* c) {
  ReadTable(reader, &c->table);
  c->primary_key = reader.Ints("primary_key");
  ReadMetadata(reader, &c->metadata);
  ReadEnum(reader, "not_null", &c->not_null);
}

Json ToJsonOf(const CollectConfig& c) { return {{"receiver", c.receiver}}; }

void Read(ObjectReader& reader, CollectConfig* c) { c->receiver = reader.String("receiver"); }

struct Kind {
  int version;
  Result<NodeConfigPtr> (*read)(const Json&, const std::string& path);
};

template <class Config>
std::pair<const std::string_view, Kind> KindOf() {
  const auto read = [](const Json& json, const std::string& path) -> Result<NodeConfigPtr> {
    auto config = std::make_shared<Config>();
    ObjectReader reader(json, path);
    Read(reader, config.get());
    ARROW_RETURN_NOT_OK(reader.Done());
    return config;
  };
  return {Config::kOp, Kind{Config().version(), read}};
}

const std::map<std::string_view, Kind>& Kinds() {
  static const std::map<std::string_view, Kind> kinds = {
      KindOf<SourceConfig>(),
      KindOf<ValuesConfig>(),
      KindOf<CalcConfig>(),
      KindOf<UnnestConfig>(),
      KindOf<AggregateConfig>(),
      KindOf<LimitConfig>(),
      KindOf<PredictConfig>(),
      KindOf<SinkConfig>(),
      KindOf<CollectConfig>(),
      KindOf<WindowConfig>(),
      KindOf<WindowAggregateConfig>(),
      KindOf<ExpandConfig>(),
      KindOf<DeduplicateConfig>(),
      KindOf<RankConfig>(),
  };
  return kinds;
}

}  // namespace

template <class Self>
Json NodeConfigOf<Self>::ToJson() const {
  return ToJsonOf(static_cast<const Self&>(*this));
}

template Json NodeConfigOf<SourceConfig>::ToJson() const;
template Json NodeConfigOf<ValuesConfig>::ToJson() const;
template Json NodeConfigOf<CalcConfig>::ToJson() const;
template Json NodeConfigOf<UnnestConfig>::ToJson() const;
template Json NodeConfigOf<AggregateConfig>::ToJson() const;
template Json NodeConfigOf<LimitConfig>::ToJson() const;
template Json NodeConfigOf<PredictConfig>::ToJson() const;
template Json NodeConfigOf<SinkConfig>::ToJson() const;
template Json NodeConfigOf<CollectConfig>::ToJson() const;
template Json NodeConfigOf<WindowConfig>::ToJson() const;
template Json NodeConfigOf<WindowAggregateConfig>::ToJson() const;
template Json NodeConfigOf<ExpandConfig>::ToJson() const;
template Json NodeConfigOf<DeduplicateConfig>::ToJson() const;
template Json NodeConfigOf<RankConfig>::ToJson() const;

Result<NodeConfigPtr> NodeConfigFromJson(std::string_view op, int version, const Json& json,
                                         const std::string& path) {
  const auto kind = Kinds().find(op);
  if (kind == Kinds().end()) {
    std::vector<std::string> known;
    for (const auto& [name, k] : Kinds()) known.emplace_back(name);
    return Error::User("the plan has an operator '" + std::string(op) +
                       "', which this version does not know")
        .Hint(Suggest(op, known));
  }
  if (version != kind->second.version) {
    return Error::User("the plan has '" + std::string(op) + "' in version " +
                       std::to_string(version) + "; this version reads " +
                       std::to_string(kind->second.version))
        .Hint("compile the script again");
  }
  return kind->second.read(json, path);
}

}  // namespace millrace

#include "plan/physical_plan.h"

#include <algorithm>

#include "plan/json.h"

namespace millrace {
namespace {

using plan_json::Json;
using plan_json::ObjectReader;

constexpr int kMaxJsonDepth = 600;
constexpr const char* kPartitionings[] = {"forward", "hash", "broadcast", "rebalance"};
constexpr const char* kChangelogs[] = {"append", "upsert", "retract"};

template <size_t N>
int IndexOf(const char* const (&names)[N], const std::string& name) {
  const auto it = std::find(std::begin(names), std::end(names), name);
  return it == std::end(names) ? -1 : static_cast<int>(it - std::begin(names));
}

Json PortToJson(const PortPlan& port) {
  Json json = {{"name", port.name}, {"schema", plan_json::SchemaToJson(port.schema)}};
  if (port.changelog != ChangelogMode::kAppend)
    json["changelog"] = kChangelogs[static_cast<int>(port.changelog)];
  if (!port.key.empty()) json["key"] = port.key;
  if (port.rowtime >= 0) json["rowtime"] = port.rowtime;
  return json;
}

PortPlan ReadPort(ObjectReader& reader) {
  PortPlan port;
  port.name = reader.String("name");
  port.schema = reader.Columns("schema");
  const int changelog = IndexOf(kChangelogs, reader.String("changelog", "append"));
  if (changelog < 0) reader.Fail("changelog", "'append', 'upsert' or 'retract' is expected");
  port.changelog = static_cast<ChangelogMode>(std::max(0, changelog));
  port.key = reader.Ints("key");
  port.rowtime = static_cast<int>(reader.Int("rowtime", -1));
  return port;
}

Json NodeToJson(const PlanNode& node) {
  Json json = {{"id", node.id},
               {"op", node.config->op()},
               {"version", node.config->version()},
               {"config", node.config->ToJson()},
               {"ports", Json::array()}};
  for (const PortPlan& port : node.ports) json["ports"].push_back(PortToJson(port));
  return json;
}

template <class Item>
Status ReadList(ObjectReader& reader, const char* key, std::vector<Item>* out,
                Item (*read)(ObjectReader&)) {
  const Json& list = reader.Member(key);
  if (!list.is_array()) {
    reader.Fail(key, "an array is expected");
    return Status::OK();
  }
  for (size_t i = 0; i < list.size(); ++i) {
    ObjectReader item(list[i], reader.PathOf(key) + '[' + std::to_string(i) + ']');
    out->push_back(read(item));
    ARROW_RETURN_NOT_OK(item.Done());
  }
  return Status::OK();
}

PlanNode ReadNode(ObjectReader& reader) {
  PlanNode node;
  node.id = reader.String("id");
  const std::string op = reader.String("op");
  const auto version = static_cast<int>(reader.Int("version"));
  auto config = NodeConfigFromJson(op, version, reader.Member("config"), reader.PathOf("config"));
  if (config.ok()) {
    node.config = std::move(*config);
  } else {
    reader.Absorb(WithPlace(config.status(), {}, reader.PathOf("config")));
  }
  reader.Absorb(ReadList<PortPlan>(reader, "ports", &node.ports, ReadPort));
  return node;
}

Stage ReadStage(ObjectReader& reader) {
  Stage stage;
  stage.id = StageId{static_cast<int32_t>(reader.Int("id"))};
  stage.parallelism = static_cast<int>(reader.Int("parallelism"));
  stage.max_parallelism = static_cast<int>(reader.Int("max_parallelism"));
  reader.Absorb(ReadList<PlanNode>(reader, "chain", &stage.chain, ReadNode));
  return stage;
}

Exchange ReadExchange(ObjectReader& reader) {
  Exchange exchange;
  exchange.id = ExchangeId{static_cast<int32_t>(reader.Int("id"))};
  exchange.from = StageId{static_cast<int32_t>(reader.Int("from"))};
  exchange.node = reader.String("node");
  exchange.port = static_cast<int>(reader.Int("port", 0));
  exchange.to = StageId{static_cast<int32_t>(reader.Int("to"))};
  exchange.input = static_cast<int>(reader.Int("input", 0));
  const int partitioning = IndexOf(kPartitionings, reader.String("partitioning"));
  if (partitioning < 0)
    reader.Fail("partitioning", "'forward', 'hash', 'broadcast' or 'rebalance' is expected");
  exchange.partitioning = static_cast<Partitioning>(std::max(0, partitioning));
  exchange.keys = reader.Ints("keys");
  return exchange;
}

}  // namespace

const PlanNode* Stage::node(const NodeId& id) const {
  const auto node =
      std::find_if(chain.begin(), chain.end(), [&](const PlanNode& n) { return n.id == id; });
  return node == chain.end() ? nullptr : &*node;
}

const Stage* PhysicalPlan::stage(StageId id) const {
  const auto it =
      std::find_if(stages.begin(), stages.end(), [&](const Stage& s) { return s.id == id; });
  return it == stages.end() ? nullptr : &*it;
}

std::string ToJson(const PhysicalPlan& plan) {
  Json json = {{"millrace_plan", PhysicalPlan::kFormat},
               {"bounded", plan.bounded},
               {"settings", plan.settings},
               {"stages", Json::array()},
               {"exchanges", Json::array()}};
  for (const Stage& stage : plan.stages) {
    Json chain = Json::array();
    for (const PlanNode& node : stage.chain) chain.push_back(NodeToJson(node));
    json["stages"].push_back({{"id", Raw(stage.id)},
                              {"parallelism", stage.parallelism},
                              {"max_parallelism", stage.max_parallelism},
                              {"chain", std::move(chain)}});
  }
  for (const Exchange& e : plan.exchanges) {
    Json exchange = {{"id", Raw(e.id)},
                     {"from", Raw(e.from)},
                     {"node", e.node},
                     {"to", Raw(e.to)},
                     {"partitioning", kPartitionings[static_cast<int>(e.partitioning)]}};
    if (e.port != 0) exchange["port"] = e.port;
    if (e.input != 0) exchange["input"] = e.input;
    if (!e.keys.empty()) exchange["keys"] = e.keys;
    json["exchanges"].push_back(std::move(exchange));
  }
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

Result<PhysicalPlan> PlanFromJson(std::string_view text) {
  bool too_deep = false;
  const auto limit_depth = [&](int depth, Json::parse_event_t, Json&) {
    too_deep = too_deep || depth > kMaxJsonDepth;
    return !too_deep;
  };
  const Json json = Json::parse(text, limit_depth, /*allow_exceptions=*/false);
  if (json.is_discarded() || too_deep) {
    return Error::User(too_deep ? "the plan is nested too deeply" : "the plan is no JSON document")
        .Hint("EXPLAIN JSON and --save-plan write plans");
  }
  ObjectReader reader(json, "plan");
  const int64_t format = reader.Int("millrace_plan");
  PhysicalPlan plan;
  plan.bounded = reader.Bool("bounded", false);
  plan.settings = reader.StringMap("settings");
  ARROW_RETURN_NOT_OK(ReadList<Stage>(reader, "stages", &plan.stages, ReadStage));
  ARROW_RETURN_NOT_OK(ReadList<Exchange>(reader, "exchanges", &plan.exchanges, ReadExchange));
  ARROW_RETURN_NOT_OK(reader.Done());
  if (format != PhysicalPlan::kFormat) {
    return Error::User("the plan has format " + std::to_string(format) + "; this version reads " +
                       std::to_string(PhysicalPlan::kFormat))
        .Hint("compile the script again");
  }
  ARROW_RETURN_NOT_OK(Validate(plan));
  return plan;
}

std::string ToText(const PhysicalPlan& plan) {
  std::string out;
  for (const Stage& stage : plan.stages) {
    out += "Stage " + std::to_string(Raw(stage.id)) + "  (parallelism " +
           std::to_string(stage.parallelism) + ")\n";
    std::vector<Schema> inputs;
    for (const Exchange& e : plan.exchanges) {
      if (e.to != stage.id || e.input != static_cast<int>(inputs.size())) continue;
      const PlanNode* node = plan.stage(e.from)->node(e.node);
      inputs.push_back(node->ports[static_cast<size_t>(e.port)].schema);
    }
    for (const PlanNode& node : stage.chain) {
      out += "  " + std::string(node.config->op()) + ": " + node.config->Describe(inputs) + '\n';
      inputs = {node.ports.empty() ? Schema() : node.ports[0].schema};
    }
    for (const Exchange& e : plan.exchanges) {
      if (e.from != stage.id) continue;
      const PortPlan& port = stage.node(e.node)->ports[static_cast<size_t>(e.port)];
      out += "  -> stage " + std::to_string(Raw(e.to)) + " by " +
             kPartitionings[static_cast<int>(e.partitioning)];
      std::string keys;
      for (const int key : e.keys)
        keys += (keys.empty() ? "" : ", ") + port.schema.column(key).name;
      if (!keys.empty()) out += '(' + keys + ')';
      if (e.port != 0) out += ", the " + port.name + " rows of '" + e.node + "'";
      out += '\n';
    }
  }
  return out;
}

}  // namespace millrace

#include <algorithm>
#include <map>
#include <set>

#include "plan/node_columns.h"
#include "plan/physical_plan.h"

namespace millrace {
namespace {

Status Malformed(const std::string& message) {
  return Error::User("the plan does not hold together: " + message)
      .Hint("compile the script again");
}

Status CheckStage(const Stage& stage, std::set<NodeId>* ids) {
  const std::string name = "stage " + std::to_string(Raw(stage.id));
  if (stage.chain.empty()) return Malformed(name + " is empty");
  const bool sane = stage.parallelism >= 1 && stage.parallelism <= stage.max_parallelism &&
                    stage.max_parallelism <= 32768;
  if (!sane)
    return Malformed(name + " has parallelism " + std::to_string(stage.parallelism) +
                     " of at most " + std::to_string(stage.max_parallelism));
  for (size_t i = 0; i < stage.chain.size(); ++i) {
    const PlanNode& node = stage.chain[i];
    if (node.config == nullptr) return Malformed("node '" + node.id + "' has no configuration");
    if (!ids->insert(node.id).second) return Malformed("two nodes are named '" + node.id + "'");
    if (i + 1 < stage.chain.size() && node.ports.empty())
      return Malformed("'" + node.id + "' feeds a node but has no port");
  }
  return Status::OK();
}

Status CheckExchange(const PhysicalPlan& plan, const Exchange& exchange, std::set<ExchangeId>* ids,
                     std::map<std::pair<StageId, int>, const PortPlan*>* inputs) {
  const std::string name = "exchange " + std::to_string(Raw(exchange.id));
  if (!ids->insert(exchange.id).second) return Malformed(name + " is there twice");
  const Stage* from = plan.stage(exchange.from);
  const Stage* to = plan.stage(exchange.to);
  if (from == nullptr || to == nullptr) return Malformed(name + " joins stages that are not there");
  if (from >= to) return Malformed(name + " goes backwards");
  const PlanNode* node = from->node(exchange.node);
  if (node == nullptr || exchange.port < 0 ||
      exchange.port >= static_cast<int>(node->ports.size())) {
    return Malformed(name + " starts at '" + exchange.node + "', port " +
                     std::to_string(exchange.port) + ", which is not there");
  }
  const bool feeds_next = node != &from->chain.back() && exchange.port == 0;
  if (feeds_next) return Malformed(name + " starts in the middle of a chain");
  const PortPlan& port = node->ports[static_cast<size_t>(exchange.port)];
  for (const int key : exchange.keys) {
    if (key < 0 || key >= port.schema.size())
      return Malformed(name + " has a key that is no column");
  }
  const bool hash = exchange.partitioning == Partitioning::kHash;
  if (hash != !exchange.keys.empty())
    return Malformed(name + " needs keys if, and only if, it hashes");
  if (exchange.partitioning == Partitioning::kForward && from->parallelism != to->parallelism) {
    return Malformed(name + " forwards between different parallelisms");
  }
  const PortPlan*& other = (*inputs)[{exchange.to, exchange.input}];
  if (other != nullptr) {
    const Schema &a = other->schema, &b = port.schema;
    bool same = a.size() == b.size();
    for (int i = 0; same && i < a.size(); ++i)
      same = a.column(i).type.HasSameForm(b.column(i).type);
    if (!same)
      return Malformed("what meets at stage " + std::to_string(Raw(exchange.to)) +
                       " has different columns");
  }
  other = &port;
  return Status::OK();
}

/// Every node of the chain against its input: what the exchanges bring, then the main port before
/// it.
Status CheckColumns(const PhysicalPlan& plan, const Stage& stage) {
  const Schema* input = nullptr;
  for (const Exchange& exchange : plan.exchanges) {
    if (exchange.to != stage.id || exchange.input != 0) continue;
    const PlanNode* node = plan.stage(exchange.from)->node(exchange.node);
    input = &node->ports[static_cast<size_t>(exchange.port)].schema;
  }
  for (const PlanNode& node : stage.chain) {
    const Status checked = CheckColumnReferences(*node.config, input);
    if (!checked.ok()) return Malformed("node '" + node.id + "': " + checked.message());
    for (const PortPlan& port : node.ports) {
      if (port.rowtime >= port.schema.size())
        return Malformed("'" + node.id + "' has a rowtime that is no column");
    }
    input = node.ports.empty() ? nullptr : &node.ports[0].schema;
  }
  return Status::OK();
}

}  // namespace

Status Validate(const PhysicalPlan& plan) {
  std::set<NodeId> nodes;
  std::set<StageId> stages;
  for (const Stage& stage : plan.stages) {
    ARROW_RETURN_NOT_OK(CheckStage(stage, &nodes));
    if (!stages.insert(stage.id).second)
      return Malformed("stage " + std::to_string(Raw(stage.id)) + " is there twice");
  }
  std::set<ExchangeId> exchanges;
  std::map<std::pair<StageId, int>, const PortPlan*> inputs;
  for (const Exchange& exchange : plan.exchanges) {
    ARROW_RETURN_NOT_OK(CheckExchange(plan, exchange, &exchanges, &inputs));
  }
  for (const Stage& stage : plan.stages) ARROW_RETURN_NOT_OK(CheckColumns(plan, stage));
  return Status::OK();
}

}  // namespace millrace

#include <map>
#include <set>

#include "sql/aggregation.h"
#include "sql/graph.h"
#include "sql/optimizer.h"

namespace millrace::sql {
namespace {

class Splitter {
 public:
  Splitter(const PlannerContext& context, const std::vector<LogicalNodePtr>& order)
      : registries_(context.registries),
        strategy_(context.Setting("table.optimizer.agg-phase-strategy", "AUTO")),
        read_at_the_side_(ReadAtTheSide(order)) {}

  void Rebuild(const LogicalNodePtr& old) {
    auto node = std::make_shared<LogicalNode>(*old);
    for (Stream& input : node->inputs) input.node = rebuilt_.at(input.node.get());
    if (const auto* group = As<AggregateConfig>(*old)) {
      Split(*old, *group, {}, node.get());
    } else if (const auto* windowed = As<WindowAggregateConfig>(*old)) {
      const WindowSpec& window = windowed->window;
      if (HasWindows(window)) {
        Split(*old, *windowed, {window.time_column, window.start_column, window.end_column},
              node.get());
      }
    }
    rebuilt_[old.get()] = std::move(node);
  }

  const LogicalNodePtr& rebuilt(const LogicalNodePtr& old) const { return rebuilt_.at(old.get()); }

 private:
  /// Sessions depend on all rows of a key; in processing time it matters when a row arrives.
  static bool HasWindows(const WindowSpec& window) {
    return window.kind != WindowSpec::Kind::kSession && window.time_column >= 0;
  }

  /// Makes `node` the global phase over a new local one. `window`: columns of the input that tell
  /// the windows; -1: none.
  template <class Config>
  void Split(const LogicalNode& old, const Config& config, const std::vector<int>& window,
             LogicalNode* node) const {
    const Stream input = node->inputs[0];
    const bool wanted = strategy_ == "TWO_PHASE" || (strategy_ == "AUTO" && config.keys.empty());
    if (!wanted || !input.append_only() || read_at_the_side_.contains(&old)) return;
    const auto accumulators = MergeableAccumulators(registries_, config.aggregates);
    if (!accumulators) return;
    auto local = std::make_shared<LogicalNode>();
    local->id = node->id + "/local";
    local->inputs = {input};
    local->bounded = node->bounded;
    PortPlan partial;
    partial.name = "main";
    const auto carry = [&](const std::string& name, int column) {
      partial.schema.Add(name, input.schema().column(column).type);
      return partial.schema.size() - 1;
    };
    Config global = config;
    for (size_t i = 0; i < config.keys.size(); ++i) {
      global.keys[i] = carry(config.key_names[i], config.keys[i]);
    }
    std::vector<int> moved;
    for (const int column : window) {
      moved.push_back(column < 0 ? -1 : carry(input.schema().column(column).name, column));
    }
    if constexpr (requires { global.window; }) {
      global.window.time_column = moved[0];
      global.window.start_column = moved[1];
      global.window.end_column = moved[2];
    }
    partial.schema.Add("rows", SqlType::BigInt());
    for (const SqlType& type : *accumulators) {
      partial.schema.Add("$" + std::to_string(partial.schema.size()), type);
    }
    local->ports = {partial, FailedPort(input.plan())};
    Config first = config;
    first.phase = AggregatePhase::kLocal;
    local->config = std::make_shared<const Config>(std::move(first));
    global.phase = AggregatePhase::kGlobal;
    node->config = std::make_shared<const Config>(std::move(global));
    node->inputs = {{std::move(local), 0}};
    for (PortPlan& port : node->ports) {
      if (port.name == kFailedPort) port = FailedPort(partial);
      if (port.name == "late") port.schema = partial.schema;
    }
  }

  const Registries& registries_;
  std::string strategy_;
  std::set<const LogicalNode*> read_at_the_side_;
  std::map<const LogicalNode*, LogicalNodePtr> rebuilt_;
};

}  // namespace

std::vector<LogicalNodePtr> SplitAggregations(const std::vector<LogicalNodePtr>& sinks,
                                              const PlannerContext& context, int parallelism) {
  if (parallelism == 1) return sinks;
  const auto order = TopologicalOrder(sinks);
  Splitter splitter(context, order);
  for (const auto& node : order) splitter.Rebuild(node);
  std::vector<LogicalNodePtr> out;
  for (const auto& sink : sinks) out.push_back(splitter.rebuilt(sink));
  return out;
}

}  // namespace millrace::sql

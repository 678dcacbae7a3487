#include "sql/stages.h"

#include <algorithm>

#include "sql/graph.h"

namespace millrace::sql {
namespace {

class Cutter {
 public:
  Cutter(const std::vector<LogicalNodePtr>& sinks, int parallelism, int max_parallelism)
      : order_(TopologicalOrder(sinks)),
        consumers_(ConsumerCounts(order_)),
        read_at_the_side_(ReadAtTheSide(order_)),
        parallelism_(parallelism),
        max_parallelism_(max_parallelism) {}

  PhysicalPlan Run() {
    for (const auto& node : order_) {
      if (node->config != nullptr) Place(*node);
    }
    return std::move(plan_);
  }

 private:
  /// What the node keeps its state by; null: it has no such state, or every subtask its own.
  static const std::vector<int>* StateKeys(const LogicalNode& node) {
    if (const auto* aggregate = As<AggregateConfig>(node)) {
      return aggregate->phase == AggregatePhase::kLocal ? nullptr : &aggregate->keys;
    }
    if (const auto* aggregate = As<WindowAggregateConfig>(node)) {
      return aggregate->phase == AggregatePhase::kLocal ? nullptr : &aggregate->keys;
    }
    if (const auto* window = As<WindowConfig>(node)) {
      return window->window.kind == WindowSpec::Kind::kSession ? &window->keys : nullptr;
    }
    if (const auto* deduplicate = As<DeduplicateConfig>(node)) return &deduplicate->keys;
    if (const auto* rank = As<RankConfig>(node)) return &rank->keys;
    if (const auto* predict = As<PredictConfig>(node)) {
      if (predict->stream) return predict->stream->keyed ? &predict->stream->row_keys : nullptr;
      return predict->model.in_sequence ? &predict->keys : nullptr;
    }
    return nullptr;
  }

  static bool IsSingle(const LogicalNode& node) {
    const auto* keys = StateKeys(node);
    return As<LimitConfig>(node) || As<ValuesConfig>(node) || (keys != nullptr && keys->empty());
  }

  static const std::vector<int>* HashKeys(const LogicalNode& node) {
    const auto* keys = StateKeys(node);
    return keys != nullptr && !keys->empty() ? keys : nullptr;
  }

  /// What feeds `stream`: itself, or the members of a union.
  static void Producers(const Stream& stream, std::vector<Stream>& out) {
    if (stream.node->config != nullptr) {
      out.push_back(stream);
      return;
    }
    for (const Stream& input : stream.node->inputs) Producers(input, out);
  }

  int ParallelismOf(const LogicalNode& node, const std::vector<Stream>& producers) const {
    if (IsSingle(node)) return 1;
    if (node.inputs.empty() || HashKeys(node)) return parallelism_;
    int widest = 1;
    for (const Stream& producer : producers)
      widest = std::max(widest, StageOf(*producer.node).parallelism);
    return widest;
  }

  const Stage& StageOf(const LogicalNode& node) const { return plan_.stages[stage_of_.at(&node)]; }

  bool Chains(const LogicalNode& node, const std::vector<Stream>& producers,
              int parallelism) const {
    if (node.inputs.size() != 1 || producers.size() != 1) return false;
    if (node.inputs[0].node->config == nullptr) return false;
    const Stream& input = producers[0];
    const bool repartitions = HashKeys(node) && parallelism > 1;
    return input.port == 0 && !repartitions && consumers_.at(input.node.get()) == 1 &&
           StageOf(*input.node).parallelism == parallelism;
  }

  /// Any expression may fail; only who reads the failed rows wants to see a port for them.
  std::vector<PortPlan> PortsOf(const LogicalNode& node) const {
    std::vector<PortPlan> ports = node.ports;
    const bool unread = !ports.empty() && ports.back().name == kFailedPort &&
                        !As<PredictConfig>(node) && !read_at_the_side_.contains(&node);
    if (unread) ports.pop_back();
    return ports;
  }

  void Place(const LogicalNode& node) {
    std::vector<Stream> producers;
    if (!node.inputs.empty()) Producers(node.inputs[0], producers);
    const int parallelism = ParallelismOf(node, producers);
    const PlanNode placed{node.id, node.config, PortsOf(node)};
    if (!node.inputs.empty() && Chains(node, producers, parallelism)) {
      const size_t stage = stage_of_.at(producers[0].node.get());
      stage_of_[&node] = stage;
      plan_.stages[stage].chain.push_back(placed);
      return;
    }
    stage_of_[&node] = plan_.stages.size();
    Stage stage;
    stage.id = StageId{static_cast<int32_t>(plan_.stages.size())};
    stage.chain.push_back(placed);
    stage.parallelism = parallelism;
    stage.max_parallelism = max_parallelism_;
    plan_.stages.push_back(std::move(stage));
    for (const Stream& producer : producers) Connect(producer, node, 0);
    for (size_t input = 1; input < node.inputs.size(); ++input) {
      producers.clear();
      Producers(node.inputs[input], producers);
      for (const Stream& producer : producers) Connect(producer, node, static_cast<int>(input));
    }
  }

  /// Where the records of models go.
  static void PartitionVersions(const ModelStream& stream, Exchange* exchange) {
    exchange->partitioning = stream.keyed ? Partitioning::kHash : Partitioning::kBroadcast;
    if (stream.keyed) exchange->keys = stream.record_keys;
  }

  void Connect(const Stream& from, const LogicalNode& to, int input) {
    Exchange exchange;
    exchange.input = input;
    exchange.id = ExchangeId{static_cast<int32_t>(plan_.exchanges.size())};
    const Stage& source = StageOf(*from.node);
    const Stage& target = StageOf(to);
    exchange.from = source.id;
    exchange.node = from.node->id;
    exchange.port = from.port;
    exchange.to = target.id;
    if (input == 1 && target.parallelism > 1) {
      PartitionVersions(*As<PredictConfig>(to)->stream, &exchange);
    } else if (const auto* keys = HashKeys(to); keys != nullptr && target.parallelism > 1) {
      exchange.partitioning = Partitioning::kHash;
      exchange.keys = *keys;
    } else if (source.parallelism != target.parallelism) {
      exchange.partitioning = Partitioning::kRebalance;
    }
    plan_.exchanges.push_back(std::move(exchange));
  }

  std::vector<LogicalNodePtr> order_;
  std::map<const LogicalNode*, int> consumers_;
  std::set<const LogicalNode*> read_at_the_side_;
  std::map<const LogicalNode*, size_t> stage_of_;
  int parallelism_;
  int max_parallelism_;
  PhysicalPlan plan_;
};

}  // namespace

PhysicalPlan CutStages(const std::vector<LogicalNodePtr>& sinks, int parallelism,
                       int max_parallelism, std::map<std::string, std::string> settings) {
  PhysicalPlan plan = Cutter(sinks, parallelism, max_parallelism).Run();
  plan.bounded =
      std::all_of(sinks.begin(), sinks.end(), [](const auto& sink) { return sink->bounded; });
  plan.settings = std::move(settings);
  return plan;
}

}  // namespace millrace::sql

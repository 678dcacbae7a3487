#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/ids.h"
#include "plan/nodes.h"
#include "types/batch.h"
#include "types/schema.h"

namespace millrace {

/// An output of a node. Port 0 is "main"; others are "rejected", "failed", "late" …
struct PortPlan {
  std::string name;
  Schema schema;
  ChangelogMode changelog = ChangelogMode::kAppend;
  std::vector<int> key;  ///< unique key of an upsert stream
  int rowtime = -1;      ///< column that the watermark speaks of
};

struct PlanNode {
  NodeId id;
  NodeConfigPtr config;
  std::vector<PortPlan> ports;
};

/// A chain of nodes that runs on one thread: each node's main port feeds the next node's input 0.
/// The first node's inputs come from exchanges; it has none if it is a source.
struct Stage {
  StageId id{0};
  std::vector<PlanNode> chain;
  int parallelism = 1;
  int max_parallelism = 128;

  const PlanNode* node(const NodeId& id) const;  ///< null: not here
};

enum class Partitioning : uint8_t {
  kForward,    ///< subtask i to subtask i; the same parallelism on both sides
  kHash,       ///< by key group of `keys`
  kBroadcast,  ///< every batch to every subtask
  kRebalance,  ///< batches in turn
};

/// From a port of a node, the last of its stage for port 0, any for side ports, to an input of a
/// stage's first node. Several exchanges may end at one input: their union.
struct Exchange {
  ExchangeId id{0};
  StageId from{0};
  NodeId node;
  int port = 0;
  StageId to{0};
  int input = 0;
  Partitioning partitioning = Partitioning::kForward;
  std::vector<int> keys;
};

struct PhysicalPlan {
  static constexpr int kFormat = 1;

  std::vector<Stage> stages;  ///< in topological order
  std::vector<Exchange> exchanges;
  std::map<std::string, std::string> settings;  ///< of SET, those that the runtime reads
  bool bounded = false;

  const Stage* stage(StageId id) const;
};

/// Structure: ids unique, exchanges end at existing nodes and ports, schemas of unions agree, no
/// cycle.
Status Validate(const PhysicalPlan& plan);

std::string ToJson(const PhysicalPlan& plan);
/// Reads what `ToJson` wrote; errors name the path in the document
/// ("stages[2].chain[0].config.keys").
Result<PhysicalPlan> PlanFromJson(std::string_view json);

/// For EXPLAIN: stages with their chains, exchanges with how they partition, ports that leave at
/// the side.
std::string ToText(const PhysicalPlan& plan);

}  // namespace millrace

#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/ids.h"
#include "plan/physical_plan.h"

namespace millrace::sql {

struct LogicalNode;
using LogicalNodePtr = std::shared_ptr<const LogicalNode>;

/// A port of a node, as an input of another.
struct Stream {
  LogicalNodePtr node;
  int port = 0;

  const PortPlan& plan() const;
  const Schema& schema() const { return plan().schema; }
  bool append_only() const { return plan().changelog == ChangelogMode::kAppend; }
};

/// An operator before stages are cut. A node may feed several others: what reads the same table or
/// view in one job reads the same node.
struct LogicalNode {
  NodeId id;
  NodeConfigPtr config;  ///< null: the union of the inputs
  std::vector<Stream> inputs;
  std::vector<PortPlan> ports;
  bool bounded = false;
};

/// Builds nodes that keep ids unique within one job.
class NodeFactory {
 public:
  /// `condition` may be null. Rowtime, key and changelog mode of the input are carried over where
  /// the columns are.
  LogicalNodePtr Calc(const std::string& context, Stream input, ExpressionPtr condition,
                      std::vector<ExpressionPtr> projections, std::vector<std::string> names);
  /// All columns of `input` that pass `condition`.
  LogicalNodePtr Filter(const std::string& context, Stream input, ExpressionPtr condition);
  LogicalNodePtr Predict(const std::string& context, Stream input, PredictConfig config);
  LogicalNodePtr Unnest(const std::string& context, Stream input, UnnestConfig config,
                        const Schema& added);
  LogicalNodePtr Aggregate(const std::string& context, Stream input, AggregateConfig config,
                           const std::string& state_id);
  LogicalNodePtr Limit(const std::string& context, Stream input, LimitConfig config);
  LogicalNodePtr Union(const std::string& context, std::vector<Stream> inputs);
  LogicalNodePtr Source(SourceConfig config, PortPlan main, bool bounded);
  LogicalNodePtr Values(const std::string& context, ValuesConfig config);
  LogicalNodePtr Sink(Stream input, SinkConfig config);
  LogicalNodePtr Collect(Stream input, CollectConfig config);

 private:
  NodeId UniqueId(const std::string& context, std::string_view op, const std::string& detail = {});
  LogicalNodePtr Make(NodeId id, NodeConfigPtr config, std::vector<Stream> inputs,
                      std::vector<PortPlan> ports);

  std::map<NodeId, int> used_;
};

/// `column` as an expression over a stream.
ExpressionPtr ColumnOf(const Schema& schema, int column, Position at = {});
/// Every column of a stream.
std::vector<ExpressionPtr> ColumnsOf(const Schema& schema);

}  // namespace millrace::sql

#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
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

/// The windows that rows bring with them, as a window function or aggregation gave them.
struct WindowColumns {
  int start = 0;
  int end = 0;
  int time = -1;  ///< window_time; -1: not passed on
  int of = -1;    ///< the time column that was cut into windows; -1: not passed on
  bool processing_time = false;
  SqlType time_type;  ///< of window_time
};

/// What is known of the time in a node's main port, beside the rowtime of its plan.
struct TimeColumns {
  std::vector<int> processing_time;
  std::optional<WindowColumns> windows;
};

/// An operator before stages are cut. A node may feed several others: what reads the same table or
/// view in one job reads the same node.
struct LogicalNode {
  NodeId id;
  NodeConfigPtr config;  ///< null: the union of the inputs
  std::vector<Stream> inputs;
  std::vector<PortPlan> ports;
  TimeColumns times;
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
  /// `versions` are the models' records where `config.stream` is set.
  LogicalNodePtr Predict(const std::string& context, Stream input, PredictConfig config,
                         std::optional<Stream> versions = {});
  LogicalNodePtr Unnest(const std::string& context, Stream input, UnnestConfig config,
                        const Schema& added);
  LogicalNodePtr Aggregate(const std::string& context, Stream input, AggregateConfig config,
                           const std::string& state_id);
  /// Adds window_start, window_end and window_time; window_time becomes the rowtime.
  LogicalNodePtr Window(const std::string& context, Stream input, WindowConfig config);
  /// `windows` are those of the rows for kAttached; else the window is cut from its time column.
  LogicalNodePtr WindowAggregate(const std::string& context, Stream input,
                                 WindowAggregateConfig config,
                                 const std::optional<WindowColumns>& windows,
                                 const std::string& state_id);
  LogicalNodePtr Expand(const std::string& context, Stream input, ExpandConfig config);
  LogicalNodePtr Deduplicate(const std::string& context, Stream input, DeduplicateConfig config,
                             const std::string& state_id);
  LogicalNodePtr Rank(const std::string& context, Stream input, RankConfig config,
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
                      std::vector<PortPlan> ports, TimeColumns times = {});

  std::map<NodeId, int> used_;
};

/// The name of the port where rows leave whose expressions or model calls fail.
inline constexpr std::string_view kFailedPort = "failed";

/// That port of a node that evaluates expressions over `input`: the input's columns and `cause`.
/// Such a port is planned where something reads it.
PortPlan FailedPort(const PortPlan& input);

/// What a source's computed columns are computed from.
PortPlan ReadBySource(const SourceConfig& config);

/// `column` as an expression over a stream.
ExpressionPtr ColumnOf(const Schema& schema, int column, Position at = {});
/// Every column of a stream.
std::vector<ExpressionPtr> ColumnsOf(const Schema& schema);

}  // namespace millrace::sql

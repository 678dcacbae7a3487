#include <algorithm>
#include <functional>
#include <iterator>
#include <map>
#include <numeric>
#include <set>

#include "spi/model.h"
#include "sql/graph.h"
#include "sql/optimizer.h"

namespace millrace::sql {
namespace {

using Columns = std::set<int>;

void AddColumnsOf(const ExpressionPtr& expression, Columns& out) {
  if (!expression) return;
  for (const int column : millrace::ColumnsOf(*expression)) out.insert(column);
}

Columns All(const Schema& schema) {
  Columns out;
  for (int i = 0; i < schema.size(); ++i) out.insert(i);
  return out;
}

void AddCalls(const std::vector<AggregateCall>& calls, Columns& out) {
  for (const AggregateCall& call : calls) {
    for (const auto& argument : call.arguments) AddColumnsOf(argument, out);
    AddColumnsOf(call.filter, out);
  }
}

void AddOptional(int column, Columns& out) {
  if (column >= 0) out.insert(column);
}

void AddWindow(const WindowSpec& window, Columns& out) {
  for (const int column : {window.time_column, window.start_column, window.end_column}) {
    AddOptional(column, out);
  }
}

/// Nodes whose output is the input's columns, then some of their own.
bool PassesOn(const LogicalNode& node) {
  return As<LimitConfig>(node) || As<PredictConfig>(node) || As<UnnestConfig>(node) ||
         As<WindowConfig>(node) || As<ExpandConfig>(node) || As<DeduplicateConfig>(node) ||
         As<RankConfig>(node);
}

/// What a node that passes columns on reads for itself.
void AddOwnReads(const LogicalNode& node, Columns& reads) {
  const auto add = [&](const std::vector<int>& columns) {
    reads.insert(columns.begin(), columns.end());
  };
  if (const auto* predict = As<PredictConfig>(node)) {
    for (const auto& argument : predict->arguments) AddColumnsOf(argument, reads);
    add(predict->keys);
    if (predict->stream) {
      add(predict->stream->row_keys);
      AddOptional(predict->stream->row_time, reads);
      add(predict->stream->rollout.keys);
    }
  } else if (const auto* unnest = As<UnnestConfig>(node)) {
    AddColumnsOf(unnest->collection, reads);
  } else if (const auto* window = As<WindowConfig>(node)) {
    add(window->keys);
    AddWindow(window->window, reads);
  } else if (const auto* expand = As<ExpandConfig>(node)) {
    add(expand->columns);
  } else if (const auto* deduplicate = As<DeduplicateConfig>(node)) {
    add(deduplicate->keys);
    AddOptional(deduplicate->time_column, reads);
    AddOptional(deduplicate->window_end, reads);
  } else if (const auto* rank = As<RankConfig>(node)) {
    add(rank->keys);
    for (const SortColumn& sort : rank->order) reads.insert(sort.column);
    AddOptional(rank->window_end, reads);
  }
}

/// What `node` reads of its inputs when `wanted` columns of its main port are read.
Columns Reads(const LogicalNode& node, const Columns& wanted) {
  Columns reads;
  if (const auto* calc = As<CalcConfig>(node)) {
    AddColumnsOf(calc->condition, reads);
    for (const int i : wanted) AddColumnsOf(calc->projections[static_cast<size_t>(i)], reads);
    return reads;
  }
  if (const auto* aggregate = As<AggregateConfig>(node)) {
    reads.insert(aggregate->keys.begin(), aggregate->keys.end());
    AddCalls(aggregate->aggregates, reads);
    return reads;
  }
  if (const auto* aggregate = As<WindowAggregateConfig>(node)) {
    reads.insert(aggregate->keys.begin(), aggregate->keys.end());
    AddWindow(aggregate->window, reads);
    AddCalls(aggregate->aggregates, reads);
    return reads;
  }
  if (node.config != nullptr && !PassesOn(node)) return All(node.inputs[0].schema());
  const int width = node.inputs[0].schema().size();
  std::copy_if(wanted.begin(), wanted.end(), std::inserter(reads, reads.end()),
               [&](int column) { return column < width; });
  AddOwnReads(node, reads);
  return reads;
}

/// Rebuilds the nodes from the sources on, narrower.
class Pruner {
 public:
  explicit Pruner(const std::vector<LogicalNodePtr>& sinks) : order_(TopologicalOrder(sinks)) {
    for (auto node = order_.rbegin(); node != order_.rend(); ++node) {
      const LogicalNode& n = **node;
      if (n.inputs.empty()) continue;
      const bool whole_rows = side_readers_.count(&n) > 0;
      const Columns reads = whole_rows ? All(n.inputs[0].schema()) : Reads(n, WantedOf(n));
      for (size_t i = 0; i < n.inputs.size(); ++i) {
        const Stream& input = n.inputs[i];
        Columns& wanted = wanted_[input.node.get()];
        if (input.port == 0 && i > 0 && n.config != nullptr) {
          const Columns all = All(input.schema());
          wanted.insert(all.begin(), all.end());
        } else if (input.port == 0) {
          wanted.insert(reads.begin(), reads.end());
        } else if (const auto* source = As<SourceConfig>(*input.node)) {
          const Columns read = All(ReadBySource(*source).schema);
          wanted.insert(read.begin(), read.end());
        } else {
          side_readers_.insert(input.node.get());
          // The failed rows are those of all expressions.
          const Columns all = All(input.node->ports[0].schema);
          if (As<CalcConfig>(*input.node)) wanted.insert(all.begin(), all.end());
        }
      }
    }
  }

  std::vector<LogicalNodePtr> Run(const std::vector<LogicalNodePtr>& sinks) {
    for (const auto& node : order_) Rebuild(*node);
    std::vector<LogicalNodePtr> out;
    for (const auto& sink : sinks) out.push_back(rebuilt_.at(sink.get()));
    return out;
  }

 private:
  /// Old column to new, per node's main port; absent: the node kept its layout.
  using Layout = std::map<int, int>;

  /// At least one column: rows without columns cannot be counted by every reader.
  const Columns& WantedOf(const LogicalNode& node) {
    Columns& wanted = wanted_[&node];
    const bool has_columns = !node.ports.empty() && node.ports[0].schema.size() > 0;
    if (wanted.empty() && has_columns) wanted.insert(0);
    return wanted;
  }

  ExpressionPtr Moved(const ExpressionPtr& expression, const Layout& layout) const {
    if (!expression) return expression;
    return Rewrite(expression, [&](const ExpressionPtr& node) -> ExpressionPtr {
      if (!node->IsColumn()) return nullptr;
      return Expression::Column(layout.at(node->column), node->type, node->position);
    });
  }

  void Rebuild(const LogicalNode& old) {
    auto node = std::make_shared<LogicalNode>(old);
    for (Stream& input : node->inputs) input.node = rebuilt_.at(input.node.get());
    Layout& layout = layouts_[&old];
    if (old.inputs.empty()) {
      As<SourceConfig>(old) ? PruneSource(*node, WantedOf(old), layout) : Keep(old, layout);
    } else if (As<CalcConfig>(old)) {
      PruneCalc(*node, WantedOf(old), InputLayout(old), layout);
    } else if (As<AggregateConfig>(old)) {
      AggregateConfig config = *As<AggregateConfig>(old);
      MoveAggregate(config, InputLayout(old));
      node->config = std::make_shared<const AggregateConfig>(std::move(config));
      node->ports[1] = FailedPort(node->inputs[0].plan());
      Keep(old, layout);
    } else if (As<WindowAggregateConfig>(old)) {
      MoveWindowAggregate(*node, InputLayout(old));
      Keep(old, layout);
    } else if (old.config == nullptr) {
      AlignUnion(old, *node, layout);
    } else if (PassesOn(old)) {
      PassOn(old, *node, layout);
    } else {
      Keep(old, layout);
    }
    rebuilt_[&old] = std::move(node);
  }

  Layout InputLayout(const LogicalNode& old) const {
    const Stream& input = old.inputs[0];
    if (input.port == 0) return layouts_.at(input.node.get());
    Layout same;
    for (int i = 0; i < input.schema().size(); ++i) same[i] = i;
    return same;
  }

  static void Keep(const LogicalNode& node, Layout& layout) {
    if (node.ports.empty()) return;
    for (int i = 0; i < node.ports[0].schema.size(); ++i) layout[i] = i;
  }

  /// The port narrowed to the columns of `layout`.
  static void Narrow(PortPlan& port, const Layout& layout) {
    Schema schema;
    for (const auto& [from, to] : layout)
      schema.Add(port.schema.column(from).name, port.schema.column(from).type);
    port.schema = std::move(schema);
    const auto rowtime = layout.find(port.rowtime);
    port.rowtime = rowtime == layout.end() ? -1 : rowtime->second;
    for (int& column : port.key) {
      const auto kept = layout.find(column);
      if (kept == layout.end()) {
        port.key.clear();
        break;
      }
      column = kept->second;
    }
  }

  static void PruneSource(LogicalNode& node, const Columns& wanted, Layout& layout) {
    SourceConfig config = *As<SourceConfig>(node);
    const int physical = static_cast<int>(config.projection.size());
    const int computed_at = physical + static_cast<int>(config.metadata.size());
    Columns keep = wanted;
    if (config.watermark) {
      keep.insert(config.watermark->column);
      AddColumnsOf(config.watermark->expression, keep);
    }
    for (size_t i = 0; i < config.computed.size(); ++i)
      keep.insert(computed_at + static_cast<int>(i));
    for (const auto& computed : config.computed) AddColumnsOf(computed, keep);
    SourceConfig pruned = config;
    pruned.projection.clear();
    pruned.metadata.clear();
    for (const int column : keep) {
      layout[column] = static_cast<int>(layout.size());
      if (column < physical)
        pruned.projection.push_back(config.projection[static_cast<size_t>(column)]);
      else if (column < computed_at)
        pruned.metadata.push_back(config.metadata[static_cast<size_t>(column - physical)]);
    }
    const auto move = [&](ExpressionPtr& expression) {
      expression = Rewrite(expression, [&](const ExpressionPtr& e) -> ExpressionPtr {
        return e->IsColumn() ? Expression::Column(layout.at(e->column), e->type, e->position)
                             : nullptr;
      });
    };
    for (auto& computed : pruned.computed) move(computed);
    if (pruned.watermark) {
      pruned.watermark->column = layout.at(pruned.watermark->column);
      move(pruned.watermark->expression);
    }
    if (!pruned.computed.empty()) node.ports[2] = FailedPort(ReadBySource(pruned));
    node.config = std::make_shared<const SourceConfig>(std::move(pruned));
    Narrow(node.ports[0], layout);
  }

  void PruneCalc(LogicalNode& node, const Columns& wanted, const Layout& input,
                 Layout& layout) const {
    const CalcConfig& config = *As<CalcConfig>(node);
    CalcConfig pruned;
    pruned.condition = Moved(config.condition, input);
    for (const int column : wanted) {
      layout[column] = static_cast<int>(layout.size());
      pruned.projections.push_back(Moved(config.projections[static_cast<size_t>(column)], input));
      pruned.names.push_back(config.names[static_cast<size_t>(column)]);
    }
    node.config = std::make_shared<const CalcConfig>(std::move(pruned));
    Narrow(node.ports[0], layout);
    node.ports[1] = FailedPort(node.inputs[0].plan());
  }

  template <class Config>
  void MoveAggregate(Config& config, const Layout& input) const {
    Move(config.keys, input);
    for (AggregateCall& call : config.aggregates) {
      for (auto& argument : call.arguments) argument = Moved(argument, input);
      call.filter = Moved(call.filter, input);
    }
  }

  void MoveWindowAggregate(LogicalNode& node, const Layout& input) const {
    WindowAggregateConfig config = *As<WindowAggregateConfig>(node);
    MoveAggregate(config, input);
    MoveWindow(config.window, input);
    MoveSidePorts(node);
    node.config = std::make_shared<const WindowAggregateConfig>(std::move(config));
  }

  static void Move(int& column, const Layout& input) {
    if (column >= 0) column = input.at(column);
  }

  static void Move(std::vector<int>& columns, const Layout& input) {
    for (int& column : columns) Move(column, input);
  }

  static void MoveWindow(WindowSpec& window, const Layout& input) {
    for (int* column : {&window.time_column, &window.start_column, &window.end_column}) {
      Move(*column, input);
    }
  }

  /// Late rows are whole input rows, and so are failed ones.
  static void MoveSidePorts(LogicalNode& node) {
    const PortPlan& input = node.inputs[0].plan();
    for (size_t i = 1; i < node.ports.size(); ++i) {
      if (node.ports[i].name == kFailedPort) {
        node.ports[i] = FailedPort(input);
      } else {
        node.ports[i].schema = input.schema;
      }
    }
  }

  /// The input's columns, as they now are, then the added ones.
  void PassOn(const LogicalNode& old, LogicalNode& node, Layout& layout) const {
    const Layout input = InputLayout(old);
    const int old_width = old.inputs[0].schema().size();
    int added = old.ports[0].schema.size() - old_width;
    const bool unnumbered =
        As<RankConfig>(old) && added == 1 && wanted_.at(&old).count(old_width) == 0;
    if (unnumbered) added = 0;
    layout = input;
    for (int i = 0; i < added; ++i) layout[old_width + i] = static_cast<int>(input.size()) + i;
    Narrow(node.ports[0], layout);
    if (const auto* predict = As<PredictConfig>(old)) {
      PredictConfig moved = *predict;
      for (auto& argument : moved.arguments) argument = Moved(argument, input);
      Move(moved.keys, input);
      if (moved.stream) {
        Move(moved.stream->row_keys, input);
        Move(moved.stream->row_time, input);
        Move(moved.stream->rollout.keys, input);
      }
      node.ports[1].schema = FailedRowsSchema(node.inputs[0].schema());
      for (PortPlan& port : node.ports) {
        if (port.name == kShadowPort)
          port.schema = ShadowRowsSchema(node.inputs[0].schema(), moved);
      }
      node.config = std::make_shared<const PredictConfig>(std::move(moved));
    }
    if (const auto* unnest = As<UnnestConfig>(old)) {
      UnnestConfig moved = *unnest;
      moved.collection = Moved(moved.collection, input);
      node.config = std::make_shared<const UnnestConfig>(std::move(moved));
      node.ports[1] = FailedPort(node.inputs[0].plan());
    }
    if (const auto* window = As<WindowConfig>(old)) {
      WindowConfig moved = *window;
      Move(moved.keys, input);
      MoveWindow(moved.window, input);
      MoveSidePorts(node);
      node.config = std::make_shared<const WindowConfig>(std::move(moved));
    }
    if (const auto* expand = As<ExpandConfig>(old)) {
      ExpandConfig moved = *expand;
      Move(moved.columns, input);
      for (auto& set : moved.sets) Move(set, input);
      node.config = std::make_shared<const ExpandConfig>(std::move(moved));
    }
    if (const auto* deduplicate = As<DeduplicateConfig>(old)) {
      DeduplicateConfig moved = *deduplicate;
      Move(moved.keys, input);
      Move(moved.time_column, input);
      Move(moved.window_end, input);
      MoveSidePorts(node);
      node.config = std::make_shared<const DeduplicateConfig>(std::move(moved));
    }
    if (const auto* rank = As<RankConfig>(old)) {
      RankConfig moved = *rank;
      Move(moved.keys, input);
      for (SortColumn& sort : moved.order) Move(sort.column, input);
      Move(moved.window_end, input);
      if (unnumbered) moved.number_name.clear();
      MoveSidePorts(node);
      node.config = std::make_shared<const RankConfig>(std::move(moved));
    }
  }

  /// The inputs of a union must have one layout: one that is read elsewhere, too, may have kept
  /// more columns.
  void AlignUnion(const LogicalNode& old, LogicalNode& node, Layout& layout) {
    for (const int column : WantedOf(old)) layout[column] = static_cast<int>(layout.size());
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      const LogicalNode& source = *old.inputs[i].node;
      const Layout& have = layouts_.at(&source);
      if (old.inputs[i].port != 0 || have == layout) continue;
      std::vector<ExpressionPtr> columns;
      std::vector<std::string> names;
      for (const auto& [from, to] : layout) {
        columns.push_back(ColumnOf(node.inputs[i].schema(), have.at(from)));
        names.push_back(old.ports[0].schema.column(from).name);
      }
      auto calc =
          aligners_.Calc(old.id, node.inputs[i], nullptr, std::move(columns), std::move(names));
      node.inputs[i] = {std::move(calc), 0};
    }
    Narrow(node.ports[0], layout);
  }

  std::vector<LogicalNodePtr> order_;
  std::map<const LogicalNode*, Columns> wanted_;
  /// Nodes whose failed or late rows are read: whole input rows. Who reads the rejected rows of a
  /// source wants every column checked.
  std::set<const LogicalNode*> side_readers_;
  std::map<const LogicalNode*, LogicalNodePtr> rebuilt_;
  std::map<const LogicalNode*, Layout> layouts_;
  NodeFactory aligners_;
};

}  // namespace

std::vector<LogicalNodePtr> PruneColumns(const std::vector<LogicalNodePtr>& sinks) {
  return Pruner(sinks).Run(sinks);
}

}  // namespace millrace::sql

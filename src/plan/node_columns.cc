#include "plan/node_columns.h"

#include <algorithm>

namespace millrace {
namespace {

Status OutOfRange(const std::string& what, int column, int width) {
  return Error::User(what + " reads column " + std::to_string(column) + " of " +
                     std::to_string(width));
}

Status CheckIndex(const std::string& what, int column, int width) {
  return column >= 0 && column < width ? Status::OK() : OutOfRange(what, column, width);
}

Status CheckIndices(const std::string& what, const std::vector<int>& columns, int width) {
  for (const int column : columns) ARROW_RETURN_NOT_OK(CheckIndex(what, column, width));
  return Status::OK();
}

Status CheckExpression(const std::string& what, const ExpressionPtr& expression, int width) {
  if (!expression) return Status::OK();
  return CheckIndices(what, ColumnsOf(*expression), width);
}

Status CheckExpressions(const std::string& what, const std::vector<ExpressionPtr>& expressions,
                        int width) {
  for (const auto& expression : expressions) {
    if (!expression) return Error::User(what + " is missing");
    ARROW_RETURN_NOT_OK(CheckExpression(what, expression, width));
  }
  return Status::OK();
}

Status CheckNames(const std::string& what, size_t names, size_t values) {
  if (names == values) return Status::OK();
  return Error::User(what + " has " + std::to_string(values) + " values and " +
                     std::to_string(names) + " names");
}

Status Check(const SourceConfig& c, int) {
  ARROW_RETURN_NOT_OK(CheckIndices("projection", c.projection, c.table.physical.size()));
  const int stored = static_cast<int>(c.projection.size() + c.metadata.size());
  ARROW_RETURN_NOT_OK(CheckExpressions("a computed column", c.computed, stored));
  ARROW_RETURN_NOT_OK(CheckNames("computed", c.computed_names.size(), c.computed.size()));
  if (!c.watermark) return Status::OK();
  const int width = stored + static_cast<int>(c.computed.size());
  ARROW_RETURN_NOT_OK(CheckIndex("the watermark", c.watermark->column, width));
  return CheckExpressions("the watermark", {c.watermark->expression}, width);
}

Status Check(const ValuesConfig& c, int) {
  for (const auto& row : c.rows) {
    ARROW_RETURN_NOT_OK(CheckNames("a row", static_cast<size_t>(c.schema.size()), row.size()));
    ARROW_RETURN_NOT_OK(CheckExpressions("a row", row, 0));
  }
  return Status::OK();
}

Status Check(const CalcConfig& c, int width) {
  for (const auto& local : c.locals) {
    ARROW_RETURN_NOT_OK(CheckExpressions("a local", {local}, width++));
  }
  ARROW_RETURN_NOT_OK(CheckExpression("the condition", c.condition, width));
  ARROW_RETURN_NOT_OK(CheckExpressions("a projection", c.projections, width));
  return CheckNames("select", c.names.size(), c.projections.size());
}

Status Check(const UnnestConfig& c, int width) {
  return CheckExpressions("the collection", {c.collection}, width);
}

Status CheckCalls(const std::vector<AggregateCall>& calls, AggregatePhase phase, int width) {
  if (phase == AggregatePhase::kGlobal)
    return Status::OK();  // they speak of the local node's input
  for (const AggregateCall& call : calls) {
    ARROW_RETURN_NOT_OK(CheckExpressions("an aggregate", call.arguments, width));
    ARROW_RETURN_NOT_OK(CheckExpression("a filter", call.filter, width));
  }
  return Status::OK();
}

Status Check(const AggregateConfig& c, int width) {
  ARROW_RETURN_NOT_OK(CheckIndices("a key", c.keys, width));
  ARROW_RETURN_NOT_OK(CheckNames("keys", c.key_names.size(), c.keys.size()));
  return CheckCalls(c.aggregates, c.phase, width);
}

Status CheckOptional(const std::string& what, int column, int width) {
  return column == -1 ? Status::OK() : CheckIndex(what, column, width);
}

Status CheckWindow(const WindowSpec& w, int width) {
  ARROW_RETURN_NOT_OK(CheckOptional("a window", w.time_column, width));
  if (w.kind == WindowSpec::Kind::kAttached) {
    return CheckIndices("a window", {w.start_column, w.end_column}, width);
  }
  const bool steps = w.kind == WindowSpec::Kind::kHop || w.kind == WindowSpec::Kind::kCumulate;
  if (w.size_us > 0 && (!steps || w.step_us > 0)) return Status::OK();
  return Error::User("a window has a size or step that is not positive");
}

Status Check(const WindowConfig& c, int width) {
  ARROW_RETURN_NOT_OK(CheckIndices("a key", c.keys, width));
  return CheckWindow(c.window, width);
}

Status Check(const WindowAggregateConfig& c, int width) {
  ARROW_RETURN_NOT_OK(CheckIndices("a key", c.keys, width));
  ARROW_RETURN_NOT_OK(CheckNames("keys", c.key_names.size(), c.keys.size()));
  ARROW_RETURN_NOT_OK(CheckCalls(c.aggregates, c.phase, width));
  return c.phase == AggregatePhase::kGlobal ? Status::OK() : CheckWindow(c.window, width);
}

Status Check(const ExpandConfig& c, int width) {
  ARROW_RETURN_NOT_OK(CheckIndices("a grouping set", c.columns, width));
  for (const auto& set : c.sets) ARROW_RETURN_NOT_OK(CheckIndices("a grouping set", set, width));
  return Status::OK();
}

Status Check(const DeduplicateConfig& c, int width) {
  ARROW_RETURN_NOT_OK(CheckIndices("a key", c.keys, width));
  ARROW_RETURN_NOT_OK(CheckOptional("the time", c.time_column, width));
  return CheckOptional("the window's end", c.window_end, width);
}

Status Check(const RankConfig& c, int width) {
  ARROW_RETURN_NOT_OK(CheckIndices("a key", c.keys, width));
  for (const SortColumn& sort : c.order) {
    ARROW_RETURN_NOT_OK(CheckIndex("the order", sort.column, width));
  }
  if (c.from < 1 || c.to < c.from) return Error::User("a Top-N has an empty range");
  return CheckOptional("the window's end", c.window_end, width);
}

Status Check(const PredictConfig& c, int width) {
  const auto inputs = static_cast<size_t>(c.model.input.size());
  ARROW_RETURN_NOT_OK(CheckNames("the model's input", inputs, c.arguments.size()));
  const auto outputs = static_cast<size_t>(c.model.output.size());
  ARROW_RETURN_NOT_OK(CheckNames("the model's output", c.names.size(), outputs));
  ARROW_RETURN_NOT_OK(
      CheckIndices("a sequence's column", c.model.sequence_columns, c.model.input.size()));
  ARROW_RETURN_NOT_OK(CheckIndices("a sequence's key", c.keys, width));
  if (c.stream) {
    const ModelStream& stream = *c.stream;
    ARROW_RETURN_NOT_OK(CheckIndices("a model's key", stream.row_keys, width));
    ARROW_RETURN_NOT_OK(
        CheckNames("the models' key", stream.record_keys.size(), stream.row_keys.size()));
    ARROW_RETURN_NOT_OK(CheckIndices("a rollout's key", stream.rollout.keys, width));
    if (stream.row_time >= width) return CheckIndices("a model's time", {stream.row_time}, width);
  }
  return CheckExpressions("a model's argument", c.arguments, width);
}

Status Check(const SinkConfig& c, int width) {
  ARROW_RETURN_NOT_OK(CheckIndices("the primary key", c.primary_key, c.table.physical.size()));
  const auto columns = static_cast<size_t>(c.table.physical.size());
  return CheckNames("the sink", columns, static_cast<size_t>(width));
}

template <class Config>
bool CheckIf(const NodeConfig& config, int width, Status* status) {
  if (config.op() != Config::kOp) return false;
  *status = Check(static_cast<const Config&>(config), width);
  return true;
}

}  // namespace

Status CheckColumnReferences(const NodeConfig& config, const Schema* input) {
  const int width = input == nullptr ? 0 : input->size();
  Status status;
  CheckIf<SourceConfig>(config, width, &status) || CheckIf<ValuesConfig>(config, width, &status) ||
      CheckIf<CalcConfig>(config, width, &status) ||
      CheckIf<UnnestConfig>(config, width, &status) ||
      CheckIf<AggregateConfig>(config, width, &status) ||
      CheckIf<WindowConfig>(config, width, &status) ||
      CheckIf<WindowAggregateConfig>(config, width, &status) ||
      CheckIf<ExpandConfig>(config, width, &status) ||
      CheckIf<DeduplicateConfig>(config, width, &status) ||
      CheckIf<RankConfig>(config, width, &status) ||
      CheckIf<PredictConfig>(config, width, &status) || CheckIf<SinkConfig>(config, width, &status);
  return status;
}

}  // namespace millrace

#include "sql/aggregation.h"

#include <algorithm>
#include <set>

#include "base/options.h"
#include "spi/services.h"
#include "sql/window_input.h"

namespace millrace::sql {
namespace {

constexpr int kWindowColumns = 3;

std::string NameOf(const ExpressionPtr& value, const Schema& schema, size_t index) {
  return value->IsColumn() ? schema.column(value->column).name : "$" + std::to_string(index);
}

}  // namespace

std::optional<std::vector<SqlType>> MergeableAccumulators(const Registries& registries,
                                                          const std::vector<AggregateCall>& calls) {
  std::vector<SqlType> accumulators;
  for (const AggregateCall& call : calls) {
    if (call.distinct) return {};
    std::vector<SqlType> types;
    for (const auto& argument : call.arguments) types.push_back(argument->type);
    const auto bound = registries.aggregates.Find(call.function)->bind(types, false);
    if (!bound.ok() || !bound->mergeable) return {};
    const auto made = bound->make();
    if (!made.ok()) return {};
    for (SqlType& type : (*made)->StateTypes()) accumulators.push_back(std::move(type));
  }
  return accumulators;
}

/// A projection in the making, and what reads it.
struct Aggregation::Prepared {
  Stream input;
  ExpressionPtr condition;
  std::vector<ExpressionPtr> columns;
  std::vector<std::string> names;
  std::set<int> optional;  ///< columns that a grouping set empties: arguments read others
  std::vector<int> keys;
  std::vector<AggregateCall> calls;

  ExpressionPtr ColumnOf(const ExpressionPtr& value) {
    int at = 0;
    const int width = static_cast<int>(columns.size());
    while (at < width &&
           (optional.count(at) > 0 || !Equal(*columns[static_cast<size_t>(at)], *value)))
      ++at;
    if (at == width) Add(value, NameOf(value, input.schema(), columns.size()));
    return Expression::Column(at, value->type, value->position);
  }

  int Add(ExpressionPtr value, std::string name) {
    columns.push_back(std::move(value));
    names.push_back(std::move(name));
    return static_cast<int>(columns.size()) - 1;
  }
};

Result<Aggregation> Aggregation::Make(GroupKeys group, std::vector<AggregateCall> calls,
                                      const std::optional<WindowColumns>& windows) {
  Aggregation out;
  out.calls_ = std::move(calls);
  out.group_ = std::move(group);
  if (!windows) return out;
  const auto window_column = [&](const ExpressionPtr& key) {
    if (!key->IsColumn()) return false;
    const int column = key->column;
    return column == windows->start || column == windows->end ||
           (windows->time >= 0 && column == windows->time);
  };
  const auto key_of = [&](int column) {
    const auto& keys = out.group_.keys;
    const auto it = std::find_if(keys.begin(), keys.end(), [&](const ExpressionPtr& key) {
      return key->IsColumn() && key->column == column;
    });
    return it == keys.end() ? -1 : static_cast<int>(it - keys.begin());
  };
  const int start = key_of(windows->start);
  const int end = key_of(windows->end);
  if (start < 0 || end < 0) return out;
  for (const int key : {start, end}) {
    if (!out.group_.IsOptional(key)) continue;
    return Error::User("a grouping set leaves out '" + out.group_.names[static_cast<size_t>(key)] +
                       "'")
        .At(out.group_.keys[static_cast<size_t>(key)]->position)
        .Hint(
            "every grouping set of a window aggregation holds window_start and window_end: "
            "write GROUP BY window_start, window_end, GROUPING SETS (…)");
  }
  out.windows_ = windows;
  GroupKeys rest;
  std::vector<int> moved;
  for (size_t i = 0; i < out.group_.keys.size(); ++i) {
    const bool is_window = window_column(out.group_.keys[i]);
    moved.push_back(is_window ? -1 : static_cast<int>(rest.keys.size()));
    if (is_window) continue;
    rest.keys.push_back(out.group_.keys[i]);
    rest.names.push_back(out.group_.names[i]);
  }
  for (const auto& set : out.group_.sets) {
    std::vector<int> kept;
    for (const int key : set) {
      if (moved[static_cast<size_t>(key)] >= 0) kept.push_back(moved[static_cast<size_t>(key)]);
    }
    const bool known = std::find(rest.sets.begin(), rest.sets.end(), kept) != rest.sets.end();
    if (!known) rest.sets.push_back(std::move(kept));
  }
  out.group_ = std::move(rest);
  return out;
}

ExpressionPtr Aggregation::KeyColumn(size_t key, Position at) const {
  const SqlType& type = group_.keys[key]->type;
  const bool optional = group_.IsOptional(static_cast<int>(key));
  return Expression::Column(static_cast<int>(key), optional ? type.AsNullable() : type, at);
}

Result<ExpressionPtr> Aggregation::OverGroups(const ExpressionPtr& expression,
                                              const Schema& input) const {
  Status failed;
  auto rewritten = Rewrite(expression, [&](const ExpressionPtr& node) -> ExpressionPtr {
    const auto key = std::find_if(group_.keys.begin(), group_.keys.end(),
                                  [&](const ExpressionPtr& k) { return Equal(*k, *node); });
    if (key != group_.keys.end()) {
      return KeyColumn(static_cast<size_t>(key - group_.keys.begin()), node->position);
    }
    if (!node->IsColumn() || node->column >= ModelCalls::kOutputsBase) return nullptr;
    const auto output = [&](int column) {
      return Expression::Column(column, node->type, node->position);
    };
    if (node->column == GroupKeys::kSetColumn) return output(key_count() - 1);
    const int call = node->column - AggregateCalls::kAggregateBase;
    if (call >= 0 && node->column < ModelCalls::kRowsBase) {
      return output(key_count() + (windows_ ? kWindowColumns : 0) + call);
    }
    if (call < 0 && node->column > GroupKeys::kSetColumn) return nullptr;
    if (windows_) {
      if (node->column == windows_->start) return output(key_count());
      if (node->column == windows_->end) return output(key_count() + 1);
      if (node->column == windows_->time) return output(key_count() + 2);
    }
    const bool named = node->column < input.size();
    failed = Error::User(
                 (named ? "column '" + input.column(node->column).name + "'" : "this model call") +
                 " is neither in GROUP BY nor inside an aggregate")
                 .At(node->position)
                 .Hint(named ? "add it to GROUP BY, or take one value of the group, such as MAX(" +
                                   input.column(node->column).name + ")"
                             : "add the same call to GROUP BY, or aggregate it");
    return node;
  });
  ARROW_RETURN_NOT_OK(failed);
  return rewritten;
}

Aggregation::Prepared Aggregation::Prepare(Stream input, std::vector<ExpressionPtr> keys,
                                           std::vector<AggregateCall> calls, bool pass_all) const {
  Prepared out;
  out.input = std::move(input);
  if (pass_all) {
    out.columns = sql::ColumnsOf(out.input.schema());
    out.names = out.input.schema().Names();
  }
  for (size_t i = 0; i < keys.size(); ++i) {
    const bool optional = group_.IsOptional(static_cast<int>(i));
    const bool shared = pass_all && !optional;
    out.keys.push_back(shared ? out.ColumnOf(keys[i])->column : out.Add(keys[i], group_.names[i]));
    if (optional) out.optional.insert(out.keys.back());
  }
  for (size_t i = 0; i < calls.size(); ++i) {
    for (auto& argument : calls[i].arguments) argument = out.ColumnOf(argument);
    if (calls[i].filter) calls[i].filter = out.ColumnOf(calls[i].filter);
    calls[i].name = "$" + std::to_string(i);
  }
  out.calls = std::move(calls);
  return out;
}

Stream Aggregation::PlaceExpand(NodeFactory& nodes, const std::string& name,
                                const Prepared& prepared) const {
  Stream rows{
      nodes.Calc(name, prepared.input, prepared.condition, prepared.columns, prepared.names), 0};
  if (!group_.has_sets()) return rows;
  ExpandConfig expand;
  for (const int key : group_.optional()) {
    expand.columns.push_back(prepared.keys[static_cast<size_t>(key)]);
  }
  for (const auto& set : group_.sets) {
    std::vector<int> kept;
    for (const int key : set) {
      if (group_.IsOptional(key)) kept.push_back(prepared.keys[static_cast<size_t>(key)]);
    }
    expand.sets.push_back(std::move(kept));
  }
  expand.id_name = "$grouping";
  return {nodes.Expand(name, std::move(rows), std::move(expand)), 0};
}

Result<Stream> Aggregation::Place(
    const PlannerContext& context, NodeFactory& nodes, const std::string& name,
    const std::string& state_id, Stream input,
    const std::function<ExpressionPtr(const ExpressionPtr&)>& place) const {
  std::vector<ExpressionPtr> keys;
  for (const auto& key : group_.keys) keys.push_back(place(key));
  std::vector<AggregateCall> calls = calls_;
  for (AggregateCall& call : calls) {
    for (auto& argument : call.arguments) argument = place(argument);
    if (call.filter) call.filter = place(call.filter);
  }
  if (windows_) {
    return PlaceWindowed(context, nodes, name, state_id, std::move(input), std::move(keys),
                         std::move(calls));
  }
  const bool bounded = input.node->bounded;
  Prepared prepared = Prepare(std::move(input), std::move(keys), std::move(calls), false);
  Stream rows = PlaceExpand(nodes, name, prepared);
  AggregateConfig config;
  config.keys = prepared.keys;
  config.key_names = group_.names;
  if (group_.has_sets()) {
    config.keys.push_back(rows.schema().size() - 1);
    config.key_names.push_back("$grouping");
  }
  config.aggregates = std::move(prepared.calls);
  const bool batch = context.Setting("execution.runtime-mode", "streaming") == "batch";
  config.output =
      batch && bounded ? AggregateConfig::Output::kFinal : AggregateConfig::Output::kChangelog;
  return Stream{nodes.Aggregate(name, std::move(rows), std::move(config), state_id), 0};
}

Result<Stream> Aggregation::PlaceWindowed(const PlannerContext& context, NodeFactory& nodes,
                                          const std::string& name, const std::string& state_id,
                                          Stream input, std::vector<ExpressionPtr> keys,
                                          std::vector<AggregateCall> calls) const {
  const Position at = keys.empty() ? Position() : keys[0]->position;
  auto window = WindowInput::Find(input, keys, calls);
  const bool session = window && window->config->window.kind == WindowSpec::Kind::kSession;
  if (session && !input.append_only()) {
    return NotPlanned("a SESSION window over results that are updated", at);
  }
  // Sessions that become one merge what they have; the others aggregate the rows behind them.
  if (session && !MergeableAccumulators(context.registries, calls)) window.reset();
  Prepared prepared;
  WindowAggregateConfig config;
  if (window) {
    config.window = window->config->window;
    for (auto& key : keys) key = window->OverInput(key);
    for (AggregateCall& call : calls) {
      for (auto& argument : call.arguments) argument = window->OverInput(argument);
      if (call.filter) call.filter = window->OverInput(call.filter);
    }
    prepared = Prepare(window->input, std::move(keys), std::move(calls), true);
    prepared.condition = window->condition;
  } else {
    config.window.kind = WindowSpec::Kind::kAttached;
    config.window.start_column = windows_->start;
    config.window.end_column = windows_->end;
    if (!windows_->processing_time) {
      config.window.time_column = windows_->time >= 0 ? windows_->time : windows_->end;
    }
    prepared = Prepare(std::move(input), std::move(keys), std::move(calls), true);
  }
  config.keys = prepared.keys;
  config.key_names = group_.names;
  Stream rows = PlaceExpand(nodes, name, prepared);
  if (group_.has_sets()) {
    config.keys.push_back(rows.schema().size() - 1);
    config.key_names.push_back("$grouping");
  }
  config.aggregates = std::move(prepared.calls);
  ARROW_ASSIGN_OR_RAISE(config.allowed_lateness_us, ParseDurationMicros(context.Setting(
                                                        "table.exec.emit.allow-lateness", "0")));
  if (config.allowed_lateness_us > 0 && config.window.kind == WindowSpec::Kind::kSession) {
    return NotPlanned("'table.exec.emit.allow-lateness' with SESSION windows", at);
  }
  return Stream{nodes.WindowAggregate(name, std::move(rows), std::move(config), windows_, state_id),
                0};
}

}  // namespace millrace::sql

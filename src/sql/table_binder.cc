#include "sql/table_binder.h"

#include <algorithm>

#include "base/suggest.h"
#include "spi/model_drift.h"
#include "spi/model_history.h"
#include "spi/model_statistics.h"
#include "sql/coerce.h"
#include "sql/expression_binder.h"

namespace millrace::sql {
namespace {

/// Tables of the database `millrace`.
struct SystemTable {
  const char* name;
  const char* connector;
  Schema (*columns)();
};
constexpr SystemTable kSystemTables[] = {
    {"model_drift", "model-drift", ModelDriftSchema},
    {"model_history", "model-history", ModelHistorySchema},
    {"model_stats", "model-statistics", ModelStatisticsSchema},
};

/// A table's configuration with the options of hints laid over it, resolved against the connector.
struct Hinted {
  TableConfig config;
  ResolvedTable resolved;
};

Result<Hinted> ApplyHints(const PlannerContext& context, const Table& table,
                          const std::vector<syntax::Hint>& hints, Position at) {
  OptionPositions positions = table.positions;
  ARROW_ASSIGN_OR_RAISE(auto overrides, HintedOptions(hints, &positions));
  Hinted out;
  out.config = table.config();
  for (auto& [key, value] : overrides) out.config.options[key] = std::move(value);
  auto resolved = ResolveTable(context.registries, out.config, positions);
  if (!resolved.ok()) return WithPlace(resolved.status(), at, table.name);
  ARROW_RETURN_NOT_OK(CheckSecrets(context, out.config, positions));
  out.resolved = std::move(*resolved);
  out.config.connector = out.resolved.connector->name;
  return out;
}

Result<int> WatermarkColumn(const Table& table, const Schema& schema) {
  const auto& path = table.watermark->column;
  const int column = path.parts.size() == 1 ? schema.Find(path.parts[0].name) : -1;
  if (column >= 0) return column;
  return Error::User("no column '" + path.ToString() + "' for the watermark")
      .At(path.position())
      .Hint(Suggest(path.parts[0].name, schema.Names()));
}

}  // namespace

Result<std::map<std::string, std::string>> HintedOptions(const std::vector<syntax::Hint>& hints,
                                                         OptionPositions* positions) {
  std::map<std::string, std::string> options;
  for (const auto& hint : hints) {
    if (hint.name.name == "STATE_ID") continue;
    if (hint.name.name != "OPTIONS") {
      return Error::User("unknown hint '" + hint.name.name + "'")
          .At(hint.name.position)
          .Hint("a table takes OPTIONS('key' = 'value') and STATE_ID('name')");
    }
    for (const auto& property : hint.options) {
      options[property.key] = property.value;
      (*positions)[property.key] = property.position;
    }
  }
  return options;
}

std::string HintedStateId(const std::vector<syntax::Hint>& hints) {
  for (const auto& hint : hints) {
    if (hint.name.name == "STATE_ID" && !hint.arguments.empty()) return hint.arguments[0];
  }
  return {};
}

Result<Stream> BindTable(const PlannerContext& context, NodeFactory& nodes, const Table& table,
                         const std::vector<syntax::Hint>& hints, Position at) {
  ARROW_ASSIGN_OR_RAISE(auto hinted, ApplyHints(context, table, hints, at));
  const ConnectorSpec& connector = *hinted.resolved.connector;
  if (connector.make_reader == nullptr) {
    return Error::User("the connector '" + connector.name + "' of table '" + table.name +
                       "' cannot be read")
        .At(at)
        .Hint("it is a sink only");
  }
  SourceConfig config;
  config.table = std::move(hinted.config);
  Scope scope;
  Schema produced;
  std::vector<ExpressionPtr> by_column(table.columns.size());
  for (size_t i = 0; i < table.columns.size(); ++i) {
    const TableColumn& column = table.columns[i];
    if (column.kind != TableColumn::Kind::kPhysical) continue;
    config.projection.push_back(static_cast<int>(config.projection.size()));
    by_column[i] = Expression::Column(produced.size(), column.type);
    produced.Add(column.name, column.type);
  }
  for (size_t i = 0; i < table.columns.size(); ++i) {
    const TableColumn& column = table.columns[i];
    if (column.kind != TableColumn::Kind::kMetadata) continue;
    config.metadata.push_back({column.metadata_key, column.name, column.type});
    by_column[i] = Expression::Column(produced.size(), column.type);
    produced.Add(column.name, column.type);
  }
  scope.Add(table.name, produced);
  for (size_t i = 0; i < table.columns.size(); ++i) {
    const TableColumn& column = table.columns[i];
    if (column.kind != TableColumn::Kind::kComputed) continue;
    ExpressionBinder binder(context, scope);
    binder.SetClause("a computed column");
    ARROW_ASSIGN_OR_RAISE(auto value, binder.Bind(column.expression));
    const bool is_rowtime = table.watermark && table.watermark->column.parts[0].name == column.name;
    if (is_rowtime) {
      config.computed.push_back(value);
      config.computed_names.push_back(column.name);
      value = Expression::Column(produced.size(), column.type);
      produced.Add(column.name, column.type);
    }
    by_column[i] = std::move(value);
  }
  PortPlan main;
  main.name = "main";
  main.schema = produced;
  main.changelog = connector.source_changelog;
  if (main.changelog != ChangelogMode::kAppend) {
    for (const auto& key : table.primary_key) main.key.push_back(produced.Find(key));
  }
  if (table.watermark) {
    Scope all;
    all.Add(table.name, produced);
    ExpressionBinder binder(context, all);
    binder.SetClause("a watermark");
    WatermarkConfig watermark;
    ARROW_ASSIGN_OR_RAISE(watermark.column, WatermarkColumn(table, produced));
    ARROW_ASSIGN_OR_RAISE(watermark.expression, binder.Bind(table.watermark->expression));
    const Options& options = hinted.resolved.watermark_options;
    if (options.Has("scan.watermark.idle-timeout")) {
      watermark.idle_timeout_us = options.DurationMicros("scan.watermark.idle-timeout");
    } else {
      const std::string idle = context.Setting("table.exec.source.idle-timeout", "0");
      ARROW_ASSIGN_OR_RAISE(watermark.idle_timeout_us, ParseDurationMicros(idle));
    }
    watermark.alignment_group = options.String("scan.watermark.alignment.group");
    watermark.max_drift_us = options.DurationMicros("scan.watermark.alignment.max-drift");
    watermark.align_interval_us =
        options.DurationMicros("scan.watermark.alignment.update-interval");
    main.rowtime = watermark.column;
    config.watermark = std::move(watermark);
  }
  const bool bounded = connector.bounded && connector.bounded(hinted.resolved.options);
  DeduplicateConfig newest;
  newest.keys = main.key;
  newest.keep_last = true;
  const bool upsert = main.changelog == ChangelogMode::kUpsert;
  Stream source{nodes.Source(std::move(config), std::move(main), bounded), 0};
  // An update needs the row before it.
  if (upsert) source = {nodes.Deduplicate(table.name, source, std::move(newest), {}), 0};
  const Schema schema = table.schema();
  if (schema.Names() == produced.Names()) return source;
  return Stream{nodes.Calc(table.name, source, nullptr, std::move(by_column), schema.Names()), 0};
}

Result<LogicalNodePtr> BindSink(const PlannerContext& context, NodeFactory& nodes,
                                const Table& table, const std::vector<syntax::Identifier>& columns,
                                const std::vector<syntax::Hint>& hints, Stream rows, Position at) {
  ARROW_ASSIGN_OR_RAISE(auto hinted, ApplyHints(context, table, hints, at));
  const ConnectorSpec& connector = *hinted.resolved.connector;
  if (connector.make_writer == nullptr) {
    return Error::User("the connector '" + connector.name + "' of table '" + table.name +
                       "' cannot be written")
        .At(at)
        .Hint("it is a source only");
  }
  if (!rows.append_only() && !connector.takes_changelog) {
    return Error::User("table '" + table.name +
                       "' takes inserts only, but the query updates its results")
        .At(at)
        .Hint(
            "SET 'execution.runtime-mode' = 'batch' gives final results for bounded input; or use "
            "a sink that "
            "takes changes, such as 'print'");
  }
  const Schema target = table.sink_schema();
  std::vector<int> given(static_cast<size_t>(target.size()), -1);
  const int expected = columns.empty() ? target.size() : static_cast<int>(columns.size());
  if (rows.schema().size() != expected) {
    return Error::User("the query gives " + std::to_string(rows.schema().size()) +
                       " columns, but table '" + table.name + "' takes " + std::to_string(expected))
        .At(at)
        .Hint("query: " + rows.schema().ToString() + "; table: " + target.ToString());
  }
  for (int i = 0; i < expected; ++i) {
    int column = i;
    if (!columns.empty()) {
      const auto& name = columns[static_cast<size_t>(i)];
      column = target.Find(name.name);
      if (column < 0) {
        return Error::User("table '" + table.name + "' has no column '" + name.name + "' to write")
            .At(name.position)
            .Hint(Suggest(name.name, target.Names()));
      }
    }
    given[static_cast<size_t>(column)] = i;
  }
  std::vector<ExpressionPtr> values;
  bool as_is = true;
  for (int i = 0; i < target.size(); ++i) {
    const SqlField& column = target.column(i);
    const int from = given[static_cast<size_t>(i)];
    if (from < 0) {
      if (!column.type.nullable()) {
        return Error::User("column '" + column.name + "' of table '" + table.name +
                           "' is NOT NULL and gets no value")
            .At(at);
      }
      values.push_back(Expression::Literal(std::monostate(), column.type, at));
      as_is = false;
      continue;
    }
    const std::string what = "column `" + column.name + "` of table '" + table.name + "'";
    auto value = CoerceTo(ColumnOf(rows.schema(), from, at), column.type, what);
    if (!value.ok()) return value.status();
    as_is = as_is && (*value)->IsColumn() && from == i;
    values.push_back(std::move(*value));
  }
  if (!as_is || rows.schema().Names() != target.Names()) {
    rows = Stream{nodes.Calc(table.name, rows, nullptr, std::move(values), target.Names()), 0};
  }
  SinkConfig config;
  config.table = std::move(hinted.config);
  config.table.physical = target;
  const std::string enforcer = context.Setting("table.exec.sink.not-null-enforcer", "REJECT");
  config.not_null = enforcer == "ERROR"  ? NotNullEnforcer::kError
                    : enforcer == "DROP" ? NotNullEnforcer::kDrop
                                         : NotNullEnforcer::kReject;
  for (const auto& key : table.primary_key) config.primary_key.push_back(target.Find(key));
  for (const TableColumn& column : table.columns) {
    if (column.kind == TableColumn::Kind::kMetadata && !column.is_virtual) {
      config.metadata.push_back({column.metadata_key, column.name, column.type});
    }
  }
  return nodes.Sink(std::move(rows), std::move(config));
}

Result<Stream> BindSystemTable(const PlannerContext& context, NodeFactory& nodes,
                               const std::string& name, Position at) {
  const auto known = std::ranges::find(kSystemTables, name, &SystemTable::name);
  if (known == std::end(kSystemTables)) {
    std::vector<std::string> names;
    for (const SystemTable& each : kSystemTables) names.emplace_back(each.name);
    return UnknownObject("table", "millrace." + name, names, at);
  }
  Table table;
  table.name = name;
  table.options["connector"] = known->connector;
  const Schema columns = known->columns();
  for (const SqlField& field : columns.columns()) {
    TableColumn& column = table.columns.emplace_back();
    column.name = field.name;
    column.type = field.type;
  }
  return BindTable(context, nodes, table, {}, at);
}

}  // namespace millrace::sql

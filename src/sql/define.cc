// CREATE TABLE, VIEW and MODEL: from syntax to what the catalog keeps.
#include <algorithm>
#include <set>

#include "base/suggest.h"
#include "sql/expression_binder.h"
#include "sql/like_clause.h"
#include "sql/planner.h"
#include "sql/query_binder.h"
#include "sql/table_binder.h"

namespace millrace::sql {
namespace {

std::string MapText(const syntax::Property& property) {
  std::string text;
  for (const auto& entry : property.entries)
    text += (text.empty() ? "" : ",") + entry.key + ':' + entry.value;
  return text;
}

Status ReadOptions(const std::vector<syntax::Property>& properties,
                   std::map<std::string, std::string>* values, OptionPositions* positions) {
  std::set<std::string> seen;
  for (const auto& property : properties) {
    if (!seen.insert(property.key).second) {
      return Error::User("option '" + property.key + "' is given twice").At(property.position);
    }
    (*values)[property.key] = property.is_map ? MapText(property) : property.value;
    (*positions)[property.key] = property.position;
  }
  return Status::OK();
}

/// Types of computed columns, over the physical and metadata columns.
Status ResolveComputed(const PlannerContext& context, Table* table) {
  Scope scope;
  Schema stored;
  for (const TableColumn& column : table->columns) {
    if (column.kind != TableColumn::Kind::kComputed) stored.Add(column.name, column.type);
  }
  scope.Add(table->name, std::move(stored));
  for (TableColumn& column : table->columns) {
    if (column.kind != TableColumn::Kind::kComputed) continue;
    ExpressionBinder binder(context, scope);
    binder.SetClause("a computed column");
    ARROW_ASSIGN_OR_RAISE(const auto value, binder.Bind(column.expression));
    column.type = value->type;
  }
  return Status::OK();
}

Status CheckWatermark(const PlannerContext& context, const Table& table) {
  if (!table.watermark) return Status::OK();
  const Schema schema = table.schema();
  const auto& path = table.watermark->column;
  const int column = path.parts.size() == 1 ? schema.Find(path.parts[0].name) : -1;
  if (column < 0) {
    return Error::User("no column '" + path.ToString() + "' for the watermark")
        .At(path.position())
        .Hint(Suggest(path.parts[0].name, schema.Names()));
  }
  const SqlType& type = schema.column(column).type;
  if (!type.is_timestamp() || type.precision() > 3) {
    return Error::User("the watermark's column '" + path.ToString() + "' is " +
                       type.AsNullable().ToString())
        .At(path.position())
        .Hint("event time is a TIMESTAMP(3) or TIMESTAMP_LTZ(3): declare or CAST it so");
  }
  Scope scope;
  scope.Add(table.name, schema);
  ExpressionBinder binder(context, scope);
  binder.SetClause("a watermark");
  ARROW_ASSIGN_OR_RAISE(const auto bound, binder.Bind(table.watermark->expression));
  if (!bound->type.is_timestamp()) {
    return Error::User("the watermark is " + bound->type.AsNullable().ToString() +
                       ", not a timestamp")
        .At(table.watermark->position)
        .Hint("WATERMARK FOR " + path.ToString() + " AS " + path.ToString() +
              " - INTERVAL '5' SECOND");
  }
  return Status::OK();
}

Status CheckKey(const Table& table, const syntax::CreateTable& statement) {
  if (!statement.primary_key) return Status::OK();
  const Schema schema = table.schema();
  for (const auto& column : statement.primary_key->columns) {
    if (schema.Find(column.name) >= 0) continue;
    return Error::User("no column '" + column.name + "' for the primary key")
        .At(column.position)
        .Hint(Suggest(column.name, schema.Names()));
  }
  return Status::OK();
}

Status CheckMetadata(const Table& table, const ResolvedTable& resolved,
                     const syntax::CreateTable& statement) {
  std::vector<std::string> keys;
  for (const MetadataSpec& spec : resolved.connector->metadata) keys.push_back(spec.key);
  for (const TableColumn& column : table.columns) {
    if (column.kind != TableColumn::Kind::kMetadata) continue;
    Position at;
    for (const auto& definition : statement.columns) {
      if (definition.name.name == column.name) at = definition.name.position;
    }
    const auto known = std::find(keys.begin(), keys.end(), column.metadata_key);
    if (known != keys.end()) {
      const SqlType& type =
          resolved.connector->metadata[static_cast<size_t>(known - keys.begin())].type;
      if (column.type.HasSameForm(type)) continue;
      return Error::User("the metadata '" + column.metadata_key + "' is a " + type.ToString() +
                         ", not a " + column.type.ToString())
          .At(at)
          .Hint("declare it as " + type.AsNullable().ToString() + ", and CAST it in the query");
    }
    return Error::User("the connector '" + resolved.connector->name + "' has no metadata '" +
                       column.metadata_key + "'")
        .At(at)
        .Hint(keys.empty() ? "it has none" : Suggest(column.metadata_key, keys));
  }
  return Status::OK();
}

Schema ColumnsOfModel(const std::vector<syntax::ModelColumn>& columns) {
  Schema schema;
  for (const auto& column : columns) schema.Add(column.name.name, column.type);
  return schema;
}

Status CheckWatermarkOptions(const Table& table, const Options& options) {
  if (options.values().empty()) return Status::OK();
  const auto at = [&](const std::string& key) {
    const auto known = table.positions.find(key);
    return known == table.positions.end() ? Position() : known->second;
  };
  const std::string& first = options.values().begin()->first;
  if (!table.watermark) {
    return Error::User("table '" + table.name + "' has no watermark for '" + first + "'")
        .At(at(first))
        .Hint("declare one: WATERMARK FOR ts AS ts - INTERVAL '5' SECOND");
  }
  const std::string group = "scan.watermark.alignment.group";
  const std::string drift = "scan.watermark.alignment.max-drift";
  if (options.Has(group) == options.Has(drift)) return Status::OK();
  const std::string& given = options.Has(group) ? group : drift;
  return Error::User("'" + given + "' is given without '" + (given == group ? drift : group) + "'")
      .At(at(given))
      .Hint("an alignment needs both");
}

}  // namespace

Result<Table> DefineTable(const PlannerContext& context, const syntax::CreateTable& statement) {
  if (statement.query) return NotPlanned("CREATE TABLE … AS", statement.query->position);
  Table table;
  ARROW_ASSIGN_OR_RAISE(table.name, ObjectName(statement.name));
  const Position at = statement.name.position();
  if (statement.like) {
    ARROW_ASSIGN_OR_RAISE(const std::string from, ObjectName(statement.like->table));
    const auto source = context.catalog.FindTable(from);
    if (source == nullptr) {
      return UnknownObject("table", from, context.catalog.TableNames(),
                           statement.like->table.position());
    }
    ARROW_RETURN_NOT_OK(ApplyLike(*source, *statement.like, statement, &table));
  }
  std::set<std::string> names;
  for (const TableColumn& column : table.columns) names.insert(column.name);
  for (const auto& definition : statement.columns) {
    if (!names.insert(definition.name.name).second) {
      return Error::User("column '" + definition.name.name + "' is declared twice")
          .At(definition.name.position);
    }
    TableColumn column;
    column.name = definition.name.name;
    column.type = definition.type;
    column.expression = definition.expression;
    column.is_virtual = definition.is_virtual;
    column.comment = definition.comment;
    if (definition.kind == syntax::ColumnDefinition::kComputed)
      column.kind = TableColumn::Kind::kComputed;
    if (definition.kind == syntax::ColumnDefinition::kMetadata) {
      column.kind = TableColumn::Kind::kMetadata;
      column.metadata_key = definition.metadata_key.value_or(column.name);
    }
    table.columns.push_back(std::move(column));
  }
  if (statement.watermark) table.watermark = statement.watermark;
  if (statement.primary_key) {
    table.primary_key.clear();
    for (const auto& column : statement.primary_key->columns)
      table.primary_key.push_back(column.name);
  }
  for (const auto& column : statement.partitioned_by) table.partitioned_by.push_back(column.name);
  for (TableColumn& column : table.columns) {
    const auto& key = table.primary_key;
    if (std::find(key.begin(), key.end(), column.name) != key.end())
      column.type = column.type.AsNotNull();
  }
  table.comment = statement.comment;
  table.temporary = statement.temporary;
  ARROW_RETURN_NOT_OK(ReadOptions(statement.options, &table.options, &table.positions));
  ARROW_RETURN_NOT_OK(ResolveComputed(context, &table));
  ARROW_RETURN_NOT_OK(CheckKey(table, statement));
  ARROW_RETURN_NOT_OK(CheckWatermark(context, table));
  const auto resolved = ResolveTable(context.registries, table.config(), table.positions);
  if (!resolved.ok()) return WithPlace(resolved.status(), at, "table " + table.name);
  ARROW_RETURN_NOT_OK(CheckSecrets(context, table.config(), table.positions));
  ARROW_RETURN_NOT_OK(CheckMetadata(table, *resolved, statement));
  ARROW_RETURN_NOT_OK(CheckWatermarkOptions(table, resolved->watermark_options));
  return table;
}

Result<View> DefineView(const PlannerContext& context, const syntax::CreateView& statement) {
  View view;
  ARROW_ASSIGN_OR_RAISE(view.name, ObjectName(statement.name));
  view.query = statement.query;
  view.comment = statement.comment;
  view.temporary = statement.temporary;
  QueryBinder binder(context);
  ARROW_ASSIGN_OR_RAISE(const Stream rows, binder.Bind(*statement.query, view.name));
  view.schema = rows.schema();
  if (statement.columns.empty()) return view;
  if (static_cast<int>(statement.columns.size()) != view.schema.size()) {
    return Error::User("the view names " + std::to_string(statement.columns.size()) +
                       " columns, but its query gives " + std::to_string(view.schema.size()))
        .At(statement.columns[0].name.position)
        .Hint("the query gives " + view.schema.ToString());
  }
  std::vector<SqlField> named;
  for (int i = 0; i < view.schema.size(); ++i) {
    const syntax::ViewColumn& column = statement.columns[static_cast<size_t>(i)];
    named.push_back({column.name.name, view.schema.column(i).type, column.comment});
  }
  view.schema = Schema(std::move(named));
  return view;
}

Result<Model> DeclareModel(const PlannerContext& context, const syntax::CreateModel& statement) {
  const Position at = statement.name.position();
  if (statement.query) return NotPlanned("CREATE MODEL … AS", statement.query->position);
  Model model;
  ARROW_ASSIGN_OR_RAISE(model.config.name, ObjectName(statement.name));
  const std::string& name = model.config.name;
  if (context.registries.functions.Find(name) != nullptr ||
      context.registries.aggregates.Find(name) != nullptr) {
    return Error::User("'" + name + "' is the name of a built-in function")
        .At(at)
        .Hint("give the model another name");
  }
  model.comment = statement.comment;
  model.temporary = statement.temporary;
  ARROW_RETURN_NOT_OK(ReadOptions(statement.options, &model.config.options, &model.positions));
  const auto provider = model.config.options.find("provider");
  if (provider == model.config.options.end()) {
    return Error::User("model '" + name + "' has no 'provider'")
        .At(at)
        .Hint("WITH ('provider' = 'onnx', …)");
  }
  auto spec = context.registries.providers.Get(provider->second);
  if (!spec.ok()) return WithPlace(spec.status(), model.positions["provider"]);
  model.config.provider = (*spec)->name;
  auto provider_options = model.config.options;
  provider_options.erase("provider");
  auto options = Options::Make("provider '" + (*spec)->name + "'", (*spec)->options,
                               provider_options, model.positions);
  if (!options.ok()) return WithPlace(options.status(), at);
  model.config.input = ColumnsOfModel(statement.inputs);
  model.config.output = ColumnsOfModel(statement.outputs);
  return model;
}

Result<Model> DefineModel(const PlannerContext& context, const syntax::CreateModel& statement,
                          Services& services) {
  const Position at = statement.name.position();
  ARROW_ASSIGN_OR_RAISE(Model model, DeclareModel(context, statement));
  const std::string& name = model.config.name;
  const auto spec = context.registries.providers.Get(model.config.provider);
  auto provider_options = model.config.options;
  provider_options.erase("provider");
  const auto options = Options::Make("provider '" + (*spec)->name + "'", (*spec)->options,
                                     provider_options, model.positions);
  auto signature = (*spec)->describe(model.config, *options, services);
  if (!signature.ok()) return WithPlace(signature.status(), at, "model " + name);
  for (const bool is_input : {true, false}) {
    Schema& columns = is_input ? model.config.input : model.config.output;
    const auto& tensors = is_input ? signature->inputs : signature->outputs;
    const char* side = is_input ? "INPUT" : "OUTPUT";
    if (signature->as_declared) {
      if (columns.size() > 0) continue;
      return Error::User("model '" + name + "' declares no " + side)
          .At(at)
          .Hint("the provider '" + (*spec)->name + "' cannot tell it: write " + side +
                " (name TYPE, …) before WITH");
    }
    if (columns.size() > 0) {
      const Status checked =
          CheckColumns(name, side, is_input ? TensorInputs(columns, *signature) : columns, tensors);
      if (!checked.ok()) return WithPlace(checked, at, "model " + name);
      continue;
    }
    auto read = SchemaOf(tensors);
    if (!read.ok()) return WithPlace(read.status(), at, "model " + name);
    columns = std::move(*read);
  }
  model.config.in_sequence = signature->in_sequence;
  for (const std::string& column : signature->sequence_columns) {
    model.config.sequence_columns.push_back(model.config.input.Find(column));
  }
  return model;
}

}  // namespace millrace::sql

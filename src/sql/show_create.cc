#include "sql/planner.h"
#include "syntax/printer.h"

namespace millrace::sql {
namespace {

syntax::QualifiedName Named(const std::string& name) { return {{{name, {}}}}; }

std::vector<syntax::Property> Properties(const std::map<std::string, std::string>& options) {
  std::vector<syntax::Property> out;
  for (const auto& [key, value] : options) out.push_back({.key = key, .value = value});
  return out;
}

/// Options whose specs say "secret" are not shown, unless they only refer to a secret.
std::map<std::string, std::string> Redacted(std::map<std::string, std::string> options,
                                            const std::vector<OptionSpec>& specs) {
  for (const OptionSpec& spec : specs) {
    const auto it = options.find(spec.key);
    if (spec.secret && it != options.end() && !it->second.starts_with("${SECRET:"))
      it->second = "******";
  }
  return options;
}

std::vector<syntax::ModelColumn> ModelColumnsOf(const Schema& schema) {
  std::vector<syntax::ModelColumn> out;
  for (const SqlField& column : schema.columns())
    out.push_back({.name = {column.name}, .type = column.type});
  return out;
}

}  // namespace

Result<std::string> ShowCreate(const Table& table) {
  syntax::CreateTable statement;
  statement.temporary = table.temporary;
  statement.name = Named(table.name);
  for (const TableColumn& column : table.columns) {
    syntax::ColumnDefinition definition;
    definition.name = {column.name, {}};
    definition.type = column.type;
    definition.expression = column.expression;
    definition.comment = column.comment;
    definition.is_virtual = column.is_virtual;
    if (column.kind == TableColumn::Kind::kComputed)
      definition.kind = syntax::ColumnDefinition::kComputed;
    if (column.kind == TableColumn::Kind::kMetadata) {
      definition.kind = syntax::ColumnDefinition::kMetadata;
      if (column.metadata_key != column.name) definition.metadata_key = column.metadata_key;
    }
    statement.columns.push_back(std::move(definition));
  }
  statement.watermark = table.watermark;
  if (!table.primary_key.empty()) {
    statement.primary_key.emplace();
    for (const auto& column : table.primary_key)
      statement.primary_key->columns.push_back({column, {}});
  }
  for (const auto& column : table.partitioned_by) statement.partitioned_by.push_back({column, {}});
  statement.comment = table.comment;
  statement.options = Properties(table.options);
  return syntax::Print(syntax::Statement{.node = std::move(statement)});
}

Result<std::string> ShowCreate(const View& view) {
  syntax::CreateView statement;
  statement.temporary = view.temporary;
  statement.name = Named(view.name);
  for (const SqlField& column : view.schema.columns())
    statement.columns.push_back({{column.name, {}}, column.comment});
  statement.comment = view.comment;
  statement.query = view.query;
  return syntax::Print(syntax::Statement{.node = std::move(statement)});
}

Result<std::string> ShowCreate(const Model& model, const Registries& registries) {
  syntax::CreateModel statement;
  statement.temporary = model.temporary;
  statement.name = Named(model.config.name);
  statement.inputs = ModelColumnsOf(model.config.input);
  statement.outputs = ModelColumnsOf(model.config.output);
  statement.comment = model.comment;
  ARROW_ASSIGN_OR_RAISE(const auto* provider, registries.providers.Get(model.config.provider));
  statement.options = Properties(Redacted(model.config.options, provider->options));
  return syntax::Print(syntax::Statement{.node = std::move(statement)});
}

}  // namespace millrace::sql

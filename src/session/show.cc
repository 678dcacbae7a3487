// SHOW and DESCRIBE.

#include <algorithm>
#include <cctype>
#include <optional>
#include <utility>

#include "base/suggest.h"
#include "session/like_pattern.h"
#include "session/object_info.h"
#include "session/session_impl.h"
#include "session/table_builder.h"
#include "syntax/printer.h"
#include "types/value_text.h"

namespace millrace {
namespace {

using syntax::ObjectKind;
using syntax::ShowKind;

Result<StatementResult> TableResult(const TableBuilder& table) {
  StatementResult result;
  result.kind = StatementResult::Kind::kTable;
  ARROW_ASSIGN_OR_RAISE(result.table, table.Finish());
  return result;
}

/// Functions are the same in any case, so their names match in any.
bool Wanted(const syntax::Show& show, const std::string& name) {
  const bool ignore_case = show.ignore_case || show.kind == ShowKind::kFunctions;
  return !show.pattern || LikeMatches(name, *show.pattern, ignore_case) != show.negated;
}

Result<StatementResult> NameTable(const syntax::Show& show, const char* column,
                                  const std::vector<std::string>& names) {
  TableBuilder table({column});
  for (const std::string& name : names) {
    if (Wanted(show, name)) table.Add({name});
  }
  return TableResult(table);
}

const char* Truth(bool value) { return value ? "TRUE" : "FALSE"; }

std::string KeyText(const Table& table, const std::string& column) {
  if (std::ranges::find(table.primary_key, column) == table.primary_key.end()) return "";
  std::string text;
  for (const std::string& part : table.primary_key) text += (text.empty() ? "PRI(" : ", ") + part;
  return text + ")";
}

std::string ExtrasText(const TableColumn& column) {
  switch (column.kind) {
    case TableColumn::Kind::kPhysical:
      return "";
    case TableColumn::Kind::kComputed:
      return "AS " + syntax::Print(*column.expression);
    case TableColumn::Kind::kMetadata:
      break;
  }
  std::string text = "METADATA";
  if (column.metadata_key != column.name) text += " FROM '" + column.metadata_key + "'";
  return text + (column.is_virtual ? " VIRTUAL" : "");
}

TableBuilder::Cell TextOrNull(std::string text) {
  if (text.empty()) return std::nullopt;
  return text;
}

const std::vector<std::string> kColumnHeader = {"name", "type",   "null",
                                                "key",  "extras", "watermark"};

/// The columns of a table or view as DESCRIBE and SHOW COLUMNS tell them; `wanted` chooses them.
template <class Wanted>
TableBuilder ColumnsOf(const Table& table, const Wanted& wanted) {
  const bool has_comments =
      std::ranges::any_of(table.columns, [](const auto& c) { return !c.comment.empty(); });
  std::vector<std::string> header = kColumnHeader;
  if (has_comments) header.emplace_back("comment");
  TableBuilder rows(header);
  for (const TableColumn& column : table.columns) {
    if (!wanted(column.name)) continue;
    std::string type = column.type.AsNullable().ToString(), watermark;
    if (table.watermark && table.watermark->column.parts.back().name == column.name) {
      type += " *ROWTIME*";
      watermark = syntax::Print(*table.watermark->expression);
    }
    std::vector<TableBuilder::Cell> row = {column.name,
                                           std::move(type),
                                           Truth(column.type.nullable()),
                                           TextOrNull(KeyText(table, column.name)),
                                           TextOrNull(ExtrasText(column)),
                                           TextOrNull(std::move(watermark))};
    if (has_comments) row.push_back(TextOrNull(column.comment));
    rows.Add(std::move(row));
  }
  return rows;
}

/// A view's columns, told as those of a table.
Table AsTable(const View& view) {
  Table table;
  table.name = view.name;
  for (const SqlField& field : view.schema.columns()) {
    TableColumn column;
    column.name = field.name;
    column.type = field.type;
    column.comment = field.comment;
    table.columns.push_back(std::move(column));
  }
  return table;
}

Result<Table> TableOrView(const Catalog& catalog, const syntax::QualifiedName& name) {
  ARROW_ASSIGN_OR_RAISE(const std::string own, ObjectName(name));
  if (const auto table = catalog.FindTable(own)) return *table;
  if (const auto view = catalog.FindView(own)) return AsTable(*view);
  return UnknownObject("table", own, catalog.TableNames(), name.position());
}

std::string OptionsText(const std::map<std::string, std::string>& options) {
  std::string text;
  for (const auto& [key, value] : options) {
    text += (text.empty() ? "'" : ", '") + key + "' = '" + value + "'";
  }
  return text;
}

Result<StatementResult> DescribeModel(const Model& model, const Registries& registries,
                                      bool extended) {
  TableBuilder rows({"name", "type", "null", "side", "comment"});
  for (const bool is_input : {true, false}) {
    const Schema& schema = is_input ? model.config.input : model.config.output;
    for (const SqlField& field : schema.columns()) {
      rows.Add({field.name, field.type.AsNullable().ToString(), Truth(field.type.nullable()),
                is_input ? "INPUT" : "OUTPUT", TextOrNull(field.comment)});
    }
  }
  ARROW_ASSIGN_OR_RAISE(auto result, TableResult(rows));
  if (extended) result.message = OptionsText(RedactedOptions(registries, model));
  return result;
}

}  // namespace

std::vector<std::string> Session::Impl::FunctionNames() const {
  std::vector<std::string> names;
  const auto add = [&](const auto& registry) {
    for (const auto* spec : registry.All()) {
      const auto first = static_cast<unsigned char>(spec->name.front());
      if (std::isalpha(first)) names.push_back(spec->name);
    }
  };
  add(engine_->registries().functions);
  add(engine_->registries().aggregates);
  std::ranges::sort(names);
  names.erase(std::ranges::unique(names).begin(), names.end());
  return names;
}

Result<StatementResult> Session::Impl::Run(const syntax::Show& show, Position at) {
  if (show.scope && show.kind != ShowKind::kColumns) {
    // The scope is a database, as in USE.
    ARROW_RETURN_NOT_OK(Run(syntax::Use{ObjectKind::kDatabase, *show.scope}, at).status());
  }
  switch (show.kind) {
    case ShowKind::kTables:
      return NameTable(show, "table name", catalog_.TableNames());
    case ShowKind::kViews:
      return NameTable(show, "view name", catalog_.ViewNames());
    case ShowKind::kModels:
      return NameTable(show, "model name", catalog_.ModelNames());
    case ShowKind::kFunctions:
      return NameTable(show, "function name", FunctionNames());
    case ShowKind::kUserFunctions:
      return NameTable(show, "function name", {});
    case ShowKind::kDatabases:
      return NameTable(show, "database name", {std::string(Catalog::kDatabaseName)});
    case ShowKind::kCatalogs:
      return NameTable(show, "catalog name", {std::string(Catalog::kCatalogName)});
    case ShowKind::kCurrentCatalog:
      return NameTable(show, "current catalog name", {std::string(Catalog::kCatalogName)});
    case ShowKind::kCurrentDatabase:
      return NameTable(show, "current database name", {std::string(Catalog::kDatabaseName)});
    case ShowKind::kColumns: {
      ARROW_ASSIGN_OR_RAISE(const Table table, TableOrView(catalog_, *show.scope));
      return TableResult(
          ColumnsOf(table, [&](const std::string& name) { return Wanted(show, name); }));
    }
    case ShowKind::kJobs:
      return ShowJobs(show);
  }
  return Error::Internal("an unknown kind of SHOW").At(at);
}

Result<StatementResult> Session::Impl::ShowJobs(const syntax::Show& show) {
  TableBuilder table({"job id", "job name", "status", "start time"});
  for (const auto& job : Jobs()) {
    if (!Wanted(show, job->name())) continue;
    std::string start, status(ToString(job->status()));
    FormatTimestamp(job->started_us(), 3, 'T', &start);
    std::ranges::transform(status, status.begin(), [](unsigned char c) { return std::toupper(c); });
    table.Add({job->id(), job->name(), std::move(status), start + "Z"});
  }
  return TableResult(table);
}

Result<StatementResult> Session::Impl::Run(const syntax::ShowCreate& show, Position at) {
  ARROW_ASSIGN_OR_RAISE(const std::string name, ObjectName(show.name));
  const Position place = show.name.position();
  StatementResult result;
  result.kind = StatementResult::Kind::kText;
  switch (show.kind) {
    case ObjectKind::kTable: {
      const auto table = catalog_.FindTable(name);
      if (table == nullptr) return UnknownObject("table", name, catalog_.TableNames(), place);
      Table shown = *table;
      shown.options = RedactedOptions(engine_->registries(), *table);
      ARROW_ASSIGN_OR_RAISE(result.message, sql::ShowCreate(shown));
      return result;
    }
    case ObjectKind::kView: {
      const auto view = catalog_.FindView(name);
      if (view == nullptr) return UnknownObject("view", name, catalog_.ViewNames(), place);
      ARROW_ASSIGN_OR_RAISE(result.message, sql::ShowCreate(*view));
      return result;
    }
    case ObjectKind::kModel: {
      const auto model = catalog_.FindModel(name);
      if (model == nullptr) return UnknownObject("model", name, catalog_.ModelNames(), place);
      ARROW_ASSIGN_OR_RAISE(result.message, sql::ShowCreate(*model, engine_->registries()));
      return result;
    }
    default:
      return sql::NotPlanned("this form of SHOW CREATE", at);
  }
}

Result<StatementResult> Session::Impl::Run(const syntax::Describe& describe, Position at) {
  ARROW_ASSIGN_OR_RAISE(const std::string name, ObjectName(describe.name));
  switch (describe.kind) {
    case ObjectKind::kModel: {
      const auto model = catalog_.FindModel(name);
      if (model == nullptr) {
        return UnknownObject("model", name, catalog_.ModelNames(), describe.name.position());
      }
      return DescribeModel(*model, engine_->registries(), describe.extended);
    }
    case ObjectKind::kFunction: {
      const Registries& registries = engine_->registries();
      TableBuilder table({"info name", "info value"});
      const auto add = [&](const auto* spec) {
        table.Add({"syntax", spec->syntax});
        table.Add({"description", spec->doc});
        for (const auto& example : spec->examples) {
          table.Add({"example", example.expression + " = " + example.result});
        }
        return TableResult(table);
      };
      if (const auto* spec = registries.functions.Find(name)) return add(spec);
      if (const auto* spec = registries.aggregates.Find(name)) return add(spec);
      return Error::User("no function '" + name + "'")
          .At(describe.name.position())
          .Hint(Suggest(name, FunctionNames()));
    }
    case ObjectKind::kTable: {
      ARROW_ASSIGN_OR_RAISE(const Table table, TableOrView(catalog_, describe.name));
      ARROW_ASSIGN_OR_RAISE(auto result,
                            TableResult(ColumnsOf(table, [](const auto&) { return true; })));
      const bool is_view = table.options.empty();
      if (describe.extended && !is_view) {
        result.message = OptionsText(RedactedOptions(engine_->registries(), table));
      }
      return result;
    }
    default:
      return sql::NotPlanned("this form of DESCRIBE", at);
  }
}

}  // namespace millrace

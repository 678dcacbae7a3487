// CREATE, DROP and ALTER.

#include <variant>

#include "session/alter_table.h"
#include "session/session_impl.h"

namespace millrace {
namespace {

using syntax::ObjectKind;

Catalog::OnExisting Existing(bool if_not_exists, bool or_replace = false) {
  if (if_not_exists) return Catalog::OnExisting::kKeep;
  return or_replace ? Catalog::OnExisting::kReplace : Catalog::OnExisting::kError;
}

StatementResult Done(std::string message) {
  StatementResult result;
  result.message = std::move(message);
  return result;
}

StatementResult Created(const char* kind, const std::string& name, bool added) {
  return Done(std::string(kind) + " '" + name +
              (added ? "' created." : "' exists; nothing was changed."));
}

const char* KindName(ObjectKind kind) {
  switch (kind) {
    case ObjectKind::kTable:
      return "Table";
    case ObjectKind::kView:
      return "View";
    case ObjectKind::kModel:
      return "Model";
    default:
      return "Function";
  }
}

}  // namespace

Result<StatementResult> Session::Impl::Run(const syntax::CreateTable& statement, Position) {
  Context context(*this);
  ARROW_ASSIGN_OR_RAISE(Table table, sql::DefineTable(context.planner, statement));
  const std::string name = table.name;
  ARROW_ASSIGN_OR_RAISE(
      const bool added,
      catalog_.Add(std::move(table), Existing(statement.if_not_exists), statement.name.position()));
  return Created("Table", name, added);
}

Result<StatementResult> Session::Impl::Run(const syntax::CreateView& statement, Position) {
  Context context(*this);
  ARROW_ASSIGN_OR_RAISE(View view, sql::DefineView(context.planner, statement));
  const std::string name = view.name;
  ARROW_ASSIGN_OR_RAISE(
      const bool added,
      catalog_.Add(std::move(view), Existing(statement.if_not_exists, statement.or_replace),
                   statement.name.position()));
  return Created("View", name, added);
}

Result<StatementResult> Session::Impl::Run(const syntax::CreateModel& statement, Position) {
  Context context(*this);
  ARROW_ASSIGN_OR_RAISE(Model model, sql::DefineModel(context.planner, statement, *engine_));
  const std::string name = model.config.name;
  ARROW_ASSIGN_OR_RAISE(
      const bool added,
      catalog_.Add(std::move(model), Existing(statement.if_not_exists), statement.name.position()));
  return Created("Model", name, added);
}

Result<ModelConfig> Session::Impl::DeclaredModel(const syntax::CreateModel& statement) const {
  const Context context(*this);
  ARROW_ASSIGN_OR_RAISE(Model model, sql::DeclareModel(context.planner, statement));
  return std::move(model.config);
}

Result<StatementResult> Session::Impl::Run(const syntax::CreateFunction& statement, Position) {
  return sql::NotPlanned("CREATE FUNCTION", statement.name.position());
}

Result<StatementResult> Session::Impl::Run(const syntax::Drop& statement, Position at) {
  ARROW_ASSIGN_OR_RAISE(const std::string name, ObjectName(statement.name));
  if (statement.kind == ObjectKind::kFunction) return sql::NotPlanned("DROP FUNCTION", at);
  ARROW_ASSIGN_OR_RAISE(const bool dropped, catalog_.Drop(statement.kind, name, statement.if_exists,
                                                          statement.name.position()));
  return Done(std::string(KindName(statement.kind)) + " '" + name +
              (dropped ? "' dropped." : "' does not exist; nothing was changed."));
}

Result<StatementResult> Session::Impl::Run(const syntax::Alter& statement, Position at) {
  if (statement.kind == ObjectKind::kFunction) return sql::NotPlanned("ALTER FUNCTION", at);
  ARROW_ASSIGN_OR_RAISE(const std::string name, ObjectName(statement.name));
  const std::string object = std::string(KindName(statement.kind)) + " '" + name;
  if (statement.if_exists && !Exists(statement.kind, name)) {
    return Done(object + "' does not exist; nothing was changed.");
  }
  if (const auto* rename = std::get_if<syntax::RenameTo>(&statement.action)) {
    ARROW_ASSIGN_OR_RAISE(const std::string to, ObjectName(rename->name));
    ARROW_RETURN_NOT_OK(catalog_.Rename(statement.kind, name, to, statement.name.position()));
    return Done(object + "' renamed to '" + to + "'.");
  }
  ARROW_RETURN_NOT_OK(Change(statement, name));
  return Done(object + "' changed.");
}

bool Session::Impl::Exists(ObjectKind kind, const std::string& name) const {
  switch (kind) {
    case ObjectKind::kTable:
      return catalog_.FindTable(name) != nullptr;
    case ObjectKind::kView:
      return catalog_.FindView(name) != nullptr;
    default:
      return catalog_.FindModel(name) != nullptr;
  }
}

/// What is changed is defined anew and put in the old one's place, so that it is checked like any
/// other.
Status Session::Impl::Change(const syntax::Alter& statement, const std::string& name) {
  const Position at = statement.name.position();
  Context context(*this);
  switch (statement.kind) {
    case ObjectKind::kTable: {
      const auto table = catalog_.FindTable(name);
      if (table == nullptr) return UnknownObject("table", name, catalog_.TableNames(), at);
      ARROW_ASSIGN_OR_RAISE(const auto create, AlteredTable(*table, statement));
      ARROW_ASSIGN_OR_RAISE(Table changed, sql::DefineTable(context.planner, create));
      return catalog_.Add(std::move(changed), Catalog::OnExisting::kReplace, at).status();
    }
    case ObjectKind::kView: {
      const auto view = catalog_.FindView(name);
      if (view == nullptr) return UnknownObject("view", name, catalog_.ViewNames(), at);
      const auto* query = std::get_if<syntax::SetQuery>(&statement.action);
      if (query == nullptr) return sql::NotPlanned("this form of ALTER VIEW", at);
      syntax::CreateView create;
      create.temporary = view->temporary;
      create.name = statement.name;
      create.comment = view->comment;
      create.query = query->query;
      ARROW_ASSIGN_OR_RAISE(View changed, sql::DefineView(context.planner, create));
      return catalog_.Add(std::move(changed), Catalog::OnExisting::kReplace, at).status();
    }
    default: {
      const auto model = catalog_.FindModel(name);
      if (model == nullptr) return UnknownObject("model", name, catalog_.ModelNames(), at);
      ARROW_ASSIGN_OR_RAISE(const auto create, AlteredModel(*model, statement));
      ARROW_ASSIGN_OR_RAISE(Model changed, sql::DefineModel(context.planner, create, *engine_));
      return catalog_.Add(std::move(changed), Catalog::OnExisting::kReplace, at).status();
    }
  }
}

}  // namespace millrace

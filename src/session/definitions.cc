// CREATE, DROP and ALTER.

#include <charconv>
#include <variant>

#include "session/alter_table.h"
#include "session/session_impl.h"
#include "spi/version_switch.h"

namespace millrace {

StatementResult Done(std::string message) {
  StatementResult result;
  result.message = std::move(message);
  return result;
}

namespace {

using syntax::ObjectKind;

Catalog::OnExisting Existing(bool if_not_exists, bool or_replace = false) {
  if (if_not_exists) return Catalog::OnExisting::kKeep;
  return or_replace ? Catalog::OnExisting::kReplace : Catalog::OnExisting::kError;
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
  if (const auto* version = std::get_if<syntax::SetVersion>(&statement.action)) {
    ARROW_ASSIGN_OR_RAISE(const int told, Serve(name, version->version, statement.name.position()));
    return Done(object + "' serves version " + version->version + " where it is loaded; " +
                std::to_string(told) + " subtasks were told.");
  }
  ARROW_RETURN_NOT_OK(Change(statement, name));
  return Done(object + "' changed.");
}

Result<int> Session::Impl::Serve(const std::string& name, const std::string& version, Position at) {
  const auto model = catalog_.FindModel(name);
  if (model == nullptr) return UnknownObject("model", name, catalog_.ModelNames(), at);
  if (model->config.provider != "stream") {
    return Error::User("the model '" + name + "' has one version, of the provider '" +
                       model->config.provider + "'")
        .At(at)
        .Hint("SET VERSION is for models of the provider 'stream'");
  }
  int64_t number = 0;
  const auto read = std::from_chars(version.data(), version.data() + version.size(), number);
  if (read.ec != std::errc() || read.ptr != version.data() + version.size()) {
    return Error::User("'" + version + "' is no version of a streamed model")
        .At(at)
        .Hint("it is the whole number of the column `version`, else 1, 2, … as they came");
  }
  auto* versions = dynamic_cast<VersionSwitch*>(&engine_->models());
  const int told = versions == nullptr ? 0 : versions->Serve(name, number);
  if (told > 0) return told;
  return Error::User("no job of this process scores by versions of the model '" + name + "'")
      .At(at)
      .Hint("SET VERSION speaks to running jobs; a new one serves the newest version");
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

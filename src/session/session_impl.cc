#include "session/session_impl.h"

#include <variant>

#include "session/job_client.h"
#include "session/table_builder.h"
#include "syntax/parser.h"

namespace millrace {
bool StartsJob(const syntax::Statement& statement) {
  return statement.As<syntax::Insert>() || statement.As<syntax::StatementSet>() ||
         statement.As<syntax::Selection>();
}

Status Session::Impl::Execute(std::string_view sql, const OnResult& on_result) {
  ARROW_ASSIGN_OR_RAISE(const auto statements, syntax::ParseScript(sql));
  for (const syntax::StatementPtr& statement : statements) {
    ARROW_ASSIGN_OR_RAISE(StatementResult result, Execute(*statement));
    const auto job = result.job;
    ARROW_RETURN_NOT_OK(on_result(std::move(result)));
    if (job != nullptr && settings_.GetBool("table.dml-sync")) ARROW_RETURN_NOT_OK(job->Wait());
  }
  return Status::OK();
}

Result<StatementResult> Session::Impl::Execute(const syntax::Statement& statement) {
  std::lock_guard lock(executing_);
  return std::visit([&](const auto& node) { return Run(node, statement.position); },
                    statement.node);
}

Result<StatementResult> Session::Impl::Run(const syntax::SetOption& set, Position at) {
  if (set.key) {
    ARROW_ASSIGN_OR_RAISE(std::string warning, settings_.Set(*set.key, set.value, at));
    StatementResult result = Done("'" + *set.key + "' set.");
    if (!warning.empty()) result.warnings.push_back(std::move(warning));
    return result;
  }
  TableBuilder table({"key", "value"});
  for (const auto& [key, value] : settings_.Written()) table.Add({key, value});
  StatementResult result;
  result.kind = StatementResult::Kind::kTable;
  ARROW_ASSIGN_OR_RAISE(result.table, table.Finish());
  return result;
}

Result<StatementResult> Session::Impl::Run(const syntax::ResetOption& reset, Position at) {
  if (!reset.key) {
    settings_.ResetAll();
    return Done("All settings reset.");
  }
  ARROW_RETURN_NOT_OK(settings_.Reset(*reset.key, at));
  return Done("'" + *reset.key + "' reset.");
}

Result<StatementResult> Session::Impl::Run(const syntax::Use& use, Position) {
  const bool is_catalog = use.kind == syntax::ObjectKind::kCatalog;
  const std::string_view only = is_catalog ? Catalog::kCatalogName : Catalog::kDatabaseName;
  const auto& parts = use.name.parts;
  const bool known = !parts.empty() && parts.back().name == only &&
                     (parts.size() == 1 || (!is_catalog && parts.size() == 2 &&
                                            parts.front().name == Catalog::kCatalogName));
  if (known) return Done("Using '" + use.name.ToString() + "'.");
  return Error::User(std::string("no ") + (is_catalog ? "catalog" : "database") + " '" +
                     use.name.ToString() + "'")
      .At(use.name.position())
      .Hint("the only one is " + std::string(only));
}

}  // namespace millrace

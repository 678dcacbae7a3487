#include <utility>

#include "session/object_info.h"
#include "session/session_impl.h"
#include "syntax/parser.h"
#include <millrace/session.h>
#include <millrace/version.h>

namespace millrace {
namespace {

ErrorDetails::Kind KindOf(ErrorClass error_class) {
  switch (error_class) {
    case ErrorClass::kUser:
      return ErrorDetails::Kind::kUser;
    case ErrorClass::kData:
      return ErrorDetails::Kind::kData;
    case ErrorClass::kTransient:
      return ErrorDetails::Kind::kTransient;
    case ErrorClass::kInternal:
      break;
  }
  return ErrorDetails::Kind::kInternal;
}

}  // namespace

std::string_view Version() { return MILLRACE_VERSION; }

ErrorDetails DetailsOf(const Status& status) {
  const ErrorInfo info = InfoOf(status);
  return {KindOf(info.error_class), info.position.line, info.position.column, info.where,
          info.hint};
}

std::string ErrorText(const Status& status, std::string_view sql) {
  return sql.empty() ? Describe(status) : DescribeIn(status, sql);
}

Session::Session(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Session::~Session() = default;

Result<std::unique_ptr<Session>> Session::Open(SessionOptions options) {
  auto impl = std::make_unique<Impl>(Engine::Shared(options));
  for (const auto& [key, value] : options.settings) {
    ARROW_RETURN_NOT_OK(impl->settings().Set(key, value).status());
  }
  return std::unique_ptr<Session>(new Session(std::move(impl)));
}

Status Session::Execute(std::string_view sql, const OnResult& on_result) {
  return impl_->Execute(sql, on_result);
}

Result<std::vector<StatementResult>> Session::Execute(std::string_view sql) {
  std::vector<StatementResult> results;
  ARROW_RETURN_NOT_OK(impl_->Execute(sql, [&](StatementResult result) {
    results.push_back(std::move(result));
    return Status::OK();
  }));
  return results;
}

Result<std::unique_ptr<QueryResult>> Session::Query(std::string_view sql) {
  ARROW_ASSIGN_OR_RAISE(const auto statement, syntax::ParseStatement(sql));
  if (statement->As<syntax::Selection>() == nullptr) {
    return Error::User("only a SELECT gives rows")
        .At(statement->position)
        .Hint("use Execute for it");
  }
  ARROW_ASSIGN_OR_RAISE(StatementResult result, impl_->Execute(*statement));
  return std::move(result.query);
}

Result<std::string> Session::Explain(std::string_view sql) {
  ARROW_ASSIGN_OR_RAISE(const auto statement, syntax::ParseStatement(sql));
  return impl_->Explain(*statement, false);
}

Result<std::string> Session::Plan(std::string_view sql) {
  ARROW_ASSIGN_OR_RAISE(const auto planned, impl_->PlanScript(sql));
  return ToJson(planned.plan);
}

Result<StatementResult> Session::RunPlan(std::string_view json) {
  ARROW_ASSIGN_OR_RAISE(PhysicalPlan plan, PlanFromJson(json));
  for (const auto& [key, value] : impl_->settings().Written()) {
    if (IsOfTheRun(key)) plan.settings[key] = value;
  }
  return impl_->RunPlan(std::move(plan));
}

std::vector<std::string> Session::Names(ObjectInfo::Kind kind) const {
  const Catalog& catalog = impl_->catalog();
  switch (kind) {
    case ObjectInfo::Kind::kTable: {
      std::vector<std::string> names = catalog.TableNames();
      std::erase_if(names,
                    [&](const std::string& name) { return catalog.FindTable(name) == nullptr; });
      return names;
    }
    case ObjectInfo::Kind::kView:
      return catalog.ViewNames();
    case ObjectInfo::Kind::kModel:
      return catalog.ModelNames();
  }
  return {};
}

Result<ObjectInfo> Session::Find(ObjectInfo::Kind kind, std::string_view name) const {
  const Catalog& catalog = impl_->catalog();
  const Registries& registries = impl_->engine().registries();
  ObjectInfo info{.kind = kind, .name = std::string(name)};
  switch (kind) {
    case ObjectInfo::Kind::kTable: {
      const auto table = catalog.FindTable(name);
      if (table == nullptr) return UnknownObject("table", info.name, Names(kind), {});
      info.comment = table->comment;
      info.schema = table->schema().ToArrow();
      info.options = RedactedOptions(registries, *table);
      return info;
    }
    case ObjectInfo::Kind::kView: {
      const auto view = catalog.FindView(name);
      if (view == nullptr) return UnknownObject("view", info.name, Names(kind), {});
      info.comment = view->comment;
      info.schema = view->schema.ToArrow();
      return info;
    }
    case ObjectInfo::Kind::kModel:
      break;
  }
  const auto model = catalog.FindModel(name);
  if (model == nullptr) return UnknownObject("model", info.name, Names(kind), {});
  info.comment = model->comment;
  info.schema = model->config.input.ToArrow();
  info.output_schema = model->config.output.ToArrow();
  info.options = RedactedOptions(registries, *model);
  return info;
}

std::vector<std::shared_ptr<JobClient>> Session::Jobs() const { return impl_->Jobs(); }

}  // namespace millrace

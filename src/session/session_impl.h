#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "catalog/catalog.h"
#include "session/engine.h"
#include "session/settings.h"
#include "sql/context.h"
#include "sql/planner.h"
#include "syntax/ast.h"
#include <millrace/session.h>

namespace millrace {

/// What a statement gives that only does something: what it has done.
StatementResult Done(std::string message);

/// The statements of a session, one method for each kind. Statements run one at a time.
class Session::Impl {
 public:
  Impl(std::shared_ptr<Engine> engine) : engine_(std::move(engine)) {}

  Engine& engine() { return *engine_; }
  const Catalog& catalog() const { return catalog_; }
  Settings& settings() { return settings_; }

  Status Execute(std::string_view sql, const OnResult& on_result);
  Result<StatementResult> Execute(const syntax::Statement& statement);
  Result<std::string> Explain(const syntax::Statement& statement, bool json);
  /// The one job of a script, whose other statements are executed.
  Result<sql::PlannedJob> PlanScript(std::string_view sql);
  Result<StatementResult> RunPlan(PhysicalPlan plan);
  std::vector<std::shared_ptr<JobClient>> Jobs() const;
  /// A model as its statement declares it; nobody is asked for it.
  Result<ModelConfig> DeclaredModel(const syntax::CreateModel& statement) const;

 private:
  /// What the planner reads, for one statement.
  struct Context {
    explicit Context(const Impl& impl)
        : settings(impl.settings_.Written()),
          planner{impl.catalog_, impl.engine_->registries(), settings, &impl.engine_->secrets()} {}

    const std::map<std::string, std::string> settings;
    const sql::PlannerContext planner;
  };

  // definitions.cc
  Result<StatementResult> Run(const syntax::CreateTable&, Position);
  Result<StatementResult> Run(const syntax::CreateView&, Position);
  Result<StatementResult> Run(const syntax::CreateModel&, Position);
  Result<StatementResult> Run(const syntax::CreateFunction&, Position);
  Result<StatementResult> Run(const syntax::Drop&, Position);
  Result<StatementResult> Run(const syntax::Alter&, Position);
  Status Change(const syntax::Alter&, const std::string& name);
  /// ALTER MODEL … SET VERSION: how many subtasks were told.
  Result<int> Serve(const std::string& name, const std::string& version, Position at);
  bool Exists(syntax::ObjectKind kind, const std::string& name) const;

  // show.cc
  Result<StatementResult> Run(const syntax::Show&, Position);
  Result<StatementResult> Run(const syntax::ShowCreate&, Position);
  Result<StatementResult> Run(const syntax::Describe&, Position);
  Result<StatementResult> ShowColumns(const syntax::Show&, Position);
  Result<StatementResult> ShowJobs(const syntax::Show&);
  std::vector<std::string> FunctionNames() const;

  // session_impl.cc
  Result<StatementResult> Run(const syntax::SetOption&, Position);
  Result<StatementResult> Run(const syntax::ResetOption&, Position);
  Result<StatementResult> Run(const syntax::Use&, Position);

  // jobs.cc
  Result<StatementResult> Run(const syntax::Insert&, Position);
  Result<StatementResult> Run(const syntax::StatementSet&, Position);
  Result<StatementResult> Run(const syntax::Selection&, Position);
  Result<StatementResult> Run(const syntax::Explain&, Position);
  Result<StatementResult> Run(const syntax::StopJob&, Position);
  Result<sql::PlannedJob> Plan(const syntax::Statement& statement);
  Result<std::shared_ptr<JobClient>> Start(PhysicalPlan plan, const std::string& default_name);
  void ForgetEndedJobs();
  Result<StatementResult> StartJob(PhysicalPlan plan, const std::string& default_name);
  Result<StatementResult> StartQuery(PhysicalPlan plan);

  std::shared_ptr<Engine> engine_;
  Catalog catalog_;
  Settings settings_;
  std::mutex executing_;  ///< held while a statement is executed
  mutable std::mutex jobs_mutex_;
  std::vector<std::shared_ptr<JobClient>> jobs_;
  size_t forget_at_ = 200;  ///< so many jobs
};

/// Whether a statement starts a job: INSERT, a statement set, SELECT.
bool StartsJob(const syntax::Statement& statement);

}  // namespace millrace

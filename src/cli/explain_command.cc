#include <memory>

#include <CLI/CLI.hpp>

#include "cli/commands.h"
#include "cli/results.h"
#include "cli/script.h"
#include "cli/terminal.h"
#include "session/session_impl.h"
#include "syntax/parser.h"

namespace millrace::cli {
namespace {

struct ExplainOptions {
  ScriptOptions script;
  bool json = false;
};

/// The plans of the script's jobs, none of which runs; what comes before them is executed.
Status ExplainScript(Session& session, std::string_view sql) {
  ARROW_ASSIGN_OR_RAISE(const auto statements, syntax::ParseScript(sql));
  Results results(session, OutputFormat::kTable, false);
  bool first = true;
  for (const syntax::StatementPtr& statement : statements) {
    if (!StartsJob(*statement)) {
      ARROW_ASSIGN_OR_RAISE(StatementResult result, session.impl().Execute(*statement));
      ARROW_RETURN_NOT_OK(results.Show(std::move(result)));
      continue;
    }
    ARROW_ASSIGN_OR_RAISE(const std::string plan, session.impl().Explain(*statement, false));
    Print((first ? "" : "\n") + plan);
    first = false;
  }
  return Status::OK();
}

Status PrintPlan(Session& session, std::string_view sql) {
  ARROW_ASSIGN_OR_RAISE(const std::string plan, session.Plan(sql));
  Print(plan + '\n');
  return Status::OK();
}

int Explain(const ExplainOptions& options) {
  ScriptSession open;
  if (const int code = open.Start(options.script, true); code != kOk) return code;
  return open.Report(options.json ? PrintPlan(open.session(), open.sql())
                                  : ExplainScript(open.session(), open.sql()));
}

}  // namespace

void AddExplainCommand(CLI::App& program, Action* action) {
  auto options = std::make_shared<ExplainOptions>();
  CLI::App* explain =
      program.add_subcommand("explain", "Show the plans of a script's jobs without running them");
  AddScriptOptions(*explain, &options->script);
  explain->add_flag("--json", options->json, "The plan of the one job as JSON, for run --plan");
  explain->callback([options, action] { *action = [options] { return Explain(*options); }; });
}

}  // namespace millrace::cli

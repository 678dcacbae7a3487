#include <memory>
#include <optional>

#include <CLI/CLI.hpp>

#include "cli/commands.h"
#include "cli/script.h"
#include "cli/terminal.h"
#include "models/check_model.h"
#include "session/session_impl.h"
#include "syntax/parser.h"

namespace millrace::cli {
namespace {

struct CheckOptions {
  ScriptOptions script;
  std::string model;
  std::string sample;
};

/// The model as the script declares it. It is not created: that would ask the server before the
/// check can tell how far one gets.
Result<ModelConfig> Declared(Session& session, std::string_view sql, const std::string& name) {
  ARROW_ASSIGN_OR_RAISE(const auto statements, syntax::ParseScript(sql));
  for (const syntax::StatementPtr& statement : statements) {
    const auto* create = statement->As<syntax::CreateModel>();
    if (create != nullptr && create->name.parts.back().name == name) {
      return session.impl().DeclaredModel(*create);
    }
  }
  return Error::User("the script has no CREATE MODEL " + name)
      .Hint("millrace model check NAME FILE, where FILE has its CREATE MODEL");
}

int Check(const CheckOptions& options) {
  ScriptSession open;
  if (const int code = open.Start(options.script, true); code != kOk) return code;
  const auto model = Declared(open.session(), open.sql(), options.model);
  if (!model.ok()) return open.Report(model.status());
  std::optional<std::string> sample;
  if (!options.sample.empty()) {
    auto text = open.ReadText(options.sample);
    if (!text.ok()) return open.Report(text.status(), kUsage);
    sample = *std::move(text);
  }
  int code = kOk;
  for (const CheckStep& step : CheckModel(*model, open.session().impl().engine(), sample)) {
    const bool ok = step.status.ok();
    const std::string took = step.took_us > 0 ? "  (" + DurationText(step.took_us) + ")" : "";
    Print(std::string(ok ? "ok      " : "FAILED  ") + step.name + ": " +
          (ok ? step.detail : Describe(step.status)) + took + "\n");
    if (!ok) code = kFailed;
  }
  return code;
}

}  // namespace

void AddModelCommands(CLI::App& program, Action* action) {
  CLI::App* model = program.add_subcommand("model", "Look at models");
  model->require_subcommand(1);
  auto options = std::make_shared<CheckOptions>();
  CLI::App* check = model->add_subcommand(
      "check",
      "Whether a model of a script can be used: from its server's address to one inference");
  check->add_option("NAME", options->model, "The model's name")->required()->type_name("");
  AddScriptOptions(*check, &options->script);
  check
      ->add_option("--sample", options->sample,
                   "Rows to score, a JSON object by INPUT column a line; - is standard input")
      ->type_name("FILE");
  check->callback([options, action] { *action = [options] { return Check(*options); }; });
}

}  // namespace millrace::cli

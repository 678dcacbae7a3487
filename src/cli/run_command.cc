#include <map>
#include <memory>
#include <string>
#include <utility>

#include <CLI/CLI.hpp>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/progress.h"
#include "cli/results.h"
#include "cli/runner.h"
#include "cli/script.h"
#include <millrace/session.h>

namespace millrace::cli {
namespace {

/// One of the words, which becomes its value.
template <class Value>
CLI::Validator OneOf(std::map<std::string, Value> words) {
  return CLI::Validator(
      [words = std::move(words)](std::string& word) {
        const auto known = words.find(word);
        if (known == words.end()) {
          std::string choices;
          for (const auto& [name, value] : words) choices += (choices.empty() ? "" : ", ") + name;
          return "'" + word + "' is none of " + choices;
        }
        word = std::to_string(static_cast<int>(known->second));
        return std::string();
      },
      "");
}

struct RunOptions {
  ScriptOptions script;
  std::string plan;
  std::string save_plan;
  ProgressMode progress = ProgressMode::kAuto;
  bool metrics = false;
  OutputFormat output = OutputFormat::kTable;
};

int Run(const RunOptions& options) {
  ScriptSession open;
  if (const int code = open.Start(options.script, options.plan.empty()); code != kOk) return code;
  Runner runner(open.session(), options.output, options.progress, options.metrics);
  if (!options.plan.empty()) {
    const auto plan = open.ReadText(options.plan);
    if (!plan.ok()) return open.Report(plan.status(), kUsage);
    return open.Report(runner.RunPlan(*plan));
  }
  if (options.save_plan.empty()) return open.Report(runner.RunScript(open.sql()));
  const auto plan = open.session().Plan(open.sql());
  if (!plan.ok()) return open.Report(plan.status());
  if (const Status saved = open.WriteText(options.save_plan, *plan); !saved.ok())
    return open.Report(saved);
  return open.Report(runner.RunPlan(*plan));
}

}  // namespace

void AddRunCommand(CLI::App& program, Action* action) {
  auto options = std::make_shared<RunOptions>();
  CLI::App* run = program.add_subcommand("run", "Run a script, and wait for its jobs");
  AddScriptOptions(*run, &options->script);
  AddStateOptions(*run, &options->script);
  run->add_option("--plan", options->plan, "Run this plan (JSON) instead of a script")
      ->type_name("PLAN")
      ->excludes("FILE")
      ->excludes("--execute");
  run->add_option("--save-plan", options->save_plan,
                  "Save the plan of the script's one job as JSON, then run it")
      ->type_name("PLAN")
      ->excludes("--plan");
  run->add_option("--progress", options->progress,
                  "Tell on stderr how the jobs get on: auto, on, off")
      ->type_name("WHEN")
      ->transform(OneOf<ProgressMode>(
          {{"auto", ProgressMode::kAuto}, {"on", ProgressMode::kOn}, {"off", ProgressMode::kOff}}));
  run->add_flag("--metrics", options->metrics, "At the end, tell what each operator did");
  run->add_option("--output", options->output, "How rows of a SELECT are printed: table, csv, json")
      ->type_name("FORMAT")
      ->transform(OneOf<OutputFormat>({{"table", OutputFormat::kTable},
                                       {"csv", OutputFormat::kCsv},
                                       {"json", OutputFormat::kJson}}));
  run->callback([options, action] { *action = [options] { return Run(*options); }; });
}

}  // namespace millrace::cli

// The interactive shell.

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>

#include <CLI/CLI.hpp>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/completion.h"
#include "cli/interrupts.h"
#include "cli/line_editor.h"
#include "cli/progress.h"
#include "cli/results.h"
#include "cli/runner.h"
#include "cli/script.h"
#include "cli/state_folder.h"
#include "cli/terminal.h"
#include "syntax/interactive.h"

namespace millrace::cli {
namespace {

constexpr char kHelp[] =
    R"(End a statement with ';'. It may take several lines; Tab completes, Ctrl-R searches the history.
  SHOW TABLES; DESCRIBE t; EXPLAIN SELECT …; SET 'key' = 'value'; SHOW JOBS; STOP JOB 'id';
  Ctrl-C    drops the line, or cancels the query that runs
  help      this text
  quit      leaves, also Ctrl-D
)";

std::string Trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t\n;");
  if (begin == std::string_view::npos) return {};
  return std::string(text.substr(begin, text.find_last_not_of(" \t\n;") - begin + 1));
}

class Shell {
 public:
  explicit Shell(Session& session)
      : session_(session),
        results_(session, OutputFormat::kTable, true),
        progress_(ProgressMode::kAuto, false),
        editor_(StateFolder("history"),
                [&session](std::string_view text) { return CompletionsOf(session, text); }) {}

  void Run() {
    PrintNote("millrace " + std::string(Version()) + "; 'help' for help, 'quit' to leave");
    std::string text;
    const Interrupts::Scope between_queries([] {});  // the editor reads Ctrl-C as a key
    while (true) {
      auto input = editor_.Read(text.empty() ? "millrace> " : "     ...> ", text);
      if (input.kind == LineEditor::Input::kInterrupted) {
        text.clear();
        continue;
      }
      if (input.kind == LineEditor::Input::kEnd) {
        if (MayLeave()) return;
        continue;
      }
      if (!Trimmed(input.line).empty()) editor_.Remember(input.line);
      if (text.empty()) {
        const std::string word = Trimmed(input.line);
        if (word.empty()) continue;
        if (word == "quit" || word == "exit" || word == "\\q") {
          if (MayLeave()) return;
          continue;
        }
        if (word == "help" || word == "\\h" || word == "\\?") {
          Print(kHelp);
          continue;
        }
      }
      text += input.line + '\n';
      if (syntax::IsComplete(text)) Execute(std::exchange(text, {}));
    }
  }

 private:
  void Execute(const std::string& sql) {
    const Status status = session_.Execute(sql, [&](StatementResult result) -> Status {
      const auto job = result.job;
      ARROW_RETURN_NOT_OK(results_.Show(std::move(result)));
      return job != nullptr && RunsInTurn(session_) ? progress_.Wait({job}) : Status::OK();
    });
    std::fflush(stdout);
    if (status.IsCancelled()) {
      PrintNote("cancelled");
    } else if (!status.ok()) {
      PrintError(ErrorText(status, sql));
    }
    leaving_ = false;
  }

  /// Jobs end with the shell: the first time it only says so.
  bool MayLeave() {
    const auto jobs = session_.Jobs();
    const auto running = std::ranges::count_if(
        jobs, [](const auto& job) { return job->status() <= JobStatus::kRestarting; });
    if (running == 0 || std::exchange(leaving_, true)) return true;
    PrintNote(std::to_string(running) + (running == 1 ? " job still runs" : " jobs still run") +
              ": leave again to cancel, or SHOW JOBS");
    return false;
  }

  Session& session_;
  Results results_;
  Progress progress_;
  LineEditor editor_;
  bool leaving_ = false;
};

int RunShell(ScriptOptions options) {
  const bool interactive = isatty(STDIN_FILENO) == 1;
  ScriptSession open;
  const bool has_script = !options.file.empty() || !options.text.empty() || !interactive;
  if (has_script && options.file.empty() && options.text.empty()) options.file = "-";
  if (const int code = open.Start(options, has_script); code != kOk) return code;
  if (has_script) {
    Runner runner(open.session(), OutputFormat::kTable, ProgressMode::kAuto, false);
    const int code = open.Report(runner.RunScript(open.sql()));
    if (code != kOk || !interactive) return code;
  }
  RememberTerminal();
  Shell(open.session()).Run();
  return kOk;
}

}  // namespace

void AddSqlCommand(CLI::App& program, Action* action) {
  auto options = std::make_shared<ScriptOptions>();
  CLI::App* sql = program.add_subcommand("sql", "A shell for SQL; a FILE or -e runs before it");
  AddScriptOptions(*sql, options.get());
  sql->callback([options, action] { *action = [options] { return RunShell(*options); }; });
}

}  // namespace millrace::cli

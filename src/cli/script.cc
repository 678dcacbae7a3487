#include "cli/script.h"

#include <unistd.h>

#include <CLI/CLI.hpp>

#include "base/files.h"
#include "cli/terminal.h"
#include "session/session_impl.h"

namespace millrace::cli {
namespace {

Result<std::string> ReadStandardInput() {
  std::string text;
  char buffer[1 << 16];
  while (true) {
    const ssize_t n = read(STDIN_FILENO, buffer, sizeof(buffer));
    if (n < 0) return Error::Transient("standard input cannot be read");
    if (n == 0) return text;
    text.append(buffer, static_cast<size_t>(n));
  }
}

Result<SessionOptions> SettingsOf(const ScriptOptions& given) {
  SessionOptions options;
  if (!given.checkpoints.empty()) {
    options.settings["execution.checkpointing.interval"] = "10 s";
    options.settings["execution.checkpointing.dir"] = given.checkpoints;
  }
  if (!given.restore.empty()) options.settings["execution.state-recovery.path"] = given.restore;
  for (const std::string& pair : given.set) {
    const size_t equals = pair.find('=');
    if (equals == std::string::npos || equals == 0) {
      return Error::User("--set " + pair + ": a key, '=' and a value are expected")
          .Hint("--set parallelism.default=4");
    }
    options.settings[pair.substr(0, equals)] = pair.substr(equals + 1);
  }
  return options;
}

}  // namespace

void AddSetOption(CLI::App& command, ScriptOptions* options) {
  command.add_option("--set", options->set, "A setting, as by SET; may be given several times")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
}

void AddStateOptions(CLI::App& command, ScriptOptions* options) {
  command
      .add_option("--checkpoints", options->checkpoints,
                  "Save the state of jobs below this folder, every 10 s unless "
                  "'execution.checkpointing.interval' is set")
      ->type_name("FOLDER");
  command
      .add_option("--restore", options->restore,
                  "Begin with this savepoint or checkpoint, or with the newest one in this folder "
                  "of checkpoints")
      ->type_name("PATH");
}

void AddScriptOptions(CLI::App& command, ScriptOptions* options) {
  CLI::Option* file =
      command.add_option("FILE", options->file, "The script; - is standard input")->type_name("");
  command.add_option("-e,--execute", options->text, "The script itself")
      ->type_name("SQL")
      ->excludes(file);
  AddSetOption(command, options);
}

int ScriptSession::Start(const ScriptOptions& options, bool needs_script) {
  auto settings = SettingsOf(options);
  if (!settings.ok()) return Report(settings.status(), kUsage);
  auto opened = Session::Open(*std::move(settings));
  if (!opened.ok()) return Report(opened.status(), kUsage);
  session_ = *std::move(opened);
  if (!needs_script) return kOk;
  if (options.file.empty()) {
    if (options.text.empty()) {
      return Report(Error::User("there is nothing to run").Hint("name a FILE, or give SQL with -e"),
                    kUsage);
    }
    sql_ = options.text;
    return kOk;
  }
  auto text = ReadText(options.file);
  if (!text.ok()) return Report(text.status(), kUsage);
  sql_ = *std::move(text);
  name_ = options.file == "-" ? "standard input" : options.file;
  return kOk;
}

int ScriptSession::Report(const Status& status, ExitCode failure) const {
  if (status.ok()) return kOk;
  if (status.IsCancelled()) {
    PrintNote("cancelled");
    return kInterrupted;
  }
  const bool in_script = DetailsOf(status).line > 0;
  PrintError(ErrorText(in_script ? WithPlace(status, {}, name_) : status, sql_));
  return failure;
}

Result<std::string> ScriptSession::ReadText(const std::string& path) {
  return path == "-" ? ReadStandardInput()
                     : ReadFile(session_->impl().engine().env().files(), path);
}

Status ScriptSession::WriteText(const std::string& path, const std::string& text) {
  FileSystem& files = session_->impl().engine().env().files();
  ARROW_ASSIGN_OR_RAISE(const auto file, files.OpenOutput(path, OpenMode::kTruncate));
  ARROW_RETURN_NOT_OK(file->Append(text));
  return file->Close();
}

bool RunsInTurn(Session& session) { return session.impl().settings().GetBool("table.dml-sync"); }

}  // namespace millrace::cli

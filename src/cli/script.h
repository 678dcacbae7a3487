#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cli/exit_code.h"
#include <millrace/session.h>

namespace CLI {
class App;
}

namespace millrace::cli {

/// What commands that take a script have in common.
struct ScriptOptions {
  std::string file;              ///< "-": standard input
  std::string text;              ///< given on the command line
  std::vector<std::string> set;  ///< "key=value"
  std::string checkpoints;       ///< folder; empty: what the settings say
  std::string restore;           ///< likewise, the state to begin with
};

/// FILE, -e and --set.
void AddScriptOptions(CLI::App& command, ScriptOptions* options);
/// --checkpoints and --restore.
void AddStateOptions(CLI::App& command, ScriptOptions* options);
/// --set alone.
void AddSetOption(CLI::App& command, ScriptOptions* options);

/// A session and the script that is to run in it.
class ScriptSession {
 public:
  /// kOk, or the exit code after having told what is wrong. Without `needs_script` none is read.
  int Start(const ScriptOptions& options, bool needs_script);

  Session& session() { return *session_; }
  const std::string& sql() const { return sql_; }

  /// Says on stderr why it failed, with the place in the script; gives the exit code.
  int Report(const arrow::Status& status, ExitCode failure = kFailed) const;

  arrow::Result<std::string> ReadText(const std::string& path);  ///< "-": standard input
  arrow::Status WriteText(const std::string& path, const std::string& text);

 private:
  std::unique_ptr<Session> session_;
  std::string sql_;
  std::string name_;  ///< of the script, for messages; empty where it came with -e
};

/// Whether each INSERT is waited for before the next statement ('table.dml-sync').
bool RunsInTurn(Session& session);

}  // namespace millrace::cli

#include <clocale>
#include <csignal>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <malloc.h>

#include "base/log.h"
#include "base/suggest.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/interrupts.h"
#include "cli/terminal.h"
#include <millrace/export.h>
#include <millrace/session.h>

namespace millrace::cli {
namespace {

/// A word in a command's place that is none: CLI11 would only call it unexpected.
bool RejectUnknownCommand(const CLI::App& program, int argc, char** argv) {
  if (argc < 2 || argv[1][0] == '-') return false;
  std::vector<std::string> known;
  for (const CLI::App* command : program.get_subcommands({})) known.push_back(command->get_name());
  if (std::ranges::find(known, argv[1]) != known.end()) return false;
  PrintError("there is no command '" + std::string(argv[1]) +
             "'\n  hint: " + Suggest(argv[1], known));
  return true;
}

/// `code`, unless all went well but the output did not get out.
int Flushed(int code) {
  const arrow::Status flushed = FlushOutput();
  if (code != kOk || flushed.ok()) return code;
  PrintError(flushed.message());
  return kFailed;
}

/// Batches come and go. By default their memory goes back to the system each time, to be faulted in
/// again for the next ones: up to a fifth of a job's time.
void KeepFreedMemory() {
  mallopt(M_TRIM_THRESHOLD, 8 << 20);
  mallopt(M_MMAP_THRESHOLD, 4 << 20);
}

int Main(int argc, char** argv) {
  KeepFreedMemory();
  std::setlocale(LC_CTYPE, "C.UTF-8");  // widths of characters in tables
  std::signal(SIGPIPE, SIG_IGN);        // a reader that went away is an error of the write
  SetLogLevel("", LogLevel::kWarn);     // what goes well is told by the commands themselves
  Interrupts::Start();

  CLI::App program("Streaming SQL with models inside it.", "millrace");
  program.set_version_flag("--version", "millrace " + std::string(Version()));
  program.require_subcommand(1);
  program.failure_message(CLI::FailureMessage::simple);
  Action action;
  AddRunCommand(program, &action);
  AddSqlCommand(program, &action);
  AddExplainCommand(program, &action);
  AddModelCommands(program, &action);
  AddModelServerCommand(program, &action);
  AddServeCommand(program, &action);
  AddJobCommands(program, &action);
  AddReferenceCommands(program, &action);
  if (RejectUnknownCommand(program, argc, argv)) return kUsage;
  try {
    program.parse(argc, argv);
  } catch (const CLI::Success& help) {
    program.exit(help);
    return Flushed(kOk);
  } catch (const CLI::ParseError& error) {
    const auto chosen = program.get_subcommands();
    const std::string command = chosen.empty() ? "" : chosen.front()->get_name() + " ";
    PrintError(std::string(error.what()) + "\n  hint: see millrace " + command + "--help");
    return kUsage;
  }
  return Flushed(action());
}

}  // namespace
}  // namespace millrace::cli

extern "C" MILLRACE_EXPORT int millrace_main(int argc, char** argv) {
  return millrace::cli::Main(argc, argv);
}

#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/suggest.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/reference.h"
#include "cli/terminal.h"
#include "session/session_impl.h"

namespace millrace::cli {
namespace {

struct ReferenceOptions {
  std::string name;
  bool markdown = false;
};

int Show(const std::string& kind, const ReferenceOptions& options) {
  const auto session = Session::Open();
  if (!session.ok()) {
    PrintError(ErrorText(session.status()));
    return kFailed;
  }
  const std::vector<ReferenceEntry> entries =
      ReferenceOf((*session)->impl().engine().registries(), kind);
  if (options.name.empty()) {
    Print(options.markdown ? AsMarkdown(entries) : AsList(entries));
    return kOk;
  }
  std::vector<std::string> names;
  for (const ReferenceEntry& entry : entries) {
    if (entry.Answers(options.name)) {
      Print(options.markdown ? AsMarkdown({entry}) : AsText(entry));
      return kOk;
    }
    names.push_back(entry.name);
  }
  PrintError("there is no '" + options.name + "' among the " + kind +
             "\n  hint: " + Suggest(options.name, names));
  return kUsage;
}

}  // namespace

void AddReferenceCommands(CLI::App& program, Action* action) {
  for (const char* kind : {"functions", "connectors", "formats", "providers", "settings"}) {
    auto options = std::make_shared<ReferenceOptions>();
    CLI::App* command =
        program.add_subcommand(kind, std::string("List the ") + kind + ", or describe one");
    command->add_option("NAME", options->name, "The one to describe")->type_name("");
    command->add_flag("--markdown", options->markdown, "As a page of the reference");
    command->callback([options, action, kind = std::string(kind)] {
      *action = [options, kind] { return Show(kind, *options); };
    });
  }
}

}  // namespace millrace::cli

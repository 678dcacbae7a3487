#pragma once

#include <functional>

namespace CLI {
class App;
}

namespace millrace::cli {

/// What the chosen command will do; gives the exit code.
using Action = std::function<int()>;

// Each adds its commands to the program; the one that is chosen sets `action`.
void AddRunCommand(CLI::App& program, Action* action);
void AddExplainCommand(CLI::App& program, Action* action);
void AddSqlCommand(CLI::App& program, Action* action);
void AddModelCommands(CLI::App& program, Action* action);
void AddModelServerCommand(CLI::App& program, Action* action);
void AddServeCommand(CLI::App& program, Action* action);
void AddJobCommands(CLI::App& program, Action* action);
void AddReferenceCommands(CLI::App& program, Action* action);

}  // namespace millrace::cli

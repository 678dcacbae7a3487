#include "cli/state_folder.h"

#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace millrace::cli {

std::string StateFolder(const std::string& name) {
  const char* state = std::getenv("XDG_STATE_HOME");
  const char* home = std::getenv("HOME");
  const bool has_state = state != nullptr && *state != '\0';
  if (!has_state && (home == nullptr || *home == '\0')) return {};
  const std::filesystem::path folder = has_state
                                           ? std::filesystem::path(state) / "millrace"
                                           : std::filesystem::path(home) / ".local/state/millrace";
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  return failed ? std::string() : (folder / name).string();
}

}  // namespace millrace::cli

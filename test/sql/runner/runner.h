#pragma once

#include <map>
#include <string>
#include <vector>

#include "script.h"
#include "world.h"

namespace millrace::sql_script {

/// What a script's records answered otherwise than they say: "path:line: …", with a diff.
struct Report {
  std::vector<std::string> failures;
  std::map<size_t, std::vector<std::string>>
      answers;  ///< of records that expect lines, or any error
  int64_t crashes = 0;
  int64_t restores = 0;
  int64_t restarts = 0;
  int64_t barriers = 0;  ///< where the configuration tells the step
  Trace trace;
};

Report RunScript(const Script& script, const Configuration& configuration);

}  // namespace millrace::sql_script

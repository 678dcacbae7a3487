#include "cli/runner.h"

#include <utility>

#include "base/error.h"
#include "cli/script.h"
#include "cli/terminal.h"

namespace millrace::cli {

Status Runner::RunScript(std::string_view sql) {
  jobs_.clear();
  const Status executed =
      session_.Execute(sql, [&](StatementResult result) { return Take(std::move(result)); });
  if (!executed.ok()) {
    for (const auto& job : jobs_) job->Cancel();
  }
  const Status ended = jobs_.empty() ? Status::OK() : progress_.Wait(jobs_);
  return executed.ok() ? ended : executed;
}

Status Runner::RunPlan(std::string_view json) {
  ARROW_ASSIGN_OR_RAISE(StatementResult result, session_.RunPlan(json));
  for (const std::string& warning : result.warnings) PrintWarning(warning);
  if (result.job == nullptr) return results_.Show(std::move(result));
  TellOfRestore(result.job->restored());
  return progress_.Wait({result.job});
}

Status Runner::Take(StatementResult result) {
  if (result.job != nullptr) {
    TellOfRestore(result.job->restored());
    if (RunsInTurn(session_)) return progress_.Wait({result.job});
    jobs_.push_back(result.job);
  }
  return results_.Show(std::move(result));
}

}  // namespace millrace::cli

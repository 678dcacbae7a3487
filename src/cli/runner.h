#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "cli/progress.h"
#include "cli/results.h"
#include <millrace/session.h>

namespace millrace::cli {

/// Runs a script or a plan to its end: shows what statements give, and how jobs get on.
class Runner {
 public:
  Runner(Session& session, OutputFormat output, ProgressMode progress, bool metrics)
      : session_(session), results_(session, output, false), progress_(progress, metrics) {}

  /// Jobs run side by side, unless 'table.dml-sync' is set. An error in the script cancels those
  /// that run.
  arrow::Status RunScript(std::string_view sql);
  arrow::Status RunPlan(std::string_view json);

 private:
  arrow::Status Take(StatementResult result);

  Session& session_;
  Results results_;
  Progress progress_;
  std::vector<std::shared_ptr<JobClient>> jobs_;
};

}  // namespace millrace::cli

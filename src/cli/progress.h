#pragma once

#include <memory>
#include <string>
#include <vector>

#include <millrace/session.h>

namespace millrace::cli {

enum class ProgressMode { kAuto, kOn, kOff };

/// How many rows were rejected, why the first was, and where they all are; nothing where none was.
void WarnOfRejected(const JobMetrics& metrics);

/// Which operators had most rows in one subtask, and what to do.
void WarnOfSkew(const JobMetrics& metrics);

/// What a job began with, and what became of the tables of state in it; nothing of a fresh start.
void TellOfRestore(const RestoreInfo& restored);

/// Tells on stderr how jobs get on while it waits for them: one changing line on a terminal, else a
/// line every few seconds; at the end what they did.
class Progress {
 public:
  /// `per_operator`: a table of the operators at the end.
  Progress(ProgressMode mode, bool per_operator);

  /// Until all jobs have ended: the first failure in their order. Ctrl-C cancels them; the outcome
  /// is then Cancelled.
  arrow::Status Wait(const std::vector<std::shared_ptr<JobClient>>& jobs);

 private:
  void ShowLine(const JobMetrics& total, double rows_per_second);
  void ClearLine();
  void ShowEnd(const JobMetrics& total, const std::vector<std::shared_ptr<JobClient>>& jobs);

  ProgressMode mode_;
  bool per_operator_;
  bool live_;  ///< one changing line
  bool shown_ = false;
};

}  // namespace millrace::cli

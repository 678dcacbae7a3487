#include "cli/progress.h"

#include <algorithm>
#include <cstdio>

#include "base/error.h"
#include "cli/interrupts.h"
#include "cli/terminal.h"

namespace millrace::cli {
namespace {

constexpr std::chrono::milliseconds kLiveInterval{200};
constexpr std::chrono::milliseconds kPlainInterval{5000};

JobMetrics TotalOf(const std::vector<std::shared_ptr<JobClient>>& jobs) {
  JobMetrics total;
  for (const auto& job : jobs) {
    const JobMetrics metrics = job->metrics();
    total.rows_read += metrics.rows_read;
    total.rows_written += metrics.rows_written;
    total.rows_rejected += metrics.rows_rejected;
    if (total.first_rejection.empty()) total.first_rejection = metrics.first_rejection;
    total.elapsed_us = std::max(total.elapsed_us, metrics.elapsed_us);
  }
  return total;
}

std::string CountsOf(const JobMetrics& metrics) {
  return Grouped(metrics.rows_read) + " rows read, " + Grouped(metrics.rows_written) +
         " written, " + Grouped(metrics.rows_rejected) + " rejected";
}

double PerSecond(int64_t rows, int64_t us) {
  return us > 0 ? static_cast<double>(rows) * 1e6 / static_cast<double>(us) : 0;
}

std::string OperatorsTable(const std::vector<std::shared_ptr<JobClient>>& jobs) {
  char line[160];
  std::snprintf(line, sizeof(line), "%-40s %14s %14s %10s %9s %9s\n", "operator", "rows in",
                "rows out", "rejected", "busy", "held back");
  std::string text = line;
  for (const auto& job : jobs) {
    for (const OperatorMetrics& op : job->metrics().operators) {
      std::snprintf(line, sizeof(line), "%-40.40s %14s %14s %10s %9s %9s\n", op.node.c_str(),
                    Grouped(op.rows_in).c_str(), Grouped(op.rows_out).c_str(),
                    Grouped(op.rejected).c_str(), DurationText(op.busy_us).c_str(),
                    DurationText(op.backpressured_us).c_str());
      text += line;
    }
  }
  return text;
}

void TellTables(const char* what, const std::vector<std::string>& tables) {
  if (tables.empty()) return;
  std::string names;
  for (const std::string& table : tables) names += (names.empty() ? "" : ", ") + table;
  PrintNote(std::string("  ") + what + ": " + names);
}

}  // namespace

void TellOfRestore(const RestoreInfo& restored) {
  if (restored.checkpoint.empty()) return;
  for (const std::string& path : restored.skipped) {
    PrintWarning("the checkpoint " + path + " is damaged; an older one is restored");
  }
  PrintNote("restored from " + restored.checkpoint);
  TellTables("kept", restored.kept);
  TellTables("new", restored.added);
  TellTables("left behind", restored.dropped);
}

void WarnOfRejected(const JobMetrics& metrics) {
  const int64_t rejected = metrics.rows_rejected;
  if (rejected == 0) return;
  PrintWarning(Grouped(rejected) + (rejected == 1 ? " row was" : " rows were") +
               " rejected; the first one: " + metrics.first_rejection +
               "\n  hint: `t$rejected` of a table has what cannot be read or written, `v$failed` "
               "of a view what cannot be computed");
}

void WarnOfSkew(const JobMetrics& metrics) {
  for (const OperatorMetrics& op : metrics.operators) {
    if (op.skew_hint.empty()) continue;
    PrintWarning("one of " + std::to_string(op.subtasks) + " subtasks of " + op.node + " had " +
                 Grouped(op.most_rows_in) + " of " + Grouped(op.rows_in) +
                 " rows\n  hint: " + op.skew_hint);
  }
}

Progress::Progress(ProgressMode mode, bool per_operator)
    : mode_(mode), per_operator_(per_operator), live_(IsTerminal(Stream::kErr)) {}

Status Progress::Wait(const std::vector<std::shared_ptr<JobClient>>& jobs) {
  const Interrupts::Scope scope([&] {
    for (const auto& job : jobs) job->Cancel();
  });
  const auto interval = live_ ? kLiveInterval : kPlainInterval;
  JobMetrics before = TotalOf(jobs);
  Status first = Status::OK();
  for (const auto& job : jobs) {
    while (true) {
      const auto outcome = job->WaitFor(interval);
      if (outcome) {
        if (first.ok()) first = *outcome;
        break;
      }
      const JobMetrics now = TotalOf(jobs);
      ShowLine(now,
               PerSecond(now.rows_read - before.rows_read, now.elapsed_us - before.elapsed_us));
      before = now;
    }
  }
  ClearLine();
  ShowEnd(TotalOf(jobs), jobs);
  return scope.interrupted() && first.ok() ? Status::Cancelled("interrupted") : first;
}

void Progress::ShowLine(const JobMetrics& total, double rows_per_second) {
  if (mode_ == ProgressMode::kOff) return;
  std::string line = CountsOf(total) + ", " + Grouped(static_cast<int64_t>(rows_per_second)) +
                     " rows/s, " + DurationText(total.elapsed_us);
  if (!live_) return PrintNote(line);
  const auto width = static_cast<size_t>(TerminalWidth());
  if (line.size() >= width) line.resize(width - 1);
  std::fprintf(stderr, "\r\033[K%s", line.c_str());
  shown_ = true;
}

void Progress::ClearLine() {
  if (shown_) std::fputs("\r\033[K", stderr);
  shown_ = false;
}

void Progress::ShowEnd(const JobMetrics& total,
                       const std::vector<std::shared_ptr<JobClient>>& jobs) {
  if (mode_ != ProgressMode::kOff) {
    PrintNote(CountsOf(total) + " in " + DurationText(total.elapsed_us) + " (" +
              Grouped(static_cast<int64_t>(PerSecond(total.rows_read, total.elapsed_us))) +
              " rows/s)");
  }
  WarnOfRejected(total);
  for (const auto& job : jobs) WarnOfSkew(job->metrics());
  if (per_operator_) std::fputs(OperatorsTable(jobs).c_str(), stderr);
}

}  // namespace millrace::cli

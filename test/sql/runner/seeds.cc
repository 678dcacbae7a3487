#include "seeds.h"

#include <algorithm>
#include <chrono>
#include <iomanip>
#include <utility>

#include "base/log.h"
#include "runner.h"

namespace millrace::sql_script {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds kBetweenProgress(10);

/// What the runs of scripts came to, told now and then.
class Tally {
 public:
  Tally(std::string what, std::string program, std::ostream& out)
      : what_(std::move(what)), program_(std::move(program)), out_(out) {}

  void Add(const Report& report) {
    crashes_ += report.crashes;
    restores_ += report.restores;
    restarts_ += report.restarts;
    events_ += static_cast<int64_t>(report.trace.size());
  }
  /// `options` repeat it.
  void Done(const std::string& options, const Script& script,
            const std::vector<std::string>& failures) {
    ++done_;
    if (!failures.empty()) {
      ++failed_;
      out_ << "FAILED  " << program_ << ' ' << options << ' ' << script.path << '\n';
      for (const std::string& failure : failures) out_ << failure << '\n';
      out_ << std::flush;
    }
    if (Clock::now() - told_ < kBetweenProgress) return;
    told_ = Clock::now();
    out_ << options << ": ";
    Tell();
  }
  void Tell() const {
    const std::chrono::duration<double> seconds = Clock::now() - start_;
    out_ << done_ << what_ << ", " << failed_ << " failed, in " << std::fixed
         << std::setprecision(1) << seconds.count() << " s: " << events_ << " events, " << crashes_
         << " crashes, " << restores_ << " restores, " << restarts_ << " restarts" << std::endl;
  }
  bool clean() const { return failed_ == 0; }

 private:
  const std::string what_;
  const std::string program_;
  std::ostream& out_;
  const Clock::time_point start_ = Clock::now();
  Clock::time_point told_ = start_;
  int64_t done_ = 0;
  int64_t failed_ = 0;
  int64_t crashes_ = 0;
  int64_t restores_ = 0;
  int64_t restarts_ = 0;
  int64_t events_ = 0;
};

std::vector<std::string> FailuresOf(const Script& script, uint64_t seed, Tally* tally) {
  const Configuration configuration = Drawn(seed);
  const Report first = RunScript(script, configuration);
  tally->Add(first);
  std::vector<std::string> failures = first.failures;
  const Report second = RunScript(script, configuration);
  if (const auto difference = Trace::Difference(first.trace, second.trace); !difference.empty()) {
    failures.push_back(difference);
  }
  return failures;
}

/// Failures are what is looked for; one run alone is looked at closely.
void LogOnly(bool alone) { SetLogLevel("", alone ? LogLevel::kInfo : LogLevel::kOff); }

}  // namespace

bool RunSeeds(const std::vector<Script>& scripts, Seeds seeds, const std::string& program,
              std::ostream& out) {
  LogOnly(scripts.size() == 1 && seeds.count == 1);
  Tally tally(" pairs of script and seed", program, out);
  for (uint64_t seed = seeds.first; seed < seeds.first + seeds.count; ++seed) {
    const std::string options = "--first-seed " + std::to_string(seed) + " --seeds 1";
    for (const Script& script : scripts) {
      const auto failures = FailuresOf(script, seed, &tally);
      tally.Done(options, script, failures);
    }
  }
  tally.Tell();
  return tally.clean();
}

bool RunBarriers(const std::vector<Script>& scripts, int64_t only, const std::string& program,
                 std::ostream& out) {
  LogOnly(scripts.size() == 1 && only > 0);
  Tally tally(" barriers", program, out);
  for (const Script& script : scripts) {
    for (int64_t step = std::max<int64_t>(1, only);; ++step) {
      const Report report = RunScript(script, WithBarrierAt(step));
      if (report.barriers == 0) break;
      tally.Add(report);
      tally.Done("--barrier " + std::to_string(step), script, report.failures);
      if (only > 0) break;
    }
  }
  tally.Tell();
  return tally.clean();
}

}  // namespace millrace::sql_script

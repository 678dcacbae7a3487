#include "seeds.h"

#include <chrono>
#include <iomanip>

#include "base/log.h"
#include "runner.h"

namespace millrace::sql_script {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds kBetweenProgress(10);

/// What the pairs of script and seed came to.
struct Totals {
  int64_t pairs = 0;
  int64_t failed = 0;
  int64_t crashes = 0;
  int64_t restores = 0;
  int64_t restarts = 0;
  int64_t events = 0;

  void Add(const Report& report) {
    crashes += report.crashes;
    restores += report.restores;
    restarts += report.restarts;
    events += static_cast<int64_t>(report.trace.size());
  }
};

std::string TextOf(const Totals& totals, Clock::time_point start) {
  const std::chrono::duration<double> seconds = Clock::now() - start;
  std::ostringstream text;
  text << totals.pairs << " pairs of script and seed, " << totals.failed << " failed, in "
       << std::fixed << std::setprecision(1) << seconds.count() << " s: " << totals.events
       << " events, " << totals.crashes << " crashes, " << totals.restores << " restores, "
       << totals.restarts << " restarts";
  return text.str();
}

std::vector<std::string> FailuresOf(const Script& script, uint64_t seed, Totals* totals) {
  const Configuration configuration = Drawn(seed);
  const Report first = RunScript(script, configuration);
  totals->Add(first);
  std::vector<std::string> failures = first.failures;
  const Report second = RunScript(script, configuration);
  if (const auto difference = Trace::Difference(first.trace, second.trace); !difference.empty()) {
    failures.push_back(difference);
  }
  return failures;
}

}  // namespace

bool RunSeeds(const std::vector<Script>& scripts, Seeds seeds, const std::string& program,
              std::ostream& out) {
  // Failures are what is looked for; one pair alone is looked at closely.
  const bool alone = scripts.size() == 1 && seeds.count == 1;
  SetLogLevel("", alone ? LogLevel::kInfo : LogLevel::kOff);
  const auto start = Clock::now();
  auto told = start;
  Totals totals;
  for (uint64_t seed = seeds.first; seed < seeds.first + seeds.count; ++seed) {
    for (const Script& script : scripts) {
      const auto failures = FailuresOf(script, seed, &totals);
      ++totals.pairs;
      if (!failures.empty()) {
        ++totals.failed;
        out << "FAILED  " << program << " --first-seed " << seed << " --seeds 1 " << script.path
            << '\n';
        for (const std::string& failure : failures) out << failure << '\n';
        out << std::flush;
      }
      if (Clock::now() - told < kBetweenProgress) continue;
      told = Clock::now();
      out << "seed " << seed << ": " << TextOf(totals, start) << std::endl;
    }
  }
  out << TextOf(totals, start) << std::endl;
  return totals.failed == 0;
}

}  // namespace millrace::sql_script

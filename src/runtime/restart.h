#pragma once

#include <cstdint>
#include <deque>
#include <limits>
#include <optional>

namespace millrace {

/// How a job goes on after a failure: Flink's strategies, with its defaults.
struct RestartOptions {
  enum class Strategy { kNone, kFixedDelay, kExponentialDelay, kFailureRate };
  static constexpr int64_t kSecond = 1'000'000;

  Strategy strategy = Strategy::kNone;
  int64_t delay_us = kSecond;               ///< fixed delay, failure rate
  int64_t attempts = 1;                     ///< fixed delay: restarts in the job's life
  int64_t failures = 1;                     ///< failure rate: restarts within any `interval_us`
  int64_t interval_us = 60 * kSecond;       ///< failure rate
  int64_t initial_us = kSecond;             ///< exponential delay: the first pause …
  double multiplier = 1.5;                  ///< … by how much each is longer than the one before …
  int64_t longest_us = 60 * kSecond;        ///< … and the longest
  double jitter = 0.1;                      ///< share by which a pause may be shorter or longer
  int64_t reset_after_us = 3600 * kSecond;  ///< this long without a failure: as at the beginning
  int64_t attempts_until_reset = std::numeric_limits<int64_t>::max();
};

/// Decides after each failure of one job.
class RestartPolicy {
 public:
  explicit RestartPolicy(RestartOptions options) : options_(options) {}

  /// The pause before the next attempt; nothing where there is to be none. `now_us` is monotonic;
  /// `random` chooses the jitter.
  std::optional<int64_t> OnFailure(int64_t now_us, uint64_t random);

 private:
  std::optional<int64_t> Exponential(int64_t now_us, uint64_t random);

  const RestartOptions options_;
  int64_t attempts_ = 0;  ///< exponential: since the last reset
  int64_t pause_us_ = 0;  ///< exponential: the last one, without jitter
  std::optional<int64_t> last_failure_us_;
  std::deque<int64_t> restarts_us_;  ///< failure rate: within the interval
};

}  // namespace millrace

#include "runtime/restart.h"

#include <algorithm>

namespace millrace {

std::optional<int64_t> RestartPolicy::OnFailure(int64_t now_us, uint64_t random) {
  switch (options_.strategy) {
    case RestartOptions::Strategy::kNone:
      break;
    case RestartOptions::Strategy::kFixedDelay:
      if (attempts_++ < options_.attempts) return options_.delay_us;
      break;
    case RestartOptions::Strategy::kFailureRate:
      while (!restarts_us_.empty() && now_us - restarts_us_.front() > options_.interval_us) {
        restarts_us_.pop_front();
      }
      if (static_cast<int64_t>(restarts_us_.size()) >= options_.failures) break;
      restarts_us_.push_back(now_us);
      return options_.delay_us;
    case RestartOptions::Strategy::kExponentialDelay:
      return Exponential(now_us, random);
  }
  return std::nullopt;
}

std::optional<int64_t> RestartPolicy::Exponential(int64_t now_us, uint64_t random) {
  if (!last_failure_us_ || now_us - *last_failure_us_ >= options_.reset_after_us + pause_us_) {
    attempts_ = 0;
  }
  last_failure_us_ = now_us;
  if (attempts_ >= options_.attempts_until_reset) return std::nullopt;
  const auto longest = static_cast<double>(options_.longest_us);
  const double pause = attempts_++ == 0 ? static_cast<double>(options_.initial_us)
                                        : static_cast<double>(pause_us_) * options_.multiplier;
  pause_us_ = static_cast<int64_t>(std::min(pause, longest));
  constexpr double kSteps = 1 << 20;
  const double share = static_cast<double>(random % (2 * (uint64_t{1} << 20) + 1)) / kSteps - 1;
  const double jittered = static_cast<double>(pause_us_) * (1 + options_.jitter * share);
  return static_cast<int64_t>(std::min(jittered, longest));
}

}  // namespace millrace

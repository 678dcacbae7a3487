#include "runtime/restart.h"

#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace {
namespace {

using testing::ElementsAre;
constexpr int64_t kSecond = RestartOptions::kSecond;
constexpr int64_t kOver = -1;

/// The pauses, in tenths of a second, after failures at these seconds.
std::vector<int64_t> Pauses(const RestartOptions& options, const std::vector<int64_t>& seconds,
                            uint64_t random = 1 << 20) {
  RestartPolicy policy(options);
  std::vector<int64_t> pauses;
  for (const int64_t second : seconds) {
    const auto pause = policy.OnFailure(second * kSecond, random);
    pauses.push_back(pause ? *pause / (kSecond / 10) : kOver);
  }
  return pauses;
}

TEST(RestartPolicyTest, NoneEndsTheJob) { EXPECT_THAT(Pauses({}, {0}), ElementsAre(kOver)); }

TEST(RestartPolicyTest, FixedDelayCountsAttempts) {
  RestartOptions options{.strategy = RestartOptions::Strategy::kFixedDelay};
  EXPECT_THAT(Pauses(options, {0, 5000}), ElementsAre(10, kOver));
  options.attempts = 3;
  options.delay_us = 4 * kSecond;
  EXPECT_THAT(Pauses(options, {0, 1, 2, 3}), ElementsAre(40, 40, 40, kOver));
}

TEST(RestartPolicyTest, FailureRateLooksAtTheLastInterval) {
  RestartOptions options{.strategy = RestartOptions::Strategy::kFailureRate, .failures = 2};
  EXPECT_THAT(Pauses(options, {0, 10, 20}), ElementsAre(10, 10, kOver));
  EXPECT_THAT(Pauses(options, {0, 10, 61, 71, 80}), ElementsAre(10, 10, 10, 10, kOver));
}

TEST(RestartPolicyTest, ExponentialDelayGrowsToItsLimitAndForgets) {
  const RestartOptions options{.strategy = RestartOptions::Strategy::kExponentialDelay,
                               .multiplier = 3,
                               .longest_us = 20 * kSecond,
                               .reset_after_us = 100 * kSecond};
  EXPECT_THAT(Pauses(options, {0, 2, 6, 16, 40, 159, 280}),
              ElementsAre(10, 30, 90, 200, 200, 200, 10));
}

TEST(RestartPolicyTest, JitterStaysWithinItsShareAndBelowTheLongest) {
  RestartOptions options{.strategy = RestartOptions::Strategy::kExponentialDelay, .jitter = 0.5};
  EXPECT_THAT(Pauses(options, {0}, 0), ElementsAre(5));
  EXPECT_THAT(Pauses(options, {0}, 2 << 20), ElementsAre(15));
  options.longest_us = kSecond;
  EXPECT_THAT(Pauses(options, {0}, 2 << 20), ElementsAre(10));
}

TEST(RestartPolicyTest, AttemptsUntilTheResetAreBounded) {
  const RestartOptions options{.strategy = RestartOptions::Strategy::kExponentialDelay,
                               .reset_after_us = 100 * kSecond,
                               .attempts_until_reset = 2};
  EXPECT_THAT(Pauses(options, {0, 1, 2, 200}), ElementsAre(10, 15, kOver, 10));
}

}  // namespace
}  // namespace millrace

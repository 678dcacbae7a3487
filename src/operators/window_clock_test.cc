#include "operators/window_clock.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

constexpr int64_t kHour = int64_t{3'600'000'000};
constexpr int64_t kMinute = 60'000'000;

// New York: 2024-03-10 02:00 EST is 03:00 EDT, 2024-11-03 02:00 EDT is 01:00 EST.
TEST(WindowClock, ClosesLocalWindowsWhenTheirLastTimeIsOver) {
  const int64_t march = 1710028800 * int64_t{1'000'000};     // 2024-03-10 00:00, as if in UTC
  const int64_t november = 1730592000 * int64_t{1'000'000};  // 2024-11-03 00:00
  const struct {
    int64_t end, utc;
  } cases[] = {
      {march + 1 * kHour, march + 6 * kHour},
      {march + 2 * kHour, march + 7 * kHour},
      {march + 4 * kHour, march + 8 * kHour},
      {november + 1 * kHour, november + 5 * kHour},
      {november + 1 * kHour + 30 * kMinute, november + 6 * kHour + 30 * kMinute},
      {november + 2 * kHour, november + 7 * kHour},
      {november + 3 * kHour, november + 8 * kHour},
  };
  auto clock = WindowClock::Make(0, SqlType::TimestampLtz(3), "America/New_York").ValueOrDie();
  for (const auto& c : cases) EXPECT_EQ(clock.LastMoment(c.end), c.utc - kLastMoment) << c.end;
  // From 02:00 to 03:00 in March there is nothing: it is over when it would begin.
  EXPECT_EQ(clock.LastMoment(march + 2 * kHour + 30 * kMinute), march + 7 * kHour);

  auto plain = WindowClock::Make(0, SqlType::Timestamp(3), "America/New_York").ValueOrDie();
  EXPECT_EQ(plain.LastMoment(november), november - kLastMoment);
}

}  // namespace
}  // namespace millrace

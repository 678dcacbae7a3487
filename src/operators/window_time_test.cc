#include "operators/window_time.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

WindowSpec Spec(WindowSpec::Kind kind, int64_t size, int64_t step, int64_t offset = 0) {
  WindowSpec spec;
  spec.kind = kind;
  spec.size_us = size;
  spec.step_us = step;
  spec.offset_us = offset;
  return spec;
}

TEST(WindowTimesTest, FloorsToTheGridBeforeAndAfter1970) {
  EXPECT_EQ(WindowTimes::Floor(7, 0, 5), 5);
  EXPECT_EQ(WindowTimes::Floor(5, 0, 5), 5);
  EXPECT_EQ(WindowTimes::Floor(-1, 0, 5), -5);
  EXPECT_EQ(WindowTimes::Floor(-5, 0, 5), -5);
  EXPECT_EQ(WindowTimes::Floor(0, 2, 5), -3);
  EXPECT_EQ(WindowTimes::Floor(0, -2, 5), -2);
}

// A window holds a time where its slices do: compared with every window of the grid.
TEST(WindowTimesTest, SlicesMakeUpExactlyTheWindowsThatHoldATime) {
  for (const int64_t offset : {0, 1, -4}) {
    const WindowTimes tumble(Spec(WindowSpec::Kind::kTumble, 6, 0, offset));
    const WindowTimes hop(Spec(WindowSpec::Kind::kHop, 6, 2, offset));
    const WindowTimes cumulate(Spec(WindowSpec::Kind::kCumulate, 6, 2, offset));
    for (int64_t time = -20; time <= 20; ++time) {
      for (const WindowTimes* windows : {&tumble, &hop, &cumulate}) {
        const int64_t slice = windows->SliceEnd(time);
        EXPECT_LE(slice - windows->slice_size(), time);
        EXPECT_GT(slice, time);
        const int64_t first = windows->FirstEnd(slice), last = windows->LastEnd(slice);
        for (int64_t end = first - 12; end <= last + 12; end += windows->step()) {
          const bool holds = windows->Start(end) <= time && time < end;
          EXPECT_EQ(holds, first <= end && end <= last)
              << "time " << time << ", end " << end << ", offset " << offset;
        }
      }
    }
  }
}

}  // namespace
}  // namespace millrace

#include "models/triton/pace.h"

#include <gtest/gtest.h>

#include "models/test_services.h"

namespace millrace {
namespace {

/// A server that takes `base_ms` and `row_us` for each row, one request after the other.
class PaceTest : public testing::Test {
 protected:
  Pace Make(int64_t target_ms, int64_t most_rows, int64_t most_requests = 100) {
    return Pace({target_ms * 1000, most_rows, most_requests}, metrics_.gauge("rows", {}),
                metrics_.gauge("requests", {}));
  }
  /// Full requests, as many at a time as may be; gives how many were later than the target.
  int Serve(Pace& pace, int64_t target_ms, int64_t base_us, int64_t row_us, int times) {
    int late = 0;
    for (int i = 0; i < times; ++i) {
      const int64_t rows = pace.rows();
      const int64_t sent_us = now_us_;
      now_us_ += base_us + rows * row_us;
      late += now_us_ - sent_us > target_ms * 1000;
      pace.Learn(rows, sent_us, now_us_);
    }
    return late;
  }

  MetricRegistry metrics_;
  int64_t now_us_ = 0;
};

TEST_F(PaceTest, RowsDoubleUntilTheMaximum) {
  Pace pace = Make(100, 64);
  EXPECT_EQ(pace.rows(), 1);
  EXPECT_EQ(Serve(pace, 100, 1000, 10, 6), 0);
  EXPECT_EQ(pace.rows(), 64);
}

TEST_F(PaceTest, RowsSettleBelowTheTarget) {
  Pace pace = Make(50, 1024);
  Serve(pace, 50, 10'000, 100, 100);  // 400 rows take 50 ms
  const int late = Serve(pace, 50, 10'000, 100, 1000);
  EXPECT_LT(late, 100);
  EXPECT_GE(pace.rows(), 190);
  EXPECT_LE(pace.rows(), 420);
  Serve(pace, 50, 10'000, 1000, 100);  // the server has become slower: 40 rows take 50 ms
  EXPECT_LE(pace.rows(), 56);
  Serve(pace, 50, 10'000, 1, 1000);
  EXPECT_EQ(pace.rows(), 1024);
}

TEST_F(PaceTest, WhatWasSentBeforeACutDoesNotCutAgain) {
  Pace pace = Make(10, 64);
  Serve(pace, 10, 0, 10, 6);
  ASSERT_EQ(pace.rows(), 64);
  for (int i = 0; i < 3; ++i) pace.Learn(64, now_us_, now_us_ + 20'000);
  EXPECT_EQ(pace.rows(), 32);
  pace.Learn(32, now_us_ + 20'000, now_us_ + 40'000);
  EXPECT_EQ(pace.rows(), 16);
}

TEST_F(PaceTest, SmallRequestsTeachNothing) {
  Pace pace = Make(10, 64);
  Serve(pace, 10, 0, 10, 3);
  ASSERT_EQ(pace.rows(), 8);
  pace.Learn(7, 0, 5);
  EXPECT_EQ(pace.rows(), 8);
}

TEST_F(PaceTest, RequestsGrowWhereSomeWaitAndShrinkFirst) {
  Pace pace = Make(10, 1, 8);
  int turns = 0;
  const auto turn = [&] { ++turns; };
  EXPECT_TRUE(pace.Enter(turn));
  EXPECT_TRUE(pace.Enter(turn));
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(pace.Enter(turn));
  pace.Learn(1, 0, 1);  // 4 requests
  pace.Leave();
  EXPECT_EQ(turns, 3);
  pace.Learn(1, 10, 20'000);  // 2 requests, of which none may start until two have ended
  pace.Leave();
  pace.Leave();
  EXPECT_EQ(turns, 3);
  pace.Leave();
  EXPECT_EQ(turns, 4);
}

}  // namespace
}  // namespace millrace

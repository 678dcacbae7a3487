#include "models/triton/circuit_breaker.h"

#include <gtest/gtest.h>

#include "models/triton/fake_world.h"

namespace millrace {
namespace {

using State = CircuitBreaker::State;

class CircuitBreakerTest : public testing::Test {
 protected:
  void Fail(int times) {
    for (int i = 0; i < times; ++i) {
      if (breaker_.Admit()) breaker_.Failed();
    }
  }
  void Succeed(int times) {
    for (int i = 0; i < times; ++i) {
      if (breaker_.Admit()) breaker_.Succeeded();
    }
  }

  VirtualEnv env_;
  CircuitBreaker breaker_{{.enabled = true, .open_us = 60'000'000}, env_};
};

TEST_F(CircuitBreakerTest, OpensWhenTheShareIsReached) {  // T8
  Fail(4);
  Succeed(5);
  EXPECT_EQ(breaker_.state(), State::kClosed);  // 4 of 9: too few are known
  Fail(1);
  EXPECT_EQ(breaker_.state(), State::kOpen);  // 5 of 10
  EXPECT_FALSE(breaker_.Admit());
  EXPECT_EQ(breaker_.retry_in_us(), 60'000'000);
}

TEST_F(CircuitBreakerTest, OldOutcomesDoNotCount) {
  Fail(1);
  Succeed(CircuitBreaker::kWindow);
  Fail(49);
  EXPECT_EQ(breaker_.state(), State::kClosed);
  Fail(1);
  EXPECT_EQ(breaker_.state(), State::kOpen);
}

TEST_F(CircuitBreakerTest, TrialsCloseItOrOpenItAgain) {  // T8
  Fail(10);
  env_.now_us += 59'999'999;
  EXPECT_FALSE(breaker_.Admit());
  env_.now_us += 1;
  EXPECT_TRUE(breaker_.Admit());
  EXPECT_EQ(breaker_.state(), State::kHalfOpen);
  EXPECT_TRUE(breaker_.Admit());
  EXPECT_TRUE(breaker_.Admit());
  EXPECT_FALSE(breaker_.Admit());  // three trials
  breaker_.Succeeded();
  breaker_.Failed();
  EXPECT_EQ(breaker_.state(), State::kOpen);
  env_.now_us += 60'000'000;
  Succeed(3);
  EXPECT_EQ(breaker_.state(), State::kClosed);
  Fail(9);  // what was before is forgotten
  EXPECT_EQ(breaker_.state(), State::kClosed);
}

TEST_F(CircuitBreakerTest, CancelledTrialsLeaveRoom) {
  Fail(10);
  env_.now_us += 60'000'000;
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(breaker_.Admit());
    breaker_.Withdrawn();
  }
  Succeed(3);
  EXPECT_EQ(breaker_.state(), State::kClosed);
}

TEST_F(CircuitBreakerTest, HealthOpensAndProbes) {  // T8
  breaker_.Trip();
  EXPECT_FALSE(breaker_.Admit());
  breaker_.Probe();
  Succeed(3);
  EXPECT_EQ(breaker_.state(), State::kClosed);
}

TEST_F(CircuitBreakerTest, DisabledItNeverOpens) {
  CircuitBreaker off({}, env_);
  for (int i = 0; i < 100; ++i) {
    EXPECT_TRUE(off.Admit());
    off.Failed();
  }
  off.Trip();
  EXPECT_TRUE(off.Admit());
}

}  // namespace
}  // namespace millrace

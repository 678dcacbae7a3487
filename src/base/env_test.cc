#include "base/env.h"

#include <atomic>
#include <latch>
#include <thread>

#include <gtest/gtest.h>

namespace millrace {
namespace {

TEST(SystemEnvTest, DoesAllWorkBeforeItEnds) {
  std::atomic<int> done = 0;
  {
    auto env = MakeSystemEnv(2);
    for (int i = 0; i < 100; ++i) env->Execute([&] { ++done; });
  }
  EXPECT_EQ(done, 100);
}

TEST(SystemEnvTest, WorkMayStartWork) {
  auto env = MakeSystemEnv(1);
  std::latch done(1);
  env->Execute([&] { env->Execute([&] { done.count_down(); }); });
  done.wait();
}

TEST(SystemEnvTest, RunsAsManyAtOnceAsAllowed) {
  constexpr int kThreads = 4;
  std::latch together(kThreads);  // opens only when all of them run
  std::atomic<int> running = 0, most = 0;
  {
    auto env = MakeSystemEnv(kThreads);
    for (int i = 0; i < 2 * kThreads; ++i) {
      env->Execute([&, i] {
        const int now = ++running;
        for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) {
        }
        if (i < kThreads) together.arrive_and_wait();
        --running;
      });
    }
  }
  EXPECT_EQ(most, kThreads);
}

TEST(SystemEnvTest, ClocksAdvance) {
  auto env = MakeSystemEnv(1);
  const int64_t before = env->MonotonicMicros();
  EXPECT_GE(env->MonotonicMicros(), before);
  EXPECT_GT(env->NowMicros(), 1'700'000'000'000'000);  // after 2023: microseconds, not another unit
  EXPECT_NE(env->Random(), env->Random());
}

}  // namespace
}  // namespace millrace

#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <vector>

#include "base/env.h"
#include "runtime/executor.h"
#include "sim/fake_disk.h"
#include "sim/trace.h"

namespace millrace {

/// Virtual time and seeded chance. Work that is executed "elsewhere" runs later, on the one thread.
/// The disk is not part of it: it survives a crash.
class SimEnv final : public Env {
 public:
  SimEnv(uint64_t seed, int64_t start_us, FakeDisk& disk)
      : random_(seed), now_us_(start_us), disk_(disk) {}

  int64_t NowMicros() override { return now_us_ + wall_us_; }
  int64_t MonotonicMicros() override { return now_us_; }
  uint64_t Random() override { return random_(); }
  /// After some microseconds to milliseconds; now and then after a tenth of a second, as on a slow
  /// disk.
  void Execute(std::function<void()> work) override;
  FileSystem& files() override { return disk_; }

  /// Runs `work` after `us`.
  void After(int64_t us, std::function<void()> work) {
    work_.emplace(now_us_ + us, std::move(work));
  }
  /// Sets the wall clock forward or back.
  void JumpClock(int64_t us) { wall_us_ += us; }
  /// Nothing that was to come happens any more.
  void Drop();

  void Advance(int64_t us) { now_us_ += us; }
  void AdvanceTo(int64_t us) { now_us_ = std::max(now_us_, us); }
  int64_t next_us() const { return work_.empty() ? AlarmHeap::kNever : work_.begin()->first; }
  void RunNext();

 private:
  std::mt19937_64 random_;  // allowed: this is the Env of the simulator
  int64_t now_us_;
  int64_t wall_us_ = 0;  ///< ahead of the monotonic clock
  FakeDisk& disk_;
  std::multimap<int64_t, std::function<void()>> work_;
};

/// One thread on which the seed draws what runs next. Single use: a crash throws it away.
class SimExecutor final : public Executor {
 public:
  SimExecutor(SimEnv& env, Trace& trace) : env_(env), trace_(trace) {}

  void Enqueue(std::shared_ptr<Runnable> runnable) override {
    ready_.push_back(std::move(runnable));
  }
  void SetAlarm(const std::shared_ptr<Runnable>& runnable, int64_t at_us) override {
    alarms_.Set(runnable, at_us);
  }
  Env& env() override { return env_; }
  int64_t slice_us() const override { return 0; }  ///< the least: more interleavings

  /// What was to run does not run any more.
  void Drop() { ready_.clear(); }

  /// Runs one slice, or the next thing that happens in time. False: nothing will ever happen again.
  bool Step();
  /// When the next thing happens; AlarmHeap::kNever: nothing will.
  int64_t next_us() const;

 private:
  SimEnv& env_;
  Trace& trace_;
  std::vector<std::shared_ptr<Runnable>> ready_;
  AlarmHeap alarms_;
};

}  // namespace millrace

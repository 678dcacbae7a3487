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

namespace millrace {

/// Virtual time and seeded chance. Work that is executed "elsewhere" runs later, on the one thread.
/// The disk is not part of it: it survives a crash.
class SimEnv final : public Env {
 public:
  SimEnv(uint64_t seed, int64_t start_us, FakeDisk& disk)
      : random_(seed), now_us_(start_us), disk_(disk) {}

  int64_t NowMicros() override { return now_us_; }
  int64_t MonotonicMicros() override { return now_us_; }
  uint64_t Random() override { return random_(); }
  /// After some microseconds to milliseconds; now and then after a tenth of a second, as on a slow
  /// disk.
  void Execute(std::function<void()> work) override;
  FileSystem& files() override { return disk_; }

  void Advance(int64_t us) { now_us_ += us; }
  void AdvanceTo(int64_t us) { now_us_ = std::max(now_us_, us); }
  int64_t next_us() const { return work_.empty() ? AlarmHeap::kNever : work_.begin()->first; }
  void RunNext();

 private:
  std::mt19937_64 random_;  // allowed: this is the Env of the simulator
  int64_t now_us_;
  FakeDisk& disk_;
  std::multimap<int64_t, std::function<void()>> work_;
};

/// One thread on which the seed draws what runs next. Single use: a crash throws it away.
class SimExecutor final : public Executor {
 public:
  explicit SimExecutor(SimEnv& env) : env_(env) {}

  void Enqueue(std::shared_ptr<Runnable> runnable) override {
    ready_.push_back(std::move(runnable));
  }
  void SetAlarm(const std::shared_ptr<Runnable>& runnable, int64_t at_us) override {
    alarms_.Set(runnable, at_us);
  }
  Env& env() override { return env_; }
  int64_t slice_us() const override { return 0; }  ///< the least: more interleavings

  /// Runs one slice, or the next thing that happens in time. False: nothing will ever happen again.
  bool Step();
  /// Of everything that has happened, in its order.
  uint64_t trace() const { return trace_; }

 private:
  void Trace(uint64_t what);

  SimEnv& env_;
  std::vector<std::shared_ptr<Runnable>> ready_;
  AlarmHeap alarms_;
  uint64_t trace_ = 0xcbf29ce484222325;
};

}  // namespace millrace

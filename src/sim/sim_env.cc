#include "sim/sim_env.h"

#include <algorithm>
#include <utility>

namespace millrace {
namespace {

constexpr int64_t kLongestStallMicros = 200'000;

}  // namespace

void SimEnv::Execute(std::function<void()> work) {
  const uint64_t kind = random_() % 16;
  const uint64_t most = kind == 0 ? 100'000 : kind < 4 ? 5'000 : 500;
  work_.emplace(now_us_ + 1 + static_cast<int64_t>(random_() % most), std::move(work));
}

void SimEnv::RunNext() {
  const auto next = work_.begin();
  AdvanceTo(next->first);
  const std::function<void()> work = std::move(next->second);
  work_.erase(next);
  work();
}

void SimEnv::Drop() {
  // What is dropped may ask for more work as it goes.
  while (!work_.empty()) std::exchange(work_, {}).clear();
}

int64_t SimExecutor::next_us() const {
  return ready_.empty() ? std::min(env_.next_us(), alarms_.next_us()) : env_.MonotonicMicros();
}

bool SimExecutor::Step() {
  const int64_t happens_us = std::min(env_.next_us(), alarms_.next_us());
  const int64_t now_us = env_.MonotonicMicros();
  // Threads may be late, but not for minutes.
  const bool wait = happens_us <= now_us + kLongestStallMicros && env_.Random() % 8 == 0;
  if (!ready_.empty() && happens_us > now_us && !wait) {
    const size_t drawn = env_.Random() % ready_.size();
    const auto runnable = std::move(ready_[drawn]);
    ready_.erase(ready_.begin() + static_cast<std::ptrdiff_t>(drawn));
    env_.Advance(1 + static_cast<int64_t>(env_.Random() % 50));
    trace_.Add("slice", drawn, static_cast<uint64_t>(now_us));
    runnable->Execute();
    return true;
  }
  if (happens_us == AlarmHeap::kNever) return false;
  if (env_.next_us() == happens_us) {
    trace_.Add("work", static_cast<uint64_t>(happens_us));
    env_.RunNext();
    return true;
  }
  env_.AdvanceTo(happens_us);
  trace_.Add("alarm", static_cast<uint64_t>(happens_us));
  for (const auto& runnable : alarms_.TakeDue(env_.MonotonicMicros())) runnable->Wake();
  return true;
}

}  // namespace millrace

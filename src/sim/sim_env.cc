#include "sim/sim_env.h"

#include <algorithm>
#include <utility>

namespace millrace {

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

bool SimExecutor::Step() {
  const int64_t happens_us = std::min(env_.next_us(), alarms_.next_us());
  const bool wait = happens_us != AlarmHeap::kNever && env_.Random() % 8 == 0;
  if (!ready_.empty() && happens_us > env_.NowMicros() && !wait) {
    const size_t drawn = env_.Random() % ready_.size();
    const auto runnable = std::move(ready_[drawn]);
    ready_.erase(ready_.begin() + static_cast<std::ptrdiff_t>(drawn));
    Trace(drawn);
    env_.Advance(1 + static_cast<int64_t>(env_.Random() % 50));
    runnable->Execute();
    return true;
  }
  if (happens_us == AlarmHeap::kNever) return false;
  if (env_.next_us() == happens_us) {
    Trace(~uint64_t{0});
    env_.RunNext();
    return true;
  }
  env_.AdvanceTo(happens_us);
  Trace(~uint64_t{1});
  for (const auto& runnable : alarms_.TakeDue(env_.NowMicros())) runnable->Wake();
  return true;
}

void SimExecutor::Trace(uint64_t what) {
  for (const uint64_t value : {what, static_cast<uint64_t>(env_.NowMicros())}) {
    trace_ = (trace_ ^ value) * 0x100000001b3;
  }
}

}  // namespace millrace

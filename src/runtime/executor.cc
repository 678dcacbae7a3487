#include "runtime/executor.h"

namespace millrace {

void Runnable::Wake() {
  // Always a write: either it comes before the slice begins, and the slice sees what was written
  // before, or the slice finds that it was woken. A mere look at the state could be out of date.
  if ((state_.fetch_or(kScheduled | kWoken, std::memory_order_acq_rel) & kScheduled) == 0) {
    executor_.Enqueue(shared_from_this());
  }
}

void Runnable::WakeAt(int64_t at_us) { executor_.SetAlarm(shared_from_this(), at_us); }

void Runnable::Execute() {
  state_.fetch_and(static_cast<uint8_t>(~kWoken), std::memory_order_acq_rel);
  if (!RunSlice()) {
    uint8_t not_woken = kScheduled;
    if (state_.compare_exchange_strong(not_woken, 0, std::memory_order_acq_rel)) return;
  }
  executor_.EnqueueAgain(shared_from_this());
}

void AlarmHeap::Set(const std::shared_ptr<Runnable>& runnable, int64_t at_us) {
  if (runnable->alarm_) due_.erase(*runnable->alarm_);
  runnable->alarm_.reset();
  if (at_us == kNever) return;
  runnable->alarm_ = {at_us, next_++};
  due_.emplace(*runnable->alarm_, runnable);
}

std::vector<std::shared_ptr<Runnable>> AlarmHeap::TakeDue(int64_t now_us) {
  std::vector<std::shared_ptr<Runnable>> due;
  while (!due_.empty() && due_.begin()->first.first <= now_us) {
    if (auto runnable = due_.begin()->second.lock()) {
      runnable->alarm_.reset();
      due.push_back(std::move(runnable));
    }
    due_.erase(due_.begin());
  }
  return due;
}

}  // namespace millrace

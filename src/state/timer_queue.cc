#include "state/timer_queue.h"

#include <algorithm>
#include <cstring>

namespace millrace {

void TimerQueue::Set(Slot slot, int64_t time_us, uint32_t capacity) {
  if (time_us == TimerSet::kNone) return Clear(slot);
  if (!times_) times_ = std::make_unique<MemoryFixedColumn>(sizeof(int64_t));
  times_->Grow(capacity);
  const int64_t before = TimeOf(slot);
  if (before == time_us) return;
  if (before == TimerSet::kNone) ++live_;
  times_->Mut<int64_t>(slot) = time_us ^ TimerSet::kNone;
  heap_.push_back({time_us, slot});
  std::push_heap(heap_.begin(), heap_.end(), Later);
  if (heap_.size() > 2 * live_ + 64) DropMoved();
}

void TimerQueue::Clear(Slot slot) {
  if (!times_ || TimeOf(slot) == TimerSet::kNone) return;
  times_->Mut<int64_t>(slot) = 0;
  --live_;
}

int64_t TimerQueue::Next() {
  while (!heap_.empty() && TimeOf(heap_.front().slot) != heap_.front().time_us) {
    std::pop_heap(heap_.begin(), heap_.end(), Later);
    heap_.pop_back();
  }
  return heap_.empty() ? TimerSet::kNone : heap_.front().time_us;
}

void TimerQueue::PopDue(int64_t time_us, size_t max, std::vector<Slot>* slots,
                        std::vector<int64_t>* times_us) {
  for (int64_t next = Next(); slots->size() < max && next != TimerSet::kNone && next <= time_us;
       next = Next()) {
    slots->push_back(heap_.front().slot);
    times_us->push_back(next);
    Clear(heap_.front().slot);
  }
}

std::optional<FixedPages> TimerQueue::Freeze() {
  if (!times_) return std::nullopt;
  return times_->Freeze();
}

int64_t TimerQueue::TimeOf(const FixedPages& times, Slot slot) {
  const uint32_t s = Raw(slot);
  if (s >> FixedColumn::kPageShift >= times.size()) return TimerSet::kNone;
  int64_t stored;
  std::memcpy(&stored,
              times.page(s >> FixedColumn::kPageShift).data.get() +
                  (s & FixedColumn::kPageMask) * sizeof stored,
              sizeof stored);
  return stored ^ TimerSet::kNone;
}

int64_t TimerQueue::memory_bytes() const {
  return (times_ ? times_->memory_bytes() : 0) +
         static_cast<int64_t>(heap_.capacity() * sizeof(Entry));
}

void TimerQueue::DropMoved() {
  std::erase_if(heap_, [this](const Entry& e) { return TimeOf(e.slot) != e.time_us; });
  // A timer that was moved away and back is here twice.
  std::sort(heap_.begin(), heap_.end(), [](const Entry& a, const Entry& b) {
    return a.time_us != b.time_us ? a.time_us < b.time_us : a.slot < b.slot;
  });
  const auto same = [](const Entry& a, const Entry& b) {
    return a.time_us == b.time_us && a.slot == b.slot;
  };
  heap_.erase(std::unique(heap_.begin(), heap_.end(), same), heap_.end());
}

}  // namespace millrace

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
  if (before < time_us) return;  // its entry follows when it comes to the front
  Push({time_us, slot});
  if (heap_.size() > 2 * live_ + 64) DropMoved();
}

void TimerQueue::Clear(Slot slot) {
  if (!times_ || TimeOf(slot) == TimerSet::kNone) return;
  times_->Mut<int64_t>(slot) = 0;
  --live_;
}

int64_t TimerQueue::Next() {
  while (!heap_.empty()) {
    const auto [at_us, slot] = heap_.front();
    const int64_t time_us = TimeOf(slot);
    if (time_us == at_us) return at_us;
    Pop();
    if (at_us < time_us && time_us != TimerSet::kNone) Push({time_us, slot});
  }
  return TimerSet::kNone;
}

void TimerQueue::Push(Entry entry) {
  heap_.push_back(entry);
  std::push_heap(heap_.begin(), heap_.end(), Later);
}

void TimerQueue::Pop() {
  std::pop_heap(heap_.begin(), heap_.end(), Later);
  heap_.pop_back();
}

void TimerQueue::PopDue(int64_t time_us, size_t max, std::vector<Slot>* slots,
                        std::vector<int64_t>* times_us) {
  for (int64_t next = Next(); slots->size() < max && next != TimerSet::kNone && next <= time_us;
       next = Next()) {
    slots->push_back(heap_.front().slot);
    times_us->push_back(next);
    Clear(heap_.front().slot);
    Pop();
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
  for (Entry& entry : heap_) entry.time_us = TimeOf(entry.slot);
  std::erase_if(heap_, [](const Entry& e) { return e.time_us == TimerSet::kNone; });
  // A timer that was moved to an earlier time, or cleared and set again, is here twice.
  std::sort(heap_.begin(), heap_.end(), [](const Entry& a, const Entry& b) { return Later(b, a); });
  const auto same = [](const Entry& a, const Entry& b) { return a.slot == b.slot; };
  heap_.erase(std::unique(heap_.begin(), heap_.end(), same), heap_.end());
}

}  // namespace millrace

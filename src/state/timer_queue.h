#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "state/fixed_column.h"
#include "state/state.h"

namespace millrace {

/// Timers of the slots of a table in one time domain: at most one per slot. A heap of times: each
/// slot with a timer has an entry at that time or before it. An entry that comes to the front
/// before the slot's own time moves there, so that to put a timer off costs next to nothing.
class TimerQueue {
 public:
  /// Nothing is allocated until the first timer is set.
  void Set(Slot slot, int64_t time_us, uint32_t capacity);
  void Clear(Slot slot);

  int64_t TimeOf(Slot slot) const {
    return times_ ? TimeOf(times_->pages(), slot) : TimerSet::kNone;
  }
  int64_t Next();  ///< `TimerSet::kNone` where there is none
  /// Takes out at most `max` timers at or before `time_us`, in time order.
  void PopDue(int64_t time_us, size_t max, std::vector<Slot>* slots,
              std::vector<int64_t>* times_us);

  /// The time of every slot; nothing where no timer was ever set.
  std::optional<FixedPages> Freeze();
  static int64_t TimeOf(const FixedPages& times, Slot slot);
  int64_t memory_bytes() const;

 private:
  struct Entry {
    int64_t time_us;
    Slot slot;
  };
  /// Timers of one time come in the order of their slots, whose pages lie side by side.
  static bool Later(const Entry& a, const Entry& b) {
    return a.time_us != b.time_us ? a.time_us > b.time_us : a.slot > b.slot;
  }
  void Push(Entry entry);
  void Pop();
  /// Leaves each timer one entry, at its time.
  void DropMoved();

  std::unique_ptr<MemoryFixedColumn> times_;  ///< time ^ kNone, so that fresh pages say "none"
  std::vector<Entry> heap_;
  size_t live_ = 0;
};

}  // namespace millrace

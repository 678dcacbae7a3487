#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "state/state.h"

namespace millrace {

/// The different slots of a batch in the order in which they come first, each with the row where it
/// does.
class TouchedSlots {
 public:
  void Find(std::span<const Slot> slots) {
    size_t size = 16;
    while (size < 2 * slots.size()) size *= 2;
    table_.assign(size, {kNoSlot, 0});
    slots_.clear();
    rows_.clear();
    places_.resize(slots.size());
    for (size_t row = 0; row < slots.size(); ++row) {
      // Slots of neighbouring keys are dense: the multiplication spreads them.
      size_t i = (Raw(slots[row]) * 0x9e3779b1u) & (size - 1);
      while (table_[i].slot != kNoSlot && table_[i].slot != slots[row]) i = (i + 1) & (size - 1);
      if (table_[i].slot == kNoSlot) {
        table_[i] = {slots[row], static_cast<uint32_t>(slots_.size())};
        slots_.push_back(slots[row]);
        rows_.push_back(static_cast<int32_t>(row));
      }
      places_[row] = table_[i].place;
    }
  }

  const std::vector<Slot>& slots() const { return slots_; }
  const std::vector<int32_t>& rows() const { return rows_; }
  /// Index in `slots()` of the slot of a row.
  size_t place(size_t row) const { return places_[row]; }

 private:
  struct Entry {
    Slot slot;
    uint32_t place;
  };

  std::vector<Entry> table_;
  std::vector<uint32_t> places_;
  std::vector<Slot> slots_;
  std::vector<int32_t> rows_;
};

}  // namespace millrace

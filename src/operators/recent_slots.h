#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <arrow/type_fwd.h>

#include "state/state.h"

namespace millrace {

/// The slots of keys that were looked up lately, so that the table need not be asked again. Of keys
/// that are one or two columns of 64 bits without NULLs, of tables whose slots outlive a call.
class RecentSlots {
 public:
  /// The slots of the rows of the key columns. `missing`: those that are not known.
  void Find(const arrow::ArrayVector& keys, std::span<const uint32_t> generations,
            std::span<Slot> slots, std::vector<int32_t>* missing) const;
  /// `slots`: of all rows of the key columns, of which `rows` are remembered, but for kNoSlot.
  void Remember(const arrow::ArrayVector& keys, std::span<const uint32_t> generations,
                std::span<const Slot> slots, std::span<const int32_t> rows);

 private:
  static constexpr int kBits = 13;

  struct Entry {
    uint64_t first = 0, second = 0;
    Slot slot = kNoSlot;
    uint32_t generation = 0;  ///< of the slot
  };

  static size_t PlaceOf(uint64_t first, uint64_t second) {
    constexpr uint64_t kSpread = 0x9e3779b97f4a7c15u;
    return ((first + second * kSpread) * kSpread) >> (64 - kBits);
  }

  std::vector<Entry> entries_;  ///< by hash; the last one stays
};

}  // namespace millrace

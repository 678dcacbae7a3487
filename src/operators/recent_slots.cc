#include "operators/recent_slots.h"

#include <numeric>
#include <optional>

#include <arrow/array.h>
#include <arrow/type.h>

namespace millrace {
namespace {

/// The key columns as bits; the second is null where there is one only.
struct KeyBits {
  const uint64_t* first = nullptr;
  const uint64_t* second = nullptr;

  uint64_t second_of(size_t row) const { return second == nullptr ? 0 : second[row]; }
};

std::optional<KeyBits> BitsOfKeys(const arrow::ArrayVector& keys) {
  if (keys.empty() || keys.size() > 2) return std::nullopt;
  KeyBits bits;
  for (const auto& column : keys) {
    const arrow::DataType& type = *column->type();
    const bool wide = arrow::is_primitive(type.id()) && type.bit_width() == 64;
    if (!wide || column->null_count() > 0) return std::nullopt;
    (&column == &keys[0] ? bits.first : bits.second) = column->data()->GetValues<uint64_t>(1);
  }
  return bits;
}

}  // namespace

void RecentSlots::Find(const arrow::ArrayVector& keys, std::span<const uint32_t> generations,
                       std::span<Slot> slots, std::vector<int32_t>* missing) const {
  missing->clear();
  const std::optional<KeyBits> bits = BitsOfKeys(keys);
  if (!bits || entries_.empty() || generations.empty()) {
    missing->resize(slots.size());
    std::iota(missing->begin(), missing->end(), 0);
    return;
  }
  for (size_t row = 0; row < slots.size(); ++row) {
    const uint64_t first = bits->first[row], second = bits->second_of(row);
    const Entry& entry = entries_[PlaceOf(first, second)];
    slots[row] = entry.slot;
    const bool known = entry.first == first && entry.second == second && entry.slot != kNoSlot &&
                       generations[Raw(entry.slot)] == entry.generation;
    if (!known) missing->push_back(static_cast<int32_t>(row));
  }
}

void RecentSlots::Remember(const arrow::ArrayVector& keys, std::span<const uint32_t> generations,
                           std::span<const Slot> slots, std::span<const int32_t> rows) {
  const std::optional<KeyBits> bits = BitsOfKeys(keys);
  if (!bits || generations.empty()) return;
  entries_.resize(size_t{1} << kBits);
  for (const int32_t i : rows) {
    const auto row = static_cast<size_t>(i);
    if (slots[row] == kNoSlot) continue;
    const uint64_t first = bits->first[row], second = bits->second_of(row);
    entries_[PlaceOf(first, second)] = {first, second, slots[row], generations[Raw(slots[row])]};
  }
}

}  // namespace millrace

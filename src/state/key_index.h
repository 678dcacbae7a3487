#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/prefetch.h"
#include "state/bytes_page.h"
#include "state/fixed_column.h"
#include "state/huge_pages.h"
#include "types/key_group.h"
#include "types/row_keys.h"

namespace millrace {

/// The keys of an index at one moment. Immutable; thread-safe.
class FrozenKeys {
 public:
  FrozenKeys(BytesColumn::Pages keys, FixedPages groups, std::vector<uint32_t> counts,
             KeyGroupRange range)
      : keys_(std::move(keys)),
        groups_(std::move(groups)),
        counts_(std::move(counts)),
        range_(range) {}

  KeyGroupRange range() const { return range_; }
  std::vector<KeyGroup> groups() const;  ///< that hold keys
  /// The live slots of a group, ascending. The first call visits all slots.
  std::span<const Slot> SlotsOf(KeyGroup group) const;
  std::string_view key(Slot slot) const { return BytesColumn::Get(keys_, slot); }

 private:
  size_t Offset(KeyGroup group) const {
    return static_cast<size_t>(Raw(group) - Raw(range_.first));
  }
  void SortByGroup() const;

  const BytesColumn::Pages keys_;
  const FixedPages groups_;
  const std::vector<uint32_t> counts_;  ///< live slots per group of the range
  const KeyGroupRange range_;
  mutable std::once_flag sorted_;
  mutable std::vector<Slot> slots_;      ///< by group
  mutable std::vector<uint32_t> first_;  ///< in `slots_`, per group; one more at the end
};

/// Of a row that came to an instance which does not own its group.
Error ForeignGroup(KeyGroup group, KeyGroupRange owned);

/// Encoded keys to slots: open addressing over 64 segments by the hash's high bits, so that growing
/// one moves a 64th of the entries. Erased slots are used again. A large index gives out fresh
/// slots in runs of one key group each, so that a part of a snapshot is read run by run, not each
/// row from a cache line of its own.
class KeyIndex {
 public:
  KeyIndex(std::string owner, KeyGroupRange range, int max_parallelism);

  /// `grow(slots)` is called before a slot at or beyond the present capacity is given out, and
  /// `on_insert(slot)` for every new one.
  template <class Grow, class OnInsert>
  Status FindOrInsert(const RowKeys& keys, std::span<Slot> slots, std::span<uint8_t> inserted,
                      Grow grow, OnInsert on_insert) {
    Lookahead ahead(*this, keys);
    for (int64_t i = 0; i < keys.size(); ++i) {
      const auto row = static_cast<size_t>(i);
      ahead.Before(row);
      slots[row] = FindOne(Short(keys.hashes[row]), keys.key(i));
      inserted[row] = slots[row] == kNoSlot;
      if (!inserted[row]) continue;
      GrowIfFull(grow);
      ARROW_ASSIGN_OR_RAISE(slots[row],
                            Insert(Short(keys.hashes[row]), keys.key(i), keys.group_hashes[row]));
      on_insert(slots[row]);
    }
    return Status::OK();
  }
  /// Inserts keys that are not there yet, all of one group that is owned, in their order. Returns
  /// false where one is there, or comes twice: the index is of no use any more. Calls as above.
  template <class Grow, class OnInsert>
  Result<bool> InsertNew(const RowKeys& keys, KeyGroup group, std::span<Slot> slots, Grow grow,
                         OnInsert on_insert) {
    for (int64_t i = 0; i < keys.size(); ++i) {
      const auto row = static_cast<size_t>(i);
      GrowIfFull(grow);
      ARROW_ASSIGN_OR_RAISE(slots[row], Store(Short(keys.hashes[row]), keys.key(i), group));
      on_insert(slots[row]);
    }
    return PlaceNew(keys, slots);
  }
  void Find(const RowKeys& keys, std::span<Slot> slots) const;
  void Erase(Slot slot);

  bool Has(Slot slot) const { return Raw(slot) < end_ && keys_.Has(slot); }
  std::string_view key(Slot slot) const { return keys_.Get(slot); }
  KeyGroup group(Slot slot) const { return KeyGroup{groups_.Get<uint16_t>(slot)}; }
  int64_t size() const { return size_; }
  uint32_t end() const { return end_; }  ///< above all slots given out so far
  KeyGroupRange range() const { return range_; }
  /// By slot: how often it was erased.
  std::span<const uint32_t> generations() const { return generations_; }
  std::unique_ptr<FrozenKeys> Freeze();
  int64_t memory_bytes() const;

 private:
  static constexpr int kSegmentBits = 6;
  static constexpr uint32_t kRun = 32;  ///< slots
  /// Slots per owned group that are given out one by one first. Until then the order of the slots
  /// is that of the keys, and runs that are not full weigh little after that.
  static constexpr uint32_t kBeforeRuns = 128;

  struct Entry {
    uint32_t hash;
    Slot slot;
  };
  struct Segment {
    std::vector<Entry, HugePageAllocator<Entry>> entries;
    uint32_t used = 0;

    size_t Home(uint32_t hash) const {
      return static_cast<size_t>((uint64_t{hash << kSegmentBits} * entries.size()) >> 32);
    }
  };

  static uint32_t Short(uint64_t hash) { return static_cast<uint32_t>(hash >> 32); }
  static size_t SegmentOf(uint32_t hash) { return hash >> (32 - kSegmentBits); }
  /// Brings in, step by step, what looking up the rows to come will touch.
  class Lookahead {
   public:
    Lookahead(const KeyIndex& index, const RowKeys& keys) : index_(index), keys_(keys) {
      found_.fill(kNoSlot);
    }
    void Before(size_t row) {
      const size_t rows = keys_.hashes.size();
      if (row + kEntries < rows) index_.PrefetchEntry(Short(keys_.hashes[row + kEntries]));
      if (row + kPlace < rows) {
        const Slot slot = index_.Candidate(Short(keys_.hashes[row + kPlace]));
        found_[(row + kPlace) % found_.size()] = slot;
        if (slot != kNoSlot) index_.keys_.PrefetchPlace(slot);
      }
      const Slot slot = found_[(row + kBytes) % found_.size()];
      if (slot != kNoSlot) index_.keys_.PrefetchBytes(slot);
    }

   private:
    // How many rows before its own each step is done.
    static constexpr size_t kEntries = 24, kPlace = 14, kBytes = 6;

    const KeyIndex& index_;
    const RowKeys& keys_;
    std::array<Slot, 16> found_;  ///< where the keys of rows to come probably are
  };

  /// And the line behind it, to which the search often goes on.
  void PrefetchEntry(uint32_t hash) const {
    const Segment& segment = segments_[SegmentOf(hash)];
    if (segment.entries.empty()) return;
    const size_t home = segment.Home(hash);
    Prefetch(&segment.entries[home]);
    Prefetch(&segment.entries[std::min(home + 64 / sizeof(Entry), segment.entries.size() - 1)]);
  }
  /// The first slot whose key has this hash.
  Slot Candidate(uint32_t hash) const;
  uint32_t run_slots() const {
    return end_ / kBeforeRuns < static_cast<uint32_t>(range_.size()) ? 1 : kRun;
  }
  template <class Callback>
  void GrowIfFull(Callback grow) {
    if (!free_.empty() || capacity_ - end_ >= run_slots()) return;
    capacity_ += BytesPage::kSlots;
    keys_.Grow(capacity_);
    hashes_.Grow(capacity_);
    groups_.Grow(capacity_);
    generations_.resize(capacity_);
    grow(capacity_);
  }
  Slot NewSlot(size_t group);
  /// Gives the key a slot, which the entries do not know yet.
  Result<Slot> Store(uint32_t hash, std::string_view key, KeyGroup group);
  bool PlaceNew(const RowKeys& keys, std::span<const Slot> slots);
  Slot FindOne(uint32_t hash, std::string_view key) const;
  Result<Slot> Insert(uint32_t hash, std::string_view key, int32_t group_hash);
  Segment& SegmentFor(uint32_t hash);  ///< with room for one more
  static void Place(Segment& segment, Entry entry);
  static void Grow(Segment& segment);

  const std::string owner_;
  const KeyGroupRange range_;
  const int max_parallelism_;
  std::array<Segment, size_t{1} << kSegmentBits> segments_;
  BytesColumn keys_;
  MemoryFixedColumn hashes_{sizeof(uint32_t)};
  MemoryFixedColumn groups_{sizeof(uint16_t)};
  std::vector<uint32_t> counts_;  ///< live slots per group of the range
  std::vector<uint32_t> runs_;    ///< per group: the next slot of its run; a multiple of kRun: none
  std::vector<uint32_t> generations_;
  std::vector<Slot> free_;
  int64_t size_ = 0;
  uint32_t end_ = 0;
  uint32_t capacity_ = 0;
};

}  // namespace millrace

#include "state/key_index.h"

#include <cstring>
#include <numeric>
#include <utility>

namespace millrace {
namespace {

/// Two pages before the numbers end: a run that begins here still lies in a page.
constexpr uint32_t kLastSlot = Raw(kNoSlot) - 2 * BytesPage::kSlots;

constexpr int kOrderBits = 12;  ///< of the hashes, by which many new keys are placed in order
constexpr size_t kAheadInOrder = 16;

// Keys are short: a call of memcmp would cost more than this.
bool SameBytes(std::string_view a, std::string_view b) {
  const auto word = [](std::string_view bytes, size_t at) {
    uint64_t value;
    std::memcpy(&value, bytes.data() + at, sizeof value);
    return value;
  };
  if (a.size() != b.size() || a.size() < sizeof(uint64_t)) return a == b;
  const size_t last = a.size() - sizeof(uint64_t);
  uint64_t difference = word(a, last) ^ word(b, last);
  for (size_t at = 0; at < last; at += sizeof(uint64_t)) difference |= word(a, at) ^ word(b, at);
  return difference == 0;
}

}  // namespace

std::vector<KeyGroup> FrozenKeys::groups() const {
  std::vector<KeyGroup> groups;
  for (KeyGroup g = range_.first; g <= range_.last; g = KeyGroup{Raw(g) + 1}) {
    if (counts_[Offset(g)] > 0) groups.push_back(g);
  }
  return groups;
}

std::span<const Slot> FrozenKeys::SlotsOf(KeyGroup group) const {
  std::call_once(sorted_, [this] { SortByGroup(); });
  const size_t g = Offset(group);
  return std::span(slots_).subspan(first_[g], first_[g + 1] - first_[g]);
}

void FrozenKeys::SortByGroup() const {
  first_.assign(counts_.size() + 1, 0);
  for (size_t g = 0; g < counts_.size(); ++g) first_[g + 1] = first_[g] + counts_[g];
  slots_.resize(first_.back());
  std::vector<uint32_t> next(first_.begin(), first_.end() - 1);
  for (uint32_t p = 0; p < keys_.size(); ++p) {
    const BytesPage& keys = keys_.page(p);
    const auto* groups = reinterpret_cast<const uint16_t*>(groups_.page(p).data.get());
    for (uint32_t i = 0; i < BytesPage::kSlots; ++i) {
      if (!keys.Has(i)) continue;
      slots_[next[Offset(KeyGroup{groups[i]})]++] = Slot{(p << FixedColumn::kPageShift) + i};
    }
  }
}

Error ForeignGroup(KeyGroup group, KeyGroupRange owned) {
  return Error::Internal("a row of key group " + std::to_string(Raw(group)) +
                         " came to the instance that owns groups " +
                         std::to_string(Raw(owned.first)) + " to " +
                         std::to_string(Raw(owned.last)));
}

KeyIndex::KeyIndex(std::string owner, KeyGroupRange range, int max_parallelism)
    : owner_(std::move(owner)),
      range_(range),
      max_parallelism_(max_parallelism),
      counts_(static_cast<size_t>(range.size())),
      runs_(counts_.size()) {}

void KeyIndex::Find(const RowKeys& keys, std::span<Slot> slots) const {
  Lookahead ahead(*this, keys);
  for (int64_t i = 0; i < keys.size(); ++i) {
    const auto row = static_cast<size_t>(i);
    ahead.Before(row);
    slots[row] = FindOne(Short(keys.hashes[row]), keys.key(i));
  }
}

Slot KeyIndex::FindOne(uint32_t hash, std::string_view key) const {
  const Segment& segment = segments_[SegmentOf(hash)];
  if (segment.entries.empty()) return kNoSlot;
  for (size_t i = segment.Home(hash);;) {
    const Entry& entry = segment.entries[i];
    if (entry.slot == kNoSlot) return kNoSlot;
    if (entry.hash == hash && SameBytes(keys_.Get(entry.slot), key)) return entry.slot;
    if (++i == segment.entries.size()) i = 0;
  }
}

Slot KeyIndex::Candidate(uint32_t hash) const {
  const Segment& segment = segments_[SegmentOf(hash)];
  if (segment.entries.empty()) return kNoSlot;
  for (size_t i = segment.Home(hash);;) {
    const Entry& entry = segment.entries[i];
    if (entry.slot == kNoSlot || entry.hash == hash) return entry.slot;
    if (++i == segment.entries.size()) i = 0;
  }
}

Slot KeyIndex::NewSlot(size_t group) {
  if (!free_.empty()) {
    const Slot slot = free_.back();
    free_.pop_back();
    return slot;
  }
  if (run_slots() == 1) return Slot{end_++};
  uint32_t& next = runs_[group];
  if (next % kRun == 0) {
    next = end_;
    end_ += kRun;
  }
  return Slot{next++};
}

Result<Slot> KeyIndex::Insert(uint32_t hash, std::string_view key, int32_t group_hash) {
  const KeyGroup group = KeyGroupOf(group_hash, max_parallelism_);
  if (!range_.Contains(group)) {
    return ForeignGroup(group, range_).In(owner_);
  }
  ARROW_ASSIGN_OR_RAISE(const Slot slot, Store(hash, key, group));
  Place(SegmentFor(hash), {hash, slot});
  return slot;
}

Result<Slot> KeyIndex::Store(uint32_t hash, std::string_view key, KeyGroup group) {
  if (end_ > kLastSlot && free_.empty()) {
    return Error::Internal("more than 4 billion keys in one instance")
        .In(owner_)
        .Hint("raise the parallelism");
  }
  const auto in_range = static_cast<size_t>(Raw(group) - Raw(range_.first));
  const Slot slot = NewSlot(in_range);
  keys_.Put(slot, key);
  hashes_.Mut<uint32_t>(slot) = hash;
  groups_.Mut<uint16_t>(slot) = static_cast<uint16_t>(Raw(group));
  ++counts_[in_range];
  ++size_;
  return slot;
}

bool KeyIndex::PlaceNew(const RowKeys& keys, std::span<const Slot> slots) {
  // In about the order of their places, so that all is walked once, from its begin to its end.
  constexpr int kShift = 32 - kOrderBits;
  std::array<uint32_t, (size_t{1} << kOrderBits) + 1> begin{};
  for (const uint64_t hash : keys.hashes) ++begin[(Short(hash) >> kShift) + 1];
  std::partial_sum(begin.begin(), begin.end(), begin.begin());
  std::vector<Entry> ordered(slots.size());
  for (size_t i = 0; i < slots.size(); ++i) {
    const uint32_t hash = Short(keys.hashes[i]);
    ordered[begin[hash >> kShift]++] = {hash, slots[i]};
  }
  for (size_t i = 0; i < ordered.size(); ++i) {
    if (i + kAheadInOrder < ordered.size()) PrefetchEntry(ordered[i + kAheadInOrder].hash);
    const Entry& entry = ordered[i];
    Segment& segment = SegmentFor(entry.hash);
    size_t at = segment.Home(entry.hash);
    while (segment.entries[at].slot != kNoSlot) {
      const Entry& other = segment.entries[at];
      if (other.hash == entry.hash && keys_.Get(other.slot) == keys_.Get(entry.slot)) return false;
      if (++at == segment.entries.size()) at = 0;
    }
    segment.entries[at] = entry;
    ++segment.used;
  }
  return true;
}

KeyIndex::Segment& KeyIndex::SegmentFor(uint32_t hash) {
  Segment& segment = segments_[SegmentOf(hash)];
  if (segment.used + 1 > segment.entries.size() / 5 * 4) Grow(segment);
  return segment;
}

void KeyIndex::Place(Segment& segment, Entry entry) {
  size_t i = segment.Home(entry.hash);
  while (segment.entries[i].slot != kNoSlot) {
    if (++i == segment.entries.size()) i = 0;
  }
  segment.entries[i] = entry;
  ++segment.used;
}

void KeyIndex::Grow(Segment& segment) {
  const size_t size = segment.entries.empty() ? 10 : segment.entries.size() / 2 * 3;
  const auto old = std::exchange(segment.entries, {size, Entry{0, kNoSlot}});
  segment.used = 0;
  for (const Entry& entry : old) {
    if (entry.slot != kNoSlot) Place(segment, entry);
  }
}

void KeyIndex::Erase(Slot slot) {
  const uint32_t hash = hashes_.Get<uint32_t>(slot);
  Segment& segment = segments_[SegmentOf(hash)];
  auto& entries = segment.entries;
  size_t hole = segment.Home(hash);
  while (entries[hole].slot != slot) {
    if (++hole == entries.size()) hole = 0;
  }
  // Entries behind the hole move up unless that would put them before their home.
  for (size_t i = hole;;) {
    if (++i == entries.size()) i = 0;
    if (entries[i].slot == kNoSlot) break;
    const size_t home = segment.Home(entries[i].hash);
    const bool stays = hole <= i ? (hole < home && home <= i) : (hole < home || home <= i);
    if (stays) continue;
    entries[hole] = entries[i];
    hole = i;
  }
  entries[hole].slot = kNoSlot;
  --segment.used;
  --size_;
  --counts_[static_cast<size_t>(groups_.Get<uint16_t>(slot) - Raw(range_.first))];
  keys_.Remove(slot);
  ++generations_[Raw(slot)];
  free_.push_back(slot);
}

std::unique_ptr<FrozenKeys> KeyIndex::Freeze() {
  return std::make_unique<FrozenKeys>(keys_.pages(), groups_.Freeze(), counts_, range_);
}

int64_t KeyIndex::memory_bytes() const {
  int64_t bytes =
      keys_.memory_bytes() + hashes_.memory_bytes() + groups_.memory_bytes() +
      static_cast<int64_t>(free_.capacity() * sizeof(Slot) + runs_.capacity() * sizeof(uint32_t) +
                           generations_.capacity() * sizeof(uint32_t));
  for (const Segment& segment : segments_) {
    bytes += static_cast<int64_t>(segment.entries.capacity() * sizeof(Entry));
  }
  return bytes;
}

}  // namespace millrace

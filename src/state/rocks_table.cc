#include "state/rocks_table.h"

#include <algorithm>
#include <cstring>
#include <unordered_set>

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <rocksdb/write_batch.h>

namespace millrace {
namespace {

constexpr int64_t kNothingIsOver = std::numeric_limits<int64_t>::min();

/// The rows on disk at one moment, and over them those that were in memory.
struct FrozenRocksTable final : FrozenState {
  std::vector<KeyGroup> groups() const override {
    std::vector<KeyGroup> groups = memory->groups();
    groups.insert(groups.end(), on_disk.begin(), on_disk.end());
    std::sort(groups.begin(), groups.end());
    groups.erase(std::unique(groups.begin(), groups.end()), groups.end());
    return groups;
  }
  uint64_t version(KeyGroup group) const override { return memory->version(group); }
  Status Write(const PartHeader& header, KeyGroup group, std::string* out) const override;
  /// Decodes rows by putting them into a table of their own.
  Status WriteDiskRows(KeyGroup group, const std::vector<std::string_view>& keys,
                       std::span<const std::string> values, PartWriter* writer) const;

  StateSpec spec;
  int max_parallelism = 0;
  std::shared_ptr<const FrozenTable> memory;
  std::vector<KeyGroup> on_disk;
  std::unique_ptr<RocksSnapshot> disk;
  rocksdb::ColumnFamilyHandle* family = nullptr;
};

Status FrozenRocksTable::Write(const PartHeader& header, KeyGroup group, std::string* out) const {
  ARROW_ASSIGN_OR_RAISE(auto writer, PartWriter::Make(header, memory->fields));
  const std::span<const Slot> in_memory = memory->keys->SlotsOf(group);
  ARROW_RETURN_NOT_OK(memory->WriteRows(in_memory, writer.get()));

  std::unordered_set<std::string_view> newer;
  for (const Slot slot : in_memory) newer.insert(memory->keys->key(slot));
  std::string prefix;
  AppendGroup(group, &prefix);
  std::vector<std::string> keys, values;
  const auto flush = [&]() -> Status {
    if (keys.empty()) return Status::OK();
    const std::vector<std::string_view> views(keys.begin(), keys.end());
    ARROW_RETURN_NOT_OK(WriteDiskRows(group, views, values, writer.get()));
    keys.clear();
    values.clear();
    return Status::OK();
  };
  const auto it = disk->Iterate(family);
  for (it->Seek(prefix); it->Valid() && it->key().starts_with(prefix); it->Next()) {
    const std::string_view key = View(it->key()).substr(kGroupBytes);
    if (newer.contains(key)) continue;
    keys.emplace_back(key);
    values.emplace_back(View(it->value()));
    if (keys.size() == kRowsPerPartBatch) ARROW_RETURN_NOT_OK(flush());
  }
  ARROW_RETURN_NOT_OK(disk->db().Check(it->status()));
  ARROW_RETURN_NOT_OK(flush());
  return writer->Finish(out);
}

Status FrozenRocksTable::WriteDiskRows(KeyGroup group, const std::vector<std::string_view>& keys,
                                       std::span<const std::string> values,
                                       PartWriter* writer) const {
  ARROW_ASSIGN_OR_RAISE(auto table, MemoryTable::Make(spec, {group, group}, max_parallelism));
  ARROW_ASSIGN_OR_RAISE(const auto key_rows, memory->encoder.Decode(keys));
  RowKeys encoded;
  ARROW_RETURN_NOT_OK(table->encoder().Encode(*key_rows, &encoded));
  std::vector<Slot> slots(keys.size());
  std::vector<uint8_t> inserted(keys.size());
  ARROW_RETURN_NOT_OK(table->Load(encoded, values, slots, inserted));
  return table->FreezePages()->WriteRows(slots, writer);
}

}  // namespace

Result<std::unique_ptr<StoredTable>> RocksTable::Make(const StateSpec& spec, KeyGroupRange range,
                                                      int max_parallelism,
                                                      std::shared_ptr<RocksDb> db,
                                                      int64_t memory_bytes) {
  std::unique_ptr<RocksTable> table(
      new RocksTable(spec, range, max_parallelism, std::move(db), memory_bytes));
  ARROW_ASSIGN_OR_RAISE(table->cache_, MemoryTable::Make(spec, range, max_parallelism));
  table->cache_->SetObserver(table.get());
  std::function<RocksDb::IsDead()> dead;
  if (spec.ttl_us) {
    dead = [over = table->over_before_us_] {
      return [before = over->load()](std::string_view, std::string_view row) {
        int64_t written;
        std::memcpy(&written, row.data(), sizeof written);
        return written <= before;
      };
    };
  }
  ARROW_ASSIGN_OR_RAISE(table->rows_, table->db_->AddFamily(spec.name, std::move(dead)));
  ARROW_ASSIGN_OR_RAISE(table->timers_, table->db_->AddFamily(spec.name + " timers", nullptr));
  return table;
}

RocksTable::RocksTable(const StateSpec& spec, KeyGroupRange range, int max_parallelism,
                       std::shared_ptr<RocksDb> db, int64_t memory_bytes)
    : spec_(spec),
      range_(range),
      max_parallelism_(max_parallelism),
      memory_limit_(memory_bytes),
      db_(std::move(db)),
      on_disk_by_group_(static_cast<size_t>(range.size())),
      next_on_disk_{TimerSet::kNone, TimerSet::kNone},
      over_before_us_(std::make_shared<std::atomic<int64_t>>(kNothingIsOver)) {}

std::string RocksTable::DiskKey(Slot slot) const {
  std::string key;
  AppendGroup(cache_->index().group(slot), &key);
  return key.append(cache_->index().key(slot));
}

std::string RocksTable::TimerKey(TimeDomain domain, int64_t time_us,
                                 std::string_view disk_key) const {
  std::string key(1, static_cast<char>(domain));
  AppendTime(time_us, &key);
  return key.append(disk_key);
}

Status RocksTable::FindOrInsert(const RowKeys& keys, std::span<Slot> slots,
                                std::span<uint8_t> inserted) {
  ARROW_RETURN_NOT_OK(LoadMissing(keys));
  ARROW_RETURN_NOT_OK(cache_->FindOrInsert(keys, slots, inserted));
  for (const Slot slot : slots) flags(slot) |= kUsed;
  return Status::OK();
}

// Rows come and go between disk and memory; the content of the table stays as it is.
Status RocksTable::Find(const RowKeys& keys, std::span<Slot> slots) const {
  auto& self = const_cast<RocksTable&>(*this);
  ARROW_RETURN_NOT_OK(self.LoadMissing(keys));
  ARROW_RETURN_NOT_OK(cache_->Find(keys, slots));
  for (const Slot slot : slots) {
    if (slot != kNoSlot) self.flags(slot) |= kUsed;
  }
  return Status::OK();
}

Status RocksTable::LoadMissing(const RowKeys& keys) {
  if (on_disk_ == 0) return Status::OK();
  std::vector<Slot> slots(keys.hashes.size());
  cache_->index().Find(keys, slots);
  std::vector<int64_t> missing;
  std::vector<std::string> disk_keys;
  for (size_t i = 0; i < slots.size(); ++i) {
    if (slots[i] != kNoSlot) continue;
    missing.push_back(static_cast<int64_t>(i));
    AppendGroup(KeyGroupOf(keys.group_hashes[i], max_parallelism_), &disk_keys.emplace_back());
    disk_keys.back().append(keys.key(missing.back()));
  }
  if (missing.empty()) return Status::OK();

  const std::vector<rocksdb::Slice> asked(disk_keys.begin(), disk_keys.end());
  std::vector<rocksdb::PinnableSlice> found(asked.size());
  std::vector<rocksdb::Status> statuses(asked.size());
  db_->db().MultiGet({}, rows_, asked.size(), asked.data(), found.data(), statuses.data());
  RowKeys loaded;
  std::vector<std::string> rows;
  loaded.offsets.push_back(0);
  for (size_t i = 0; i < asked.size(); ++i) {
    if (statuses[i].IsNotFound()) continue;
    ARROW_RETURN_NOT_OK(db_->Check(statuses[i]));
    const std::string_view key = keys.key(missing[i]);
    const auto row = static_cast<size_t>(missing[i]);
    loaded.bytes.insert(loaded.bytes.end(), key.begin(), key.end());
    loaded.offsets.push_back(static_cast<uint32_t>(loaded.bytes.size()));
    loaded.hashes.push_back(keys.hashes[row]);
    loaded.group_hashes.push_back(keys.group_hashes[row]);
    rows.push_back(found[i].ToString());
  }
  return LoadRows(loaded, rows);
}

Status RocksTable::LoadRows(const RowKeys& keys, const std::vector<std::string>& rows) {
  std::vector<Slot> slots(rows.size());
  std::vector<uint8_t> inserted(rows.size());
  ARROW_RETURN_NOT_OK(cache_->Load(keys, rows, slots, inserted));
  rocksdb::WriteBatch batch;
  for (size_t i = 0; i < slots.size(); ++i) {
    if (inserted[i] == 0) continue;
    flags(slots[i]) = kStored | kUsed;
    --on_disk_;
    const KeyGroup group = cache_->index().group(slots[i]);
    --on_disk_by_group_[static_cast<size_t>(Raw(group) - Raw(range_.first))];
    for (const auto domain : {TimeDomain::kEvent, TimeDomain::kProcessing}) {
      const int64_t time = cache_->TimerOf(domain, slots[i]);
      if (time == TimerSet::kNone) continue;
      ARROW_RETURN_NOT_OK(
          db_->Check(batch.Delete(timers_, TimerKey(domain, time, DiskKey(slots[i])))));
      auto& next = next_on_disk_[static_cast<size_t>(domain)];
      if (next == time) next.reset();
    }
  }
  return batch.Count() == 0 ? Status::OK() : db_->Check(db_->db().Write(WithoutLog(), &batch));
}

Result<RowKeys> RocksTable::KeysOf(std::span<const std::string> disk_keys) const {
  std::vector<std::string_view> keys;
  for (const std::string& key : disk_keys) {
    keys.push_back(std::string_view(key).substr(kGroupBytes));
  }
  ARROW_ASSIGN_OR_RAISE(const auto rows, cache_->encoder().Decode(keys));
  // The encoder of keys alone: its own columns, in their order.
  RowKeys encoded;
  ARROW_RETURN_NOT_OK(cache_->encoder().Encode(*rows, &encoded));
  return encoded;
}

Status RocksTable::Erase(std::span<const Slot> slots) {
  ARROW_RETURN_NOT_OK(cache_->Erase(slots));
  return failed_;
}

void RocksTable::OnErase(Slot slot) {
  if ((flags(slot) & kStored) != 0 && failed_.ok()) {
    failed_ = db_->Check(db_->db().Delete(WithoutLog(), rows_, DiskKey(slot)));
  }
  flags(slot) = 0;
}

Status RocksTable::BeginCall(int64_t now_us) {
  ARROW_RETURN_NOT_OK(cache_->BeginCall(now_us));
  ARROW_RETURN_NOT_OK(failed_);
  if (spec_.ttl_us) over_before_us_->store(now_us - *spec_.ttl_us);
  return Shrink();
}

Status RocksTable::Shrink() {
  const int64_t memory = cache_->memory_bytes();
  if (memory <= memory_limit_) return Status::OK();
  // Pages stay when rows go, so the limit is one of rows: as many as these pages may hold.
  const auto end = cache_->index().end();
  const auto limit = static_cast<int64_t>(
      static_cast<double>(end) * static_cast<double>(memory_limit_) / static_cast<double>(memory));
  if (cache_->size() <= limit) return Status::OK();
  auto surplus = static_cast<size_t>(cache_->size() - limit + limit / 16);
  std::vector<Slot> leaving;
  // Twice around at most: the first pass takes all their second chances.
  for (uint64_t visited = 0; visited < 2 * uint64_t{end} && surplus > 0; ++visited) {
    if (hand_ >= end) hand_ = 0;
    const Slot slot{hand_++};
    if (!cache_->index().Has(slot) || (flags(slot) & kLeaving) != 0) continue;
    if ((flags(slot) & kUsed) != 0) {
      flags(slot) &= static_cast<uint8_t>(~kUsed);
      continue;
    }
    flags(slot) |= kLeaving;
    leaving.push_back(slot);
    --surplus;
  }
  return Unload(leaving);
}

Status RocksTable::Unload(std::span<const Slot> slots) {
  rocksdb::WriteBatch batch;
  std::string row;
  for (const Slot slot : slots) {
    const std::string key = DiskKey(slot);
    if ((flags(slot) & kDirty) != 0) {
      row.clear();
      cache_->AppendRow(slot, &row);
      ARROW_RETURN_NOT_OK(db_->Check(batch.Put(rows_, key, row)));
    }
    for (const auto domain : {TimeDomain::kEvent, TimeDomain::kProcessing}) {
      const int64_t time = cache_->TimerOf(domain, slot);
      if (time == TimerSet::kNone) continue;
      ARROW_RETURN_NOT_OK(db_->Check(batch.Put(timers_, TimerKey(domain, time, key), "")));
      auto& next = next_on_disk_[static_cast<size_t>(domain)];
      if (next) next = std::min(*next, time);
    }
    flags(slot) = 0;
    ++on_disk_;
    const KeyGroup group = cache_->index().group(slot);
    ++on_disk_by_group_[static_cast<size_t>(Raw(group) - Raw(range_.first))];
  }
  ARROW_RETURN_NOT_OK(db_->Check(db_->db().Write(WithoutLog(), &batch)));
  return cache_->Unload(slots);
}

Status RocksTable::WriteDirty() {
  rocksdb::WriteBatch batch;
  std::string row;
  for (uint32_t s = 0; s < cache_->index().end(); ++s) {
    const Slot slot{s};
    if (!cache_->index().Has(slot) || (flags(slot) & kDirty) == 0) continue;
    row.clear();
    cache_->AppendRow(slot, &row);
    ARROW_RETURN_NOT_OK(db_->Check(batch.Put(rows_, DiskKey(slot), row)));
    flags(slot) = kStored;
    cache_->ForgetWrites(slot);
  }
  return db_->Check(db_->db().Write(WithoutLog(), &batch));
}

size_t RocksTable::Scan(uint32_t from, std::span<Slot> out, uint32_t* next) const {
  auto& self = const_cast<RocksTable&>(*this);
  const auto found = self.ScanDisk(from, out, next);
  if (found.ok()) return *found;
  self.failed_ = found.status();  // the next call fails
  *next = 0;
  return 0;
}

// Over the keys on disk, where for this all rows are: those in memory come and go meanwhile.
Result<size_t> RocksTable::ScanDisk(uint32_t from, std::span<Slot> out, uint32_t* next) {
  if (from == 0) {
    ARROW_RETURN_NOT_OK(WriteDirty());
    scanned_.clear();
  }
  std::vector<std::string> keys;
  const std::unique_ptr<rocksdb::Iterator> it(db_->db().NewIterator({}, rows_));
  it->Seek(scanned_);
  if (from != 0 && it->Valid() && View(it->key()) == scanned_) it->Next();
  for (; it->Valid() && keys.size() < out.size(); it->Next()) keys.push_back(it->key().ToString());
  ARROW_RETURN_NOT_OK(db_->Check(it->status()));
  *next = it->Valid() ? 1 : 0;
  if (keys.empty()) return 0;
  scanned_ = keys.back();
  ARROW_ASSIGN_OR_RAISE(const RowKeys encoded, KeysOf(keys));
  std::vector<Slot> slots(keys.size());
  ARROW_RETURN_NOT_OK(Find(encoded, slots));
  std::erase(slots, kNoSlot);
  std::copy(slots.begin(), slots.end(), out.begin());
  return slots.size();
}

Result<int64_t> RocksTable::NextOnDisk(TimeDomain domain) {
  auto& next = next_on_disk_[static_cast<size_t>(domain)];
  if (next) return *next;
  const std::unique_ptr<rocksdb::Iterator> it(db_->db().NewIterator({}, timers_));
  it->Seek(rocksdb::Slice(std::string(1, static_cast<char>(domain))));
  ARROW_RETURN_NOT_OK(db_->Check(it->status()));
  next = it->Valid() && it->key()[0] == static_cast<char>(domain)
             ? TimeAt(View(it->key()).substr(1))
             : TimerSet::kNone;
  return *next;
}

int64_t RocksTable::NextTimer(TimeDomain domain) {
  const auto on_disk = NextOnDisk(domain);
  if (!on_disk.ok()) failed_ = on_disk.status();
  return std::min(cache_->NextTimer(domain), on_disk.ValueOr(TimerSet::kNone));
}

Status RocksTable::LoadDue(TimeDomain domain, int64_t time_us, size_t max) {
  const std::string prefix(1, static_cast<char>(domain));
  std::vector<std::string> keys;
  rocksdb::WriteBatch fired;
  {
    const std::unique_ptr<rocksdb::Iterator> it(db_->db().NewIterator({}, timers_));
    for (it->Seek(prefix); it->Valid() && it->key().starts_with(prefix) && keys.size() < max;
         it->Next()) {
      const std::string_view key = View(it->key()).substr(prefix.size());
      if (TimeAt(key) > time_us) break;
      keys.emplace_back(key.substr(kTimeBytes));
      ARROW_RETURN_NOT_OK(db_->Check(fired.Delete(timers_, it->key())));
    }
    ARROW_RETURN_NOT_OK(db_->Check(it->status()));
  }
  if (keys.empty()) return Status::OK();
  ARROW_ASSIGN_OR_RAISE(const RowKeys encoded, KeysOf(keys));
  ARROW_RETURN_NOT_OK(LoadMissing(encoded));
  // Those of rows that a compaction found over, too.
  ARROW_RETURN_NOT_OK(db_->Check(db_->db().Write(WithoutLog(), &fired)));
  next_on_disk_[static_cast<size_t>(domain)].reset();
  return Status::OK();
}

Status RocksTable::PopDue(TimeDomain domain, int64_t time_us, size_t max, std::vector<Slot>* slots,
                          std::vector<int64_t>* times_us) {
  while (slots->empty() && NextTimer(domain) <= time_us && NextTimer(domain) < TimerSet::kNone) {
    ARROW_RETURN_NOT_OK(failed_);
    ARROW_ASSIGN_OR_RAISE(int64_t on_disk, NextOnDisk(domain));
    if (on_disk <= std::min(time_us, cache_->NextTimer(domain))) {
      ARROW_RETURN_NOT_OK(LoadDue(domain, time_us, max));
      ARROW_ASSIGN_OR_RAISE(on_disk, NextOnDisk(domain));
    }
    ARROW_RETURN_NOT_OK(cache_->PopDue(domain, std::min(time_us, on_disk), max, slots, times_us));
  }
  return failed_;
}

Result<std::shared_ptr<const FrozenState>> RocksTable::Freeze() {
  ARROW_RETURN_NOT_OK(failed_);
  auto frozen = std::make_shared<FrozenRocksTable>();
  frozen->spec = spec_;
  frozen->max_parallelism = max_parallelism_;
  frozen->memory = cache_->FreezePages();
  for (size_t g = 0; g < on_disk_by_group_.size(); ++g) {
    if (on_disk_by_group_[g] > 0) {
      frozen->on_disk.push_back(KeyGroup{Raw(range_.first) + static_cast<int32_t>(g)});
    }
  }
  frozen->disk = std::make_unique<RocksSnapshot>(db_);
  frozen->family = rows_;
  return frozen;
}

Status RocksTable::Restore(const PartHeader& expected, std::string_view bytes, ItemShare) {
  return ReadPart(expected, cache_->fields(), bytes, [&](const arrow::RecordBatch& rows) -> Status {
    ARROW_RETURN_NOT_OK(cache_->RestoreRows(expected, rows));
    return Shrink();
  });
}

}  // namespace millrace

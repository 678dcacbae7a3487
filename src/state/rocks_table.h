#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "state/memory_table.h"
#include "state/rocks_db.h"

namespace millrace {

/// `KeyedTable` on disk: the rows in use are a `MemoryTable`, and leave it by second chance when it
/// is too large; RocksDB has the others, and old versions of those in memory. Timers of the rows on
/// disk are keys in time order; a row's own are with it.
class RocksTable final : public StoredTable, public RowObserver {
 public:
  /// `memory_bytes`: of the rows in memory, between calls.
  static Result<std::unique_ptr<StoredTable>> Make(const StateSpec& spec, KeyGroupRange range,
                                                   int max_parallelism, std::shared_ptr<RocksDb> db,
                                                   int64_t memory_bytes);

  const KeyEncoder& encoder() const override { return cache_->encoder(); }
  Status FindOrInsert(const RowKeys& keys, std::span<Slot> slots,
                      std::span<uint8_t> inserted) override;
  Status Find(const RowKeys& keys, std::span<Slot> slots) const override;
  FixedColumn& Fixed(int column) override { return cache_->Fixed(column); }
  const FixedColumn& Fixed(int column) const override { return cache_->Fixed(column); }
  Result<std::shared_ptr<arrow::Array>> Get(int column,
                                            std::span<const Slot> slots) const override {
    return cache_->Get(column, slots);
  }
  Status Set(int column, std::span<const Slot> slots, const arrow::Array& values) override {
    return cache_->Set(column, slots, values);
  }
  Status Erase(std::span<const Slot> slots) override;
  Result<std::shared_ptr<arrow::RecordBatch>> Keys(std::span<const Slot> slots) const override {
    return cache_->Keys(slots);
  }
  int64_t size() const override { return cache_->size() + on_disk_; }
  std::span<const uint32_t> generations() const override { return {}; }
  size_t Scan(uint32_t from, std::span<Slot> out, uint32_t* next) const override;
  int64_t memory_bytes() const override { return cache_->memory_bytes(); }

  Status BeginCall(int64_t now_us) override;
  Status SetTimers(TimeDomain domain, std::span<const Slot> slots,
                   std::span<const int64_t> times_us) override {
    return cache_->SetTimers(domain, slots, times_us);
  }
  int64_t NextTimer(TimeDomain domain) override;
  Status PopDue(TimeDomain domain, int64_t time_us, size_t max, std::vector<Slot>* slots,
                std::vector<int64_t>* times_us) override;
  Result<std::shared_ptr<const FrozenState>> Freeze() override;
  Status Restore(const PartHeader& expected, std::string_view bytes, ItemShare share) override;

 private:
  enum Flag : uint8_t {
    kDirty = 1,   ///< newer than on disk, or not there
    kStored = 2,  ///< some version is on disk
    kUsed = 4,    ///< since the clock hand passed
    kLeaving = 8,
  };

  RocksTable(const StateSpec& spec, KeyGroupRange range, int max_parallelism,
             std::shared_ptr<RocksDb> db, int64_t memory_bytes);

  void OnWrite(Slot slot) override { flags(slot) |= kDirty; }
  void OnErase(Slot slot) override;
  uint8_t& flags(Slot slot) {
    if (Raw(slot) >= flags_.size()) flags_.resize(Raw(slot) + 1 + flags_.size() / 2);
    return flags_[Raw(slot)];
  }
  std::string DiskKey(Slot slot) const;
  std::string TimerKey(TimeDomain domain, int64_t time_us, std::string_view disk_key) const;

  /// Brings the rows of `keys` that are on disk only into memory.
  Status LoadMissing(const RowKeys& keys);
  Status LoadRows(const RowKeys& keys, const std::vector<std::string>& rows);
  /// Of keys on disk, which may be in memory as well.
  Result<RowKeys> KeysOf(std::span<const std::string> disk_keys) const;
  Status Shrink();
  Status Unload(std::span<const Slot> slots);
  Status WriteDirty();
  Result<size_t> ScanDisk(uint32_t from, std::span<Slot> out, uint32_t* next);
  /// Brings the rows of at most `max` timers on disk until `time_us` into memory.
  Status LoadDue(TimeDomain domain, int64_t time_us, size_t max);
  Result<int64_t> NextOnDisk(TimeDomain domain);

  const StateSpec spec_;
  const KeyGroupRange range_;
  const int max_parallelism_;
  const int64_t memory_limit_;
  const std::shared_ptr<RocksDb> db_;
  rocksdb::ColumnFamilyHandle* rows_ = nullptr;
  rocksdb::ColumnFamilyHandle* timers_ = nullptr;
  std::unique_ptr<MemoryTable> cache_;
  std::vector<uint8_t> flags_;  ///< by slot
  int64_t on_disk_ = 0;         ///< rows that are not in memory
  std::vector<int64_t> on_disk_by_group_;
  uint32_t hand_ = 0;
  std::array<std::optional<int64_t>, 2> next_on_disk_;  ///< timers, by domain; nothing: unknown
  std::string scanned_;                                 ///< the last key of a scan
  Status failed_;                                       ///< of a write within a call
  /// Rows last written before it are over; for compactions.
  const std::shared_ptr<std::atomic<int64_t>> over_before_us_;
};

}  // namespace millrace

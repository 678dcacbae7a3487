#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "state/key_index.h"
#include "state/part_versions.h"
#include "state/row_ages.h"
#include "state/stored_state.h"
#include "state/timer_queue.h"
#include "state/value_column.h"

namespace millrace {

/// The pages of a table.
struct FrozenTable final : FrozenState {
  FrozenTable(const KeyEncoder& key_encoder, std::unique_ptr<FrozenKeys> frozen_keys,
              PartVersions part_versions, arrow::FieldVector part_fields)
      : encoder(key_encoder),
        keys(std::move(frozen_keys)),
        versions(std::move(part_versions)),
        fields(std::move(part_fields)) {}

  std::vector<KeyGroup> groups() const override { return keys->groups(); }
  uint64_t version(KeyGroup group) const override { return versions.of(group); }
  Status Write(const PartHeader& header, KeyGroup group, std::string* out) const override;
  Status WriteRows(std::span<const Slot> slots, PartWriter* writer) const;
  /// How many of the slots, from the first on, one batch takes.
  size_t RowsOfBatch(std::span<const Slot> slots) const;

  const KeyEncoder encoder;
  const std::unique_ptr<FrozenKeys> keys;
  const PartVersions versions;
  const arrow::FieldVector fields;  ///< of a part
  std::vector<FrozenColumn> columns;
  std::array<std::optional<FixedPages>, 2> timers;  ///< by domain
  std::optional<FixedPages> ages;
};

/// Hears of the rows of a table.
class RowObserver {
 public:
  virtual void OnWrite(Slot slot) = 0;  ///< the first since `ForgetWrites`; new rows, too
  virtual void OnErase(Slot slot) = 0;  ///< before it goes

 protected:
  ~RowObserver() = default;
};

/// `KeyedTable` in memory: an index from keys to slots, and a paged column per value.
class MemoryTable final : public StoredTable, public WriteListener {
 public:
  static Result<std::unique_ptr<MemoryTable>> Make(const StateSpec& spec, KeyGroupRange range,
                                                   int max_parallelism);

  const KeyEncoder& encoder() const override { return encoder_; }
  Status FindOrInsert(const RowKeys& keys, std::span<Slot> slots,
                      std::span<uint8_t> inserted) override;
  Status Find(const RowKeys& keys, std::span<Slot> slots) const override;
  FixedColumn& Fixed(int column) override;
  const FixedColumn& Fixed(int column) const override;
  Result<std::shared_ptr<arrow::Array>> Get(int column, std::span<const Slot> slots) const override;
  Status Set(int column, std::span<const Slot> slots, const arrow::Array& values) override;
  Status Erase(std::span<const Slot> slots) override;
  Result<std::shared_ptr<arrow::RecordBatch>> Keys(std::span<const Slot> slots) const override;
  int64_t size() const override { return index_.size(); }
  std::span<const uint32_t> generations() const override {
    return ages_ ? std::span<const uint32_t>() : index_.generations();
  }
  size_t Scan(uint32_t from, std::span<Slot> out, uint32_t* next) const override;
  int64_t memory_bytes() const override;

  Status BeginCall(int64_t now_us) override;
  Status SetTimers(TimeDomain domain, std::span<const Slot> slots,
                   std::span<const int64_t> times_us) override;
  int64_t NextTimer(TimeDomain domain) override { return timers(domain).Next(); }
  Status PopDue(TimeDomain domain, int64_t time_us, size_t max, std::vector<Slot>* slots,
                std::vector<int64_t>* times_us) override;
  Result<std::shared_ptr<const FrozenState>> Freeze() override;
  Status Restore(const PartHeader& expected, std::string_view bytes, ItemShare share) override;

  // --- as the part in memory of a table on disk
  void SetObserver(RowObserver* observer) { observer_ = observer; }
  const KeyIndex& index() const { return index_; }
  const arrow::FieldVector& fields() const { return fields_; }
  std::shared_ptr<FrozenTable> FreezePages();
  /// Inserts rows of a part; `fields()`.
  Status RestoreRows(const PartHeader& expected, const arrow::RecordBatch& rows);
  int64_t TimerOf(TimeDomain domain, Slot slot) const {
    return timers_[static_cast<size_t>(domain)].TimeOf(slot);
  }
  /// A row without its key, as bytes: the time of its last write first, where there is a TTL.
  void AppendRow(Slot slot, std::string* out) const;
  /// Puts rows in that `AppendRow` wrote, unless their key is here. That is no change of the table:
  /// observer and versions do not hear of it.
  Status Load(const RowKeys& keys, std::span<const std::string> rows, std::span<Slot> slots,
              std::span<uint8_t> inserted);
  /// Drops rows; no change either.
  Status Unload(std::span<const Slot> slots);
  /// The next write to the row counts as the first one.
  void ForgetWrites(Slot slot);

 private:
  MemoryTable(const StateSpec& spec, KeyEncoder encoder, KeyGroupRange range, int max_parallelism);
  void OnFirstWrite(Slot slot) override {
    if (loading_) return;
    Changed(slot);
    if (ages_ && ages_->Touch(slot)) touched_.push_back(slot);
  }
  void Changed(Slot slot) {
    versions_.Mark(index_.group(slot));
    if (observer_ != nullptr) observer_->OnWrite(slot);
  }
  bool IsOver(Slot slot) const { return ages_ && ages_->Expired(slot); }
  /// Whatever their age.
  Status InsertKeys(const RowKeys& keys, std::span<Slot> slots, std::span<uint8_t> inserted);
  /// Makes room for slots below `capacity`.
  void Grow(uint32_t capacity);
  /// As a new row.
  void Reset(Slot slot);
  TimerQueue& timers(TimeDomain domain) { return timers_[static_cast<size_t>(domain)]; }
  ValueColumn& column(int i) { return columns_[static_cast<size_t>(i)]; }
  const ValueColumn& column(int i) const { return columns_[static_cast<size_t>(i)]; }

  const KeyEncoder encoder_;
  const arrow::FieldVector fields_;
  KeyIndex index_;
  PartVersions versions_;
  std::vector<ValueColumn> columns_;
  std::array<TimerQueue, 2> timers_;  ///< by domain
  std::optional<RowAges> ages_;
  RowObserver* observer_ = nullptr;
  bool loading_ = false;       ///< what happens is no change of the table
  std::vector<Slot> touched_;  ///< since the clock moved: their next writes count as first ones
};

/// The fields of a part: the key columns as "key:<name>", then the values as "value:<name>".
arrow::FieldVector PartFields(const StateSpec& spec);
/// Whether each row's key is of `group`; the part is damaged where one is not.
Status CheckGroup(const PartHeader& header, const RowKeys& keys);

}  // namespace millrace

#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "state/key_index.h"
#include "state/part_versions.h"
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

  const KeyEncoder encoder;
  const std::unique_ptr<FrozenKeys> keys;
  const PartVersions versions;
  const arrow::FieldVector fields;  ///< of a part
  std::vector<FrozenColumn> columns;
  std::array<std::optional<FixedPages>, 2> timers;  ///< by domain
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
  Result<std::shared_ptr<arrow::Array>> Get(int column, std::span<const Slot> slots) const override;
  Status Set(int column, std::span<const Slot> slots, const arrow::Array& values) override;
  Status Erase(std::span<const Slot> slots) override;
  Result<std::shared_ptr<arrow::RecordBatch>> Keys(std::span<const Slot> slots) const override;
  int64_t size() const override { return index_.size(); }
  size_t Scan(uint32_t from, std::span<Slot> out, uint32_t* next) const override;
  int64_t memory_bytes() const override;

  Status SetTimers(TimeDomain domain, std::span<const Slot> slots,
                   std::span<const int64_t> times_us) override;
  int64_t NextTimer(TimeDomain domain) override { return timers(domain).Next(); }
  Status PopDue(TimeDomain domain, int64_t time_us, size_t max, std::vector<Slot>* slots,
                std::vector<int64_t>* times_us) override;
  Result<std::shared_ptr<const FrozenState>> Freeze() override;
  Status Restore(const PartHeader& expected, std::string_view bytes, ItemShare share) override;

 private:
  MemoryTable(const StateSpec& spec, KeyEncoder encoder, KeyGroupRange range, int max_parallelism);
  void OnFirstWrite(Slot slot) override { versions_.Mark(index_.group(slot)); }
  TimerQueue& timers(TimeDomain domain) { return timers_[static_cast<size_t>(domain)]; }
  ValueColumn& column(int i) { return columns_[static_cast<size_t>(i)]; }
  const ValueColumn& column(int i) const { return columns_[static_cast<size_t>(i)]; }

  const KeyEncoder encoder_;
  const arrow::FieldVector fields_;
  KeyIndex index_;
  PartVersions versions_;
  std::vector<ValueColumn> columns_;
  std::array<TimerQueue, 2> timers_;  ///< by domain
};

/// The fields of a part: the key columns as "key:<name>", then the values as "value:<name>".
arrow::FieldVector PartFields(const StateSpec& spec);
/// Whether each row's key is of `group`; the part is damaged where one is not.
Status CheckGroup(const PartHeader& header, const RowKeys& keys);

}  // namespace millrace

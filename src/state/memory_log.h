#pragma once

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

/// The pages of a log.
struct FrozenLog final : FrozenState {
  FrozenLog(const KeyEncoder& key_encoder, std::unique_ptr<FrozenKeys> frozen_keys,
            PartVersions part_versions, arrow::FieldVector part_fields)
      : encoder(key_encoder),
        keys(std::move(frozen_keys)),
        versions(std::move(part_versions)),
        fields(std::move(part_fields)) {}

  std::vector<KeyGroup> groups() const override { return keys->groups(); }
  uint64_t version(KeyGroup group) const override { return versions.of(group); }
  /// Each key's rows in time order.
  Status Write(const PartHeader& header, KeyGroup group, std::string* out) const override;

  const KeyEncoder encoder;
  const std::unique_ptr<FrozenKeys> keys;
  const PartVersions versions;
  const arrow::FieldVector fields;  ///< of a part
  FixedPages first, next, times;
  std::vector<FrozenColumn> columns;
  std::optional<FixedPages> ages;
};

/// `KeyedLog` in memory: rows are slots of paged columns, linked per key in time order; equal times
/// keep the order of `Append`. Appending walks back from the key's newest row.
class MemoryLog final : public StoredLog {
 public:
  static Result<std::unique_ptr<MemoryLog>> Make(const StateSpec& spec, KeyGroupRange range,
                                                 int max_parallelism);

  Status Append(const RowKeys& keys, std::span<const EventTime> times,
                const arrow::RecordBatch& rows) override;
  Status Range(const RowKeys& keys, std::span<const TimeRange> ranges, size_t max_rows,
               std::vector<int32_t>* probe, std::shared_ptr<arrow::RecordBatch>* rows,
               uint64_t* resume) override;
  Status TrimBefore(EventTime time) override;

  Status BeginCall(int64_t now_us) override;
  Result<std::shared_ptr<const FrozenState>> Freeze() override;
  Status Restore(const PartHeader& expected, std::string_view bytes, ItemShare share) override;
  int64_t memory_bytes() const override;

 private:
  MemoryLog(const StateSpec& spec, KeyEncoder encoder, KeyGroupRange range, int max_parallelism);
  Slot NewRow();
  void Link(Slot key, bool first_of_key, Slot row, int64_t time_us);
  void TrimKey(Slot key, int64_t before_us);
  void Forget(Slot row);
  /// Takes a row out of its key's list.
  void Unlink(Slot row);

  const KeyEncoder encoder_;
  const arrow::FieldVector fields_;
  const std::shared_ptr<arrow::Schema> schema_;  ///< of the values
  KeyIndex index_;
  PartVersions versions_;
  MemoryFixedColumn first_{sizeof(Slot)}, last_{sizeof(Slot)};  ///< by key
  TimerQueue oldest_;                                           ///< time of each key's first row
  MemoryFixedColumn next_{sizeof(Slot)}, previous_{sizeof(Slot)},
      times_{sizeof(int64_t)};  ///< by row
  std::vector<ValueColumn> columns_;
  std::optional<RowAges> ages_;            ///< by row
  MemoryFixedColumn owner_{sizeof(Slot)};  ///< the key of a row; only with `ages_`
  std::vector<Slot> free_;
  uint32_t end_ = 0;
  std::vector<Slot> keys_, rows_;
  std::vector<uint8_t> inserted_;
};

}  // namespace millrace

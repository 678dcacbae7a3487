#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "state/key_index.h"
#include "state/part.h"
#include "state/state.h"
#include "state/timer_queue.h"
#include "state/value_column.h"

namespace millrace {

/// A log at one moment. Immutable; thread-safe.
struct FrozenLog {
  KeyEncoder encoder;
  std::unique_ptr<FrozenKeys> keys;
  FixedPages first, next, times;
  std::vector<FrozenColumn> columns;
  arrow::FieldVector fields;  ///< of a part

  /// The rows of `group` as a part, each key's in time order.
  Status Write(const PartHeader& header, KeyGroup group, std::string* out) const;
};

/// `KeyedLog` in memory: rows are slots of paged columns, linked per key in time order; equal times
/// keep the order of `Append`. Appending walks back from the key's newest row.
class MemoryLog final : public KeyedLog {
 public:
  static Result<std::unique_ptr<MemoryLog>> Make(const StateSpec& spec, KeyGroupRange range,
                                                 int max_parallelism);

  Status Append(const RowKeys& keys, std::span<const EventTime> times,
                const arrow::RecordBatch& rows) override;
  Status Range(const RowKeys& keys, std::span<const TimeRange> ranges, size_t max_rows,
               std::vector<int32_t>* probe, std::shared_ptr<arrow::RecordBatch>* rows,
               uint64_t* resume) override;
  Status TrimBefore(EventTime time) override;

  std::shared_ptr<const FrozenLog> Freeze();
  Status Restore(const PartHeader& expected, std::string_view bytes);
  int64_t memory_bytes() const;

 private:
  MemoryLog(const StateSpec& spec, KeyEncoder encoder, KeyGroupRange range, int max_parallelism);
  Slot NewRow();
  void Link(Slot key, bool first_of_key, Slot row, int64_t time_us);
  void TrimKey(Slot key, int64_t before_us);

  const KeyEncoder encoder_;
  const arrow::FieldVector fields_;
  const std::shared_ptr<arrow::Schema> schema_;  ///< of the values
  KeyIndex index_;
  MemoryFixedColumn first_{sizeof(Slot)}, last_{sizeof(Slot)};  ///< by key
  TimerQueue oldest_;                                           ///< time of each key's first row
  MemoryFixedColumn next_{sizeof(Slot)}, previous_{sizeof(Slot)},
      times_{sizeof(int64_t)};  ///< by row
  std::vector<ValueColumn> columns_;
  std::vector<Slot> free_;
  uint32_t end_ = 0;
  std::vector<Slot> keys_, rows_;
  std::vector<uint8_t> inserted_;
};

}  // namespace millrace

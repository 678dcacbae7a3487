#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "state/key_index.h"
#include "state/part.h"
#include "state/state.h"
#include "state/timer_queue.h"
#include "state/value_column.h"

namespace millrace {

/// A table at one moment. Immutable; thread-safe.
struct FrozenTable {
  KeyEncoder encoder;
  std::unique_ptr<FrozenKeys> keys;
  std::vector<FrozenColumn> columns;
  std::array<std::optional<FixedPages>, 2> timers;  ///< by domain
  arrow::FieldVector fields;                        ///< of a part

  /// The rows of `group` as a part.
  Status Write(const PartHeader& header, KeyGroup group, std::string* out) const;
};

/// `KeyedTable` in memory: an index from keys to slots, and a paged column per value.
class MemoryTable final : public KeyedTable {
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

  TimerQueue& timers(TimeDomain domain) { return timers_[static_cast<size_t>(domain)]; }
  void SetTimers(TimeDomain domain, std::span<const Slot> slots, std::span<const int64_t> times_us);
  std::shared_ptr<const FrozenTable> Freeze();
  /// Inserts the rows of a part.
  Status Restore(const PartHeader& expected, std::string_view bytes);

 private:
  MemoryTable(const StateSpec& spec, KeyEncoder encoder, KeyGroupRange range, int max_parallelism);
  ValueColumn& column(int i) { return columns_[static_cast<size_t>(i)]; }
  const ValueColumn& column(int i) const { return columns_[static_cast<size_t>(i)]; }

  const KeyEncoder encoder_;
  const arrow::FieldVector fields_;
  KeyIndex index_;
  std::vector<ValueColumn> columns_;
  std::array<TimerQueue, 2> timers_;  ///< by domain
};

/// The fields of a part: the key columns as "key:<name>", then the values as "value:<name>".
arrow::FieldVector PartFields(const StateSpec& spec);
/// Whether each row's key is of `group`; the part is damaged where one is not.
Status CheckGroup(const PartHeader& header, const RowKeys& keys);

}  // namespace millrace

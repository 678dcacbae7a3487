#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <arrow/type_fwd.h>

#include "operators/recent_slots.h"
#include "state/state.h"

namespace millrace {

/// The slots of a table by key, then what tells the windows of a key apart.
class KeyedWindows {
 public:
  static constexpr int kRows = 0;  ///< value column: how many rows, those taken back taken off

  static Result<KeyedWindows> Make(const StateSpec& spec);
  void Open(KeyedTable& table) { table_ = &table; }
  KeyedTable& table() const { return *table_; }

  /// `columns`: the key columns in order, of `rows` values each.
  Status FindOrInsert(const arrow::ArrayVector& columns, size_t rows);
  Status Find(const arrow::ArrayVector& columns, size_t rows);
  /// Of the last call.
  std::span<const Slot> slots() const { return slots_; }
  const std::vector<uint8_t>& inserted() const { return inserted_; }

  /// Adds to the rows of slot i of the last call.
  void Count(std::span<const int64_t> rows);
  int64_t& RowsAt(Slot slot) const { return table_->Fixed(kRows).Mut<int64_t>(slot); }

 private:
  explicit KeyedWindows(KeyEncoder encoder);
  Status Look(const arrow::ArrayVector& columns, size_t rows, bool insert);

  KeyEncoder encoder_;
  std::shared_ptr<arrow::Schema> schema_;
  KeyedTable* table_ = nullptr;
  RecentSlots recent_;
  std::vector<int32_t> missing_;  ///< rows that `recent_` does not know
  RowKeys keys_;                  ///< theirs
  std::vector<Slot> asked_;       ///< their slots
  std::vector<uint8_t> new_;      ///< of `asked_`
  std::vector<Slot> slots_;
  std::vector<uint8_t> inserted_;
};

}  // namespace millrace

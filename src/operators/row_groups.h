#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <arrow/type_fwd.h>

#include "spi/function.h"
#include "types/row_keys.h"

namespace millrace {

/// The rows of a batch by key (and window), numbered in the order in which they come first: what is
/// looked up, or written, once per group instead of once per row.
class RowGroups {
 public:
  /// `keys`: of `input`.
  static Result<RowGroups> Make(const Schema& input, const std::vector<int>& keys);

  /// Groups the rows by their keys; without keys all are one group.
  Status Find(const arrow::RecordBatch& rows);
  /// Takes groups that rows are in already, numbered in the order in which they come first.
  void Take(std::span<const uint32_t> places);
  /// Cuts the groups, so that rows with different values are in different ones.
  void SplitBy(std::span<const int64_t> values);

  size_t size() const { return first_rows_.size(); }
  std::span<const uint32_t> places() const { return places_; }  ///< of the rows: their groups
  const std::vector<int32_t>& first_rows() const { return first_rows_; }
  /// The key columns, a row for each group. `rows`: of `Find`.
  Result<arrow::ArrayVector> Keys(const arrow::RecordBatch& rows) const;
  /// An element of `values`, which has one for each row, for each group.
  std::vector<int64_t> FirstOf(std::span<const int64_t> values) const;
  /// How many rows each group has; those whose sign is -1 are taken off. `signs` empty: all 1.
  std::vector<int64_t> Count(std::span<const int8_t> signs) const;
  /// `slots[i]`: of group i, all different.
  SlotRows In(std::span<const Slot> slots) const { return {slots, places_, counts_}; }
  /// The slot of each row.
  std::vector<Slot> RowSlots(std::span<const Slot> slots) const;

 private:
  struct Entry {
    uint64_t value = 0;
    uint32_t group = 0;
    uint32_t call = 0;  ///< the entry counts in this call of `Number` only
  };

  explicit RowGroups(KeyEncoder encoder) : encoder_(std::move(encoder)) {}

  /// Cuts by fixed-width values of at most 8 bytes.
  void SplitBy(const arrow::Array& column);
  template <class Value>
  void SplitByValue(Value value_of);
  /// Numbers the rows by `value_of(row)`, and by `same(row, other row)` where that is equal.
  template <class Value, class Same>
  void Number(Value value_of, Same same);

  KeyEncoder encoder_;
  RowKeys keys_;
  std::vector<Entry> table_;
  uint32_t call_ = 0;
  std::vector<uint32_t> places_;  ///< by row: its group
  std::vector<uint32_t> before_;  ///< `places_` before a cut
  std::vector<int64_t> counts_;
  std::vector<int32_t> first_rows_;
};

}  // namespace millrace

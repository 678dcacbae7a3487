#pragma once

#include <array>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include <arrow/array.h>

#include "expr/row_kernel.h"
#include "spi/function.h"
#include "state/state.h"

namespace millrace::functions {

using Columns = std::span<const ColumnValue>;
using States = std::span<const std::shared_ptr<arrow::Array>>;
using Made = Result<std::unique_ptr<Aggregator>>;

/// State pages hold 16-byte values without their alignment.
template <class T>
T Load(const FixedColumn& column, Slot slot) {
  T value;
  std::memcpy(&value, column.Get<std::array<char, sizeof(T)>>(slot).data(), sizeof(T));
  return value;
}
template <class T>
void Store(FixedColumn& column, Slot slot, T value) {
  std::memcpy(column.Mut<std::array<char, sizeof(T)>>(slot).data(), &value, sizeof(T));
}

/// The rows of an update that count: not skipped, and no argument NULL.
class CountedRows {
 public:
  CountedRows(const SlotRows& rows, std::span<const int8_t> signs, std::span<const uint8_t> skip,
              Columns arguments)
      : rows_(rows), signs_(signs), skip_(skip), null_(arguments) {}

  /// `add(row, place of its slot, sign)` for each row.
  template <class Add>
  void ForEach(Add add) const {
    if (are_all_added()) {
      for (size_t i = 0; i < rows_.places.size(); ++i) add(static_cast<int64_t>(i), place(i), 1);
      return;
    }
    for (size_t i = 0; i < rows_.places.size(); ++i) {
      const auto row = static_cast<int64_t>(i);
      if ((!skip_.empty() && skip_[i] != 0) || null_[row]) continue;
      add(row, place(i), signs_.empty() ? 1 : signs_[i]);
    }
  }

  /// Adds to a column of counts.
  void AddCounts(FixedColumn& column) const {
    std::vector<int64_t> counted;
    std::span<const int64_t> counts = rows_.counts;
    if (!are_all_added()) {
      counted.resize(rows_.slots.size());
      ForEach([&](int64_t, size_t place, int64_t sign) { counted[place] += sign; });
      counts = counted;
    }
    for (size_t i = 0; i < counts.size(); ++i) {
      if (counts[i] != 0) column.Mut<int64_t>(rows_.slots[i]) += counts[i];
    }
  }

 private:
  bool are_all_added() const { return signs_.empty() && skip_.empty() && null_.never(); }
  size_t place(size_t row) const { return rows_.places[row]; }

  const SlotRows& rows_;
  std::span<const int8_t> signs_;
  std::span<const uint8_t> skip_;
  NullReader null_;
};

/// The values of a batch's slots side by side while its rows are added, so that a page is read and
/// written once per slot.
template <class T>
class SlotValues {
 public:
  SlotValues(FixedColumn& column, std::span<const Slot> slots) : column_(column), slots_(slots) {
    values_.reserve(slots.size());
    for (const Slot slot : slots) values_.push_back(Load<T>(column, slot));
  }
  T& operator[](size_t place) { return values_[place]; }
  /// Pages whose values are the same are not written.
  void Write() {
    for (size_t i = 0; i < slots_.size(); ++i) {
      const T before = Load<T>(column_, slots_[i]);
      if (std::memcmp(&before, &values_[i], sizeof(T)) != 0) Store(column_, slots_[i], values_[i]);
    }
  }

 private:
  FixedColumn& column_;
  std::span<const Slot> slots_;
  std::vector<T> values_;
};

template <class T>
void AddTo(FixedColumn& column, std::span<const Slot> slots, const arrow::Array& values) {
  const T* added = values.data()->GetValues<T>(1);
  for (size_t i = 0; i < slots.size(); ++i) column.Mut<T>(slots[i]) += added[i];
}

}  // namespace millrace::functions

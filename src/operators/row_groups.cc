#include "operators/row_groups.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <type_traits>
#include <utility>

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "operators/row_index.h"

namespace millrace {
namespace {

// Equal keys have equal bits, as `KeyEncoder` has it.
template <class Bits, class T>
Bits BitsOf(T value) {
  if (value == 0) value = 0;
  if (std::isnan(value)) value = std::numeric_limits<T>::quiet_NaN();
  return std::bit_cast<Bits>(value);
}

struct AlwaysSame {
  bool operator()(size_t, size_t) const { return true; }
};

bool IsNumber(const arrow::Array& column) {
  const arrow::DataType& type = *column.type();
  return type.id() != arrow::Type::BOOL && arrow::is_primitive(type.id()) &&
         type.byte_width() <= 8 && column.null_count() == 0;
}

}  // namespace

Result<RowGroups> RowGroups::Make(const Schema& input, const std::vector<int>& keys) {
  ARROW_ASSIGN_OR_RAISE(auto encoder, KeyEncoder::Make(input, keys));
  return RowGroups(std::move(encoder));
}

Status RowGroups::Find(const arrow::RecordBatch& rows) {
  const auto n = static_cast<size_t>(rows.num_rows());
  places_.assign(n, 0);
  counts_.assign(n > 0 ? 1 : 0, rows.num_rows());
  first_rows_.assign(n > 0 ? 1 : 0, 0);
  if (n == 0) return Status::OK();
  const std::vector<int>& keys = encoder_.columns();
  if (std::ranges::all_of(keys, [&](int key) { return IsNumber(*rows.column(key)); })) {
    for (const int key : keys) SplitBy(*rows.column(key));
    return Status::OK();
  }
  ARROW_RETURN_NOT_OK(encoder_.Encode(rows, &keys_));
  Number([&](size_t row) { return keys_.hashes[row]; },
         [&](size_t row, size_t other) {
           return keys_.key(static_cast<int64_t>(row)) == keys_.key(static_cast<int64_t>(other));
         });
  return Status::OK();
}

void RowGroups::SplitBy(std::span<const int64_t> values) {
  const auto differs = [&](int64_t value) { return value != values[0]; };
  if (std::ranges::none_of(values, differs)) return;
  bool cuts = false;
  for (size_t row = 0; row < places_.size(); ++row) {
    cuts |= values[row] != values[static_cast<size_t>(first_rows_[places_[row]])];
  }
  if (!cuts) return;
  SplitByValue([&](size_t row) { return static_cast<uint64_t>(values[row]); });
}

void RowGroups::SplitBy(const arrow::Array& column) {
  const arrow::ArrayData& data = *column.data();
  if (column.type_id() == arrow::Type::FLOAT) {
    const auto* values = data.GetValues<float>(1);
    return SplitByValue([&](size_t row) { return BitsOf<uint32_t>(values[row]); });
  }
  if (column.type_id() == arrow::Type::DOUBLE) {
    const auto* values = data.GetValues<double>(1);
    return SplitByValue([&](size_t row) { return BitsOf<uint64_t>(values[row]); });
  }
  const auto split = [&]<class T>(T) {
    const auto* values = data.GetValues<T>(1);
    SplitByValue([&](size_t row) { return values[row]; });
  };
  switch (column.type()->byte_width()) {
    case 1:
      return split(uint8_t{});
    case 2:
      return split(uint16_t{});
    case 4:
      return split(uint32_t{});
    default:
      return split(uint64_t{});
  }
}

template <class Value>
void RowGroups::SplitByValue(Value value_of) {
  if (size() == 1) return Number(value_of, AlwaysSame{});
  std::swap(before_, places_);
  places_.resize(before_.size());
  Number(value_of, AlwaysSame{});
  Number([&](size_t row) { return uint64_t{before_[row]} << 32 | places_[row]; }, AlwaysSame{});
}

template <class Value, class Same>
void RowGroups::Number(Value value_of, Same same) {
  const size_t rows = places_.size();
  if (table_.size() < 2 * rows || ++call_ == 0) {
    table_.assign(std::max(table_.size(), std::bit_ceil(2 * rows)), {});
    call_ = 1;
  }
  counts_.assign(rows, 0);
  first_rows_.resize(rows);
  const size_t mask = table_.size() - 1;
  const int shift = 64 - std::countr_zero(table_.size());
  constexpr bool always_same = std::is_same_v<Same, AlwaysSame>;
  uint32_t groups = 0;
  for (size_t row = 0; row < rows; ++row) {
    const uint64_t value = value_of(row);
    // Which row is the first one of its key nobody can predict: there is no branch on it.
    size_t i = (value * 0x9e3779b97f4a7c15u) >> shift;
    for (;; i = (i + 1) & mask) {
      if ((table_[i].call == call_) & (table_[i].value != value)) continue;
      if (always_same || table_[i].call != call_) break;
      if (same(row, static_cast<size_t>(first_rows_[table_[i].group]))) break;
    }
    Entry& entry = table_[i];
    const uint32_t is_first = entry.call != call_;
    const uint32_t group = entry.group + (groups - entry.group) * is_first;
    entry = {value, group, call_};
    first_rows_[groups] = static_cast<int32_t>(row);
    groups += is_first;
    places_[row] = group;
    ++counts_[group];
  }
  counts_.resize(groups);
  first_rows_.resize(groups);
}

void RowGroups::Take(std::span<const uint32_t> places) {
  places_.assign(places.begin(), places.end());
  counts_.clear();
  first_rows_.clear();
  for (size_t row = 0; row < places.size(); ++row) {
    if (places[row] == counts_.size()) {
      counts_.push_back(0);
      first_rows_.push_back(static_cast<int32_t>(row));
    }
    ++counts_[places[row]];
  }
}

Result<arrow::ArrayVector> RowGroups::Keys(const arrow::RecordBatch& rows) const {
  arrow::ArrayVector columns;
  for (const int key : encoder_.columns()) columns.push_back(rows.column(key));
  if (size() == places_.size()) return columns;
  return TakeRows(columns, first_rows_);
}

std::vector<int64_t> RowGroups::FirstOf(std::span<const int64_t> values) const {
  std::vector<int64_t> first;
  first.reserve(size());
  for (const int32_t row : first_rows_) first.push_back(values[static_cast<size_t>(row)]);
  return first;
}

std::vector<int64_t> RowGroups::Count(std::span<const int8_t> signs) const {
  if (signs.empty()) return counts_;
  std::vector<int64_t> counts(size());
  for (size_t row = 0; row < places_.size(); ++row) counts[places_[row]] += signs[row];
  return counts;
}

std::vector<Slot> RowGroups::RowSlots(std::span<const Slot> slots) const {
  std::vector<Slot> of_rows;
  of_rows.reserve(places_.size());
  for (const uint32_t place : places_) of_rows.push_back(slots[place]);
  return of_rows;
}

}  // namespace millrace

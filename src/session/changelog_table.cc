#include "session/changelog_table.h"

#include <algorithm>
#include <utility>

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/record_batch.h>
#include <arrow/table.h>

namespace millrace {
namespace {

bool HoldsCollection(const SqlType& type) {
  if (type.kind() == TypeKind::kArray || type.kind() == TypeKind::kMap) return true;
  return std::ranges::any_of(type.fields(),
                             [](const SqlField& f) { return HoldsCollection(f.type); });
}

}  // namespace

Result<ChangelogTable> ChangelogTable::Make(const Schema& schema, const std::vector<int>& key) {
  std::vector<int> keyed = key, unkeyed;
  for (int i = 0; key.empty() && i < schema.size(); ++i) {
    (HoldsCollection(schema.column(i).type) ? unkeyed : keyed).push_back(i);
  }
  ARROW_ASSIGN_OR_RAISE(KeyEncoder encoder, KeyEncoder::Make(schema, std::move(keyed)));
  ChangelogTable table(schema.ToArrow(), std::move(encoder));
  table.is_upsert_ = !key.empty();
  table.unkeyed_ = std::move(unkeyed);
  return table;
}

Status ChangelogTable::Apply(const Batch& changes) {
  const int64_t rows = changes.num_rows();
  ARROW_RETURN_NOT_OK(encoder_.Encode(*changes.rows, &keys_));
  kept_.push_back({changes.rows, std::vector<bool>(static_cast<size_t>(rows)), 0});
  for (int64_t row = 0; row < rows; ++row) {
    const auto kind =
        changes.kinds ? static_cast<RowKind>(changes.kinds->Value(row)) : RowKind::kInsert;
    const bool takes_back = kind == RowKind::kUpdateBefore || kind == RowKind::kDelete;
    const auto index = static_cast<int32_t>(row);
    if (takes_back || is_upsert_) Remove(keys_.key(row), *changes.rows, index);
    if (!takes_back) Insert(keys_.key(row), {kept_.size() - 1, index});
  }
  if (kept_.back().num_live == 0) kept_.back().rows = nullptr;
  return Status::OK();
}

void ChangelogTable::Insert(std::string_view key, Place place) {
  index_[std::string(key)].push_back(place);
  Kept& kept = kept_[place.batch];
  kept.live[static_cast<size_t>(place.row)] = true;
  ++kept.num_live;
  ++size_;
}

void ChangelogTable::Remove(std::string_view key, const arrow::RecordBatch& rows, int32_t row) {
  const auto entry = index_.find(std::string(key));
  if (entry == index_.end()) return;
  auto& places = entry->second;
  const auto place =
      std::ranges::find_if(places, [&](Place p) { return SameUnkeyed(p, rows, row); });
  if (place == places.end()) return;
  Kept& kept = kept_[place->batch];
  kept.live[static_cast<size_t>(place->row)] = false;
  // The batch that is being applied is still needed, even when none of its rows is.
  if (--kept.num_live == 0 && kept.rows.get() != &rows) kept.rows = nullptr;
  --size_;
  places.erase(place);
  if (places.empty()) index_.erase(entry);
}

bool ChangelogTable::SameUnkeyed(Place place, const arrow::RecordBatch& rows, int32_t row) const {
  return std::ranges::all_of(unkeyed_, [&](int column) {
    return kept_[place.batch].rows->column(column)->RangeEquals(place.row, place.row + 1, row,
                                                                rows.column(column));
  });
}

Result<std::shared_ptr<arrow::Table>> ChangelogTable::ToTable() const {
  std::vector<std::shared_ptr<arrow::RecordBatch>> parts;
  for (const Kept& kept : kept_) {
    if (kept.rows == nullptr) continue;
    arrow::Int32Builder live;
    for (size_t row = 0; row < kept.live.size(); ++row) {
      if (kept.live[row]) ARROW_RETURN_NOT_OK(live.Append(static_cast<int32_t>(row)));
    }
    std::shared_ptr<arrow::Int32Array> indices;
    ARROW_RETURN_NOT_OK(live.Finish(&indices));
    ARROW_ASSIGN_OR_RAISE(Batch left, Batch{kept.rows}.Take(*indices));
    parts.push_back(std::move(left.rows));
  }
  return arrow::Table::FromRecordBatches(schema_, parts);
}

}  // namespace millrace

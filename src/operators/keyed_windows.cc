#include "operators/keyed_windows.h"

#include <numeric>
#include <utility>

#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "operators/row_index.h"

namespace millrace {

KeyedWindows::KeyedWindows(KeyEncoder encoder)
    : encoder_(std::move(encoder)), schema_(encoder_.key_schema().ToArrow()) {}

Result<KeyedWindows> KeyedWindows::Make(const StateSpec& spec) {
  std::vector<int> all(static_cast<size_t>(spec.key.size()));
  std::iota(all.begin(), all.end(), 0);
  ARROW_ASSIGN_OR_RAISE(auto encoder, KeyEncoder::Make(spec.key, std::move(all), spec.group_keys));
  return KeyedWindows(std::move(encoder));
}

Status KeyedWindows::FindOrInsert(const arrow::ArrayVector& columns, size_t rows) {
  return Look(columns, rows, true);
}

Status KeyedWindows::Find(const arrow::ArrayVector& columns, size_t rows) {
  return Look(columns, rows, false);
}

Status KeyedWindows::Look(const arrow::ArrayVector& columns, size_t rows, bool insert) {
  slots_.resize(rows);
  inserted_.assign(rows, 0);
  recent_.Find(columns, table_->generations(), slots_, &missing_);
  if (missing_.empty()) return Status::OK();
  arrow::ArrayVector asked = columns;
  if (missing_.size() < rows) {
    ARROW_ASSIGN_OR_RAISE(asked, TakeRows(columns, missing_));
  }
  const auto batch =
      arrow::RecordBatch::Make(schema_, static_cast<int64_t>(missing_.size()), std::move(asked));
  ARROW_RETURN_NOT_OK(encoder_.Encode(*batch, &keys_));
  asked_.resize(missing_.size());
  new_.assign(missing_.size(), 0);
  ARROW_RETURN_NOT_OK(insert ? table_->FindOrInsert(keys_, asked_, new_)
                             : table_->Find(keys_, asked_));
  for (size_t i = 0; i < missing_.size(); ++i) {
    const auto row = static_cast<size_t>(missing_[i]);
    slots_[row] = asked_[i];
    inserted_[row] = new_[i];
  }
  recent_.Remember(columns, table_->generations(), slots_, missing_);
  return Status::OK();
}

void KeyedWindows::Count(std::span<const int64_t> rows) {
  FixedColumn& counts = table_->Fixed(kRows);
  for (size_t i = 0; i < slots_.size(); ++i) counts.Mut<int64_t>(slots_[i]) += rows[i];
}

}  // namespace millrace

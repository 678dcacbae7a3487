#include "operators/keyed_windows.h"

#include <numeric>
#include <utility>

#include <arrow/record_batch.h>
#include <arrow/type.h>

namespace millrace {

KeyedWindows::KeyedWindows(KeyEncoder encoder)
    : encoder_(std::move(encoder)), schema_(encoder_.key_schema().ToArrow()) {}

Result<KeyedWindows> KeyedWindows::Make(const StateSpec& spec) {
  std::vector<int> all(static_cast<size_t>(spec.key.size()));
  std::iota(all.begin(), all.end(), 0);
  ARROW_ASSIGN_OR_RAISE(auto encoder, KeyEncoder::Make(spec.key, std::move(all), spec.group_keys));
  return KeyedWindows(std::move(encoder));
}

Status KeyedWindows::Encode(const arrow::ArrayVector& columns, size_t rows) {
  const auto batch = arrow::RecordBatch::Make(schema_, static_cast<int64_t>(rows), columns);
  slots_.resize(rows);
  return encoder_.Encode(*batch, &keys_);
}

Status KeyedWindows::FindOrInsert(const arrow::ArrayVector& columns, size_t rows) {
  ARROW_RETURN_NOT_OK(Encode(columns, rows));
  inserted_.resize(rows);
  return table_->FindOrInsert(keys_, slots_, inserted_);
}

Status KeyedWindows::Find(const arrow::ArrayVector& columns, size_t rows) {
  ARROW_RETURN_NOT_OK(Encode(columns, rows));
  return table_->Find(keys_, slots_);
}

void KeyedWindows::Count(std::span<const int64_t> rows) {
  FixedColumn& counts = table_->Fixed(kRows);
  for (size_t i = 0; i < slots_.size(); ++i) counts.Mut<int64_t>(slots_[i]) += rows[i];
}

}  // namespace millrace

#include "operators/numbered_rows.h"

#include <algorithm>
#include <numeric>

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

namespace millrace {
namespace {

Result<std::shared_ptr<arrow::Array>> ArrayOf(std::span<const int64_t> numbers) {
  arrow::Int64Builder builder;
  ARROW_RETURN_NOT_OK(builder.AppendValues(numbers.data(), static_cast<int64_t>(numbers.size())));
  return builder.Finish();
}

}  // namespace

Result<NumberedRows> NumberedRows::Make(const Schema& input, const std::vector<int>& keys,
                                        bool spread) {
  StateSpec spec;
  spec.name = "rows";
  spec.group_keys = static_cast<int>(keys.size()) + (spread ? 1 : 0);
  for (const int key : keys) spec.key.Add(input.column(key).name, input.column(key).type);
  spec.key.Add("number", SqlType::BigInt());
  ARROW_ASSIGN_OR_RAISE(auto key_encoder, KeyEncoder::Make(input, keys));
  std::vector<int> all(keys.size() + 1);
  std::iota(all.begin(), all.end(), 0);
  ARROW_ASSIGN_OR_RAISE(auto numbered, KeyEncoder::Make(spec.key, std::move(all), spec.group_keys));
  NumberedRows rows(std::move(key_encoder), std::move(numbered));
  for (int c = 0; c < input.size(); ++c) {
    const auto key = std::find(keys.begin(), keys.end(), c);
    if (key != keys.end()) {
      rows.places_.push_back(static_cast<int>(key - keys.begin()));
    } else {
      rows.places_.push_back(~spec.value.size());
      spec.value.Add(input.column(c).name, input.column(c).type);
    }
  }
  rows.spec_ = std::move(spec);
  rows.input_ = input.ToArrow();
  return rows;
}

Status NumberedRows::Put(const arrow::RecordBatch& rows, std::span<const int64_t> numbers) {
  arrow::ArrayVector key;
  for (const int column : keys_.columns()) key.push_back(rows.column(column));
  ARROW_ASSIGN_OR_RAISE(key.emplace_back(), ArrayOf(numbers));
  const auto key_rows =
      arrow::RecordBatch::Make(numbered_.key_schema().ToArrow(), rows.num_rows(), std::move(key));
  ARROW_RETURN_NOT_OK(numbered_.Encode(*key_rows, &encoded_));
  slots_.resize(numbers.size());
  inserted_.resize(numbers.size());
  ARROW_RETURN_NOT_OK(table_->FindOrInsert(encoded_, slots_, inserted_));
  for (size_t c = 0; c < places_.size(); ++c) {
    if (places_[c] >= 0) continue;
    ARROW_RETURN_NOT_OK(table_->Set(~places_[c], slots_, *rows.column(static_cast<int>(c))));
  }
  return Status::OK();
}

Result<std::shared_ptr<arrow::RecordBatch>> NumberedRows::Get(
    std::span<const std::string_view> keys, std::span<const int64_t> numbers) {
  ARROW_RETURN_NOT_OK(FindAll(keys, numbers));
  ARROW_ASSIGN_OR_RAISE(const auto key_rows, keys_.Decode(keys));
  return RowsAt(*key_rows, slots_);
}

Result<std::vector<uint8_t>> NumberedRows::AreThere(std::span<const std::string_view> keys,
                                                    std::span<const int64_t> numbers) {
  ARROW_RETURN_NOT_OK(Find(keys, numbers));
  std::vector<uint8_t> there;
  there.reserve(slots_.size());
  for (const Slot slot : slots_) there.push_back(slot != kNoSlot);
  return there;
}

Status NumberedRows::Erase(std::span<const std::string_view> keys,
                           std::span<const int64_t> numbers) {
  ARROW_RETURN_NOT_OK(FindAll(keys, numbers));
  return table_->Erase(slots_);
}

Status NumberedRows::ForEach(
    const std::function<Status(const arrow::RecordBatch&, std::span<const int64_t>)>& visit,
    size_t at_a_time) const {
  std::vector<Slot> slots;
  uint32_t next = 0;
  do {
    slots.resize(at_a_time);
    slots.resize(table_->Scan(next, slots, &next));
    ARROW_ASSIGN_OR_RAISE(const auto keys, table_->Keys(slots));
    ARROW_ASSIGN_OR_RAISE(const auto rows, RowsAt(*keys, slots));
    const auto& numbers = static_cast<const arrow::Int64Array&>(*keys->columns().back());
    ARROW_RETURN_NOT_OK(visit(*rows, {numbers.raw_values(), slots.size()}));
  } while (next != 0);
  return Status::OK();
}

Status NumberedRows::Find(std::span<const std::string_view> keys,
                          std::span<const int64_t> numbers) {
  ARROW_ASSIGN_OR_RAISE(const auto key_rows, keys_.Decode(keys));
  arrow::ArrayVector columns = key_rows->columns();
  ARROW_ASSIGN_OR_RAISE(columns.emplace_back(), ArrayOf(numbers));
  const auto rows = arrow::RecordBatch::Make(numbered_.key_schema().ToArrow(),
                                             static_cast<int64_t>(numbers.size()), columns);
  ARROW_RETURN_NOT_OK(numbered_.Encode(*rows, &encoded_));
  slots_.resize(numbers.size());
  return table_->Find(encoded_, slots_);
}

Status NumberedRows::FindAll(std::span<const std::string_view> keys,
                             std::span<const int64_t> numbers) {
  ARROW_RETURN_NOT_OK(Find(keys, numbers));
  if (std::find(slots_.begin(), slots_.end(), kNoSlot) != slots_.end()) {
    return Error::Internal("a numbered row is not in the state");
  }
  return Status::OK();
}

Result<std::shared_ptr<arrow::RecordBatch>> NumberedRows::RowsAt(
    const arrow::RecordBatch& keys, std::span<const Slot> slots) const {
  arrow::ArrayVector columns;
  for (const int place : places_) {
    if (place >= 0) {
      columns.push_back(keys.column(place));
    } else {
      ARROW_ASSIGN_OR_RAISE(columns.emplace_back(), table_->Get(~place, slots));
    }
  }
  return arrow::RecordBatch::Make(input_, static_cast<int64_t>(slots.size()), std::move(columns));
}

}  // namespace millrace

#include "operators/held_rows.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/record_batch.h>
#include <arrow/scalar.h>

namespace millrace {
namespace {

constexpr size_t kMostRows = 1024;  ///< that come back at a time

}  // namespace

Result<HeldRows> HeldRows::Make(const Schema& rows, const std::vector<int>& keys) {
  if (keys.empty()) return HeldRows(std::nullopt);
  Schema noted = rows;
  noted.Add("$note", SqlType::String());
  ARROW_ASSIGN_OR_RAISE(auto table, NumberedRows::Make(noted, keys));
  return HeldRows(std::move(table));
}

StateSpec HeldRows::spec(std::string name) const {
  StateSpec spec;
  if (table_) {
    spec = table_->spec();
  } else {
    spec.kind = StateKind::kItems;
  }
  spec.name = std::move(name);
  return spec;
}

Status HeldRows::Open(
    OperatorContext& context, int state,
    const std::function<Status(uint64_t, const Batch&, const std::string&)>& restored) {
  if (!table_) {
    items_ = &context.items(state);
    return items_->ForEach(restored);
  }
  table_->Open(context.table(state));
  std::vector<Batch> parts;
  std::vector<int64_t> numbers;
  ARROW_RETURN_NOT_OK(
      table_->ForEach([&](const arrow::RecordBatch& part, std::span<const int64_t> of_part) {
        parts.emplace_back().rows = part.Slice(0);
        numbers.insert(numbers.end(), of_part.begin(), of_part.end());
        return Status::OK();
      }));
  if (numbers.empty()) return Status::OK();
  ARROW_ASSIGN_OR_RAISE(const Batch all, Concatenate(parts));
  RowKeys keys;
  ARROW_RETURN_NOT_OK(table_->keys().Encode(*all.rows, &keys));
  std::vector<int32_t> order(numbers.size());
  std::iota(order.begin(), order.end(), 0);
  const auto place_of = [&](int32_t row) {
    return std::pair(numbers[static_cast<size_t>(row)], keys.key(row));
  };
  std::ranges::sort(order, {}, place_of);
  next_number_ = place_of(order.back()).first + 1;
  const auto& notes = static_cast<const arrow::StringArray&>(*all.rows->columns().back());
  uint64_t id = 1;
  for (size_t from = 0, to = 0; from < order.size(); from = to, ++id) {
    const std::string note(notes.GetView(order[from]));
    Place& place = places_[id];
    for (; to < order.size() && to < from + kMostRows && notes.GetView(order[to]) == note; ++to) {
      const auto [number, key] = place_of(order[to]);
      place.numbers.push_back(number);
      place.keys.emplace_back(key);
    }
    const arrow::Int32Array some(static_cast<int64_t>(to - from),
                                 arrow::Buffer::Wrap(order.data() + from, to - from));
    ARROW_ASSIGN_OR_RAISE(Batch rows, all.Take(some));
    ARROW_ASSIGN_OR_RAISE(rows.rows, rows.rows->RemoveColumn(rows.rows->num_columns() - 1));
    ARROW_RETURN_NOT_OK(restored(id, rows, note));
  }
  return Status::OK();
}

Status HeldRows::Put(uint64_t id, const Batch& rows, const std::string& note) {
  if (!table_) return items_->Put(id, rows, note);
  const int64_t n = rows.num_rows();
  arrow::ArrayVector columns = rows.rows->columns();
  ARROW_RETURN_NOT_OK(
      arrow::MakeArrayFromScalar(arrow::StringScalar(note), n).Value(&columns.emplace_back()));
  arrow::FieldVector fields = rows.rows->schema()->fields();
  fields.push_back(arrow::field("$note", arrow::utf8()));
  const auto noted = arrow::RecordBatch::Make(arrow::schema(fields), n, std::move(columns));
  RowKeys keys;
  ARROW_RETURN_NOT_OK(table_->keys().Encode(*noted, &keys));
  Place& place = places_[id];
  for (int64_t row = 0; row < n; ++row) place.keys.emplace_back(keys.key(row));
  place.numbers.resize(static_cast<size_t>(n));
  std::iota(place.numbers.begin(), place.numbers.end(), next_number_);
  next_number_ += n;
  return table_->Put(*noted, place.numbers);
}

Status HeldRows::Remove(uint64_t id) {
  if (!table_) return items_->Remove(id);
  const Place place = std::move(places_.extract(id).mapped());
  const std::vector<std::string_view> keys(place.keys.begin(), place.keys.end());
  return table_->Erase(keys, place.numbers);
}

}  // namespace millrace

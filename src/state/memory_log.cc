#include "state/memory_log.h"

#include <algorithm>
#include <cstring>

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "state/log_part.h"

namespace millrace {
namespace {

std::shared_ptr<arrow::DataType> TimeType() { return arrow::timestamp(arrow::TimeUnit::MICRO); }

template <class T>
T At(const FixedPages& pages, Slot slot) {
  T value;
  std::memcpy(&value,
              pages.page(Raw(slot) >> FixedColumn::kPageShift).data.get() +
                  (Raw(slot) & FixedColumn::kPageMask) * sizeof value,
              sizeof value);
  return value;
}

}  // namespace

Status FrozenLog::Write(const PartHeader& header, KeyGroup group, std::string* out) const {
  ARROW_ASSIGN_OR_RAISE(auto writer, PartWriter::Make(header, fields));
  std::vector<std::string_view> key_bytes;
  std::vector<Slot> rows;
  const auto flush = [&]() -> Status {
    if (rows.empty()) return Status::OK();
    ARROW_ASSIGN_OR_RAISE(auto key_rows, encoder.Decode(key_bytes));
    arrow::ArrayVector arrays = key_rows->columns();
    ARROW_ASSIGN_OR_RAISE(arrays.emplace_back(), GatherFixed(times, TimeType(), rows));
    for (const FrozenColumn& column : columns) {
      ARROW_ASSIGN_OR_RAISE(arrays.emplace_back(), column.Get(rows));
    }
    if (ages) {
      ARROW_ASSIGN_OR_RAISE(arrays.emplace_back(),
                            GatherFixed(*ages, RowAges::Field()->type(), rows));
    }
    key_bytes.clear();
    rows.clear();
    return writer->Write(arrays);
  };
  for (const Slot key : keys->SlotsOf(group)) {
    for (Slot row = At<Slot>(first, key); row != kNoSlot; row = At<Slot>(next, row)) {
      key_bytes.push_back(keys->key(key));
      rows.push_back(row);
      if (rows.size() == kRowsPerPartBatch) ARROW_RETURN_NOT_OK(flush());
    }
  }
  ARROW_RETURN_NOT_OK(flush());
  return writer->Finish(out);
}

Result<std::unique_ptr<MemoryLog>> MemoryLog::Make(const StateSpec& spec, KeyGroupRange range,
                                                   int max_parallelism) {
  std::vector<int> key_columns;
  for (int i = 0; i < spec.key.size(); ++i) key_columns.push_back(i);
  ARROW_ASSIGN_OR_RAISE(auto encoder,
                        KeyEncoder::Make(spec.key, std::move(key_columns), spec.group_keys));
  return std::unique_ptr<MemoryLog>(
      new MemoryLog(spec, std::move(encoder), range, max_parallelism));
}

MemoryLog::MemoryLog(const StateSpec& spec, KeyEncoder encoder, KeyGroupRange range,
                     int max_parallelism)
    : encoder_(std::move(encoder)),
      fields_(LogFields(spec)),
      schema_(spec.value.ToArrow()),
      index_(spec.name, range, max_parallelism),
      versions_(range) {
  for (const auto& field : schema_->fields()) columns_.emplace_back(field->type(), nullptr);
  if (spec.ttl_us) ages_.emplace(*spec.ttl_us);
}

Status MemoryLog::Append(const RowKeys& keys, std::span<const EventTime> times,
                         const arrow::RecordBatch& rows) {
  keys_.resize(keys.hashes.size());
  inserted_.resize(keys_.size());
  ARROW_RETURN_NOT_OK(index_.FindOrInsert(
      keys, keys_, inserted_,
      [this](uint32_t capacity) {
        first_.Grow(capacity);
        last_.Grow(capacity);
      },
      [](Slot) {}));
  rows_.clear();
  for (size_t i = 0; i < keys_.size(); ++i) rows_.push_back(NewRow());
  for (size_t c = 0; c < columns_.size(); ++c) {
    ARROW_RETURN_NOT_OK(columns_[c].Set(rows_, *rows.column(static_cast<int>(c))));
  }
  for (size_t i = 0; i < keys_.size(); ++i)
    Link(keys_[i], inserted_[i] != 0, rows_[i], times[i].us);
  return Status::OK();
}

Slot MemoryLog::NewRow() {
  if (!free_.empty()) {
    const Slot row = free_.back();
    free_.pop_back();
    return row;
  }
  const Slot row{end_++};
  next_.Grow(end_);
  previous_.Grow(end_);
  times_.Grow(end_);
  for (ValueColumn& column : columns_) column.Grow(end_);
  if (ages_) {
    ages_->Grow(end_);
    owner_.Grow(end_);
  }
  return row;
}

void MemoryLog::Link(Slot key, bool first_of_key, Slot row, int64_t time_us) {
  versions_.Mark(index_.group(key));
  times_.Mut<int64_t>(row) = time_us;
  if (ages_) {
    ages_->Touch(row);
    owner_.Mut<Slot>(row) = key;
  }
  Slot before = first_of_key ? kNoSlot : last_.Get<Slot>(key);
  while (before != kNoSlot && times_.Get<int64_t>(before) > time_us) {
    before = previous_.Get<Slot>(before);
  }
  Slot after = kNoSlot;
  if (before != kNoSlot) {
    after = next_.Get<Slot>(before);
    next_.Mut<Slot>(before) = row;
  } else {
    if (!first_of_key) after = first_.Get<Slot>(key);
    first_.Mut<Slot>(key) = row;
    oldest_.Set(key, time_us, index_.end());
  }
  previous_.Mut<Slot>(row) = before;
  next_.Mut<Slot>(row) = after;
  (after == kNoSlot ? last_.Mut<Slot>(key) : previous_.Mut<Slot>(after)) = row;
}

Status MemoryLog::Range(const RowKeys& keys, std::span<const TimeRange> ranges, size_t max_rows,
                        std::vector<int32_t>* probe, std::shared_ptr<arrow::RecordBatch>* rows,
                        uint64_t* resume) {
  keys_.resize(keys.hashes.size());
  index_.Find(keys, keys_);
  probe->clear();
  rows_.clear();
  auto i = static_cast<size_t>(*resume >> 32);
  // A resumed probe goes on at a row; slot 0 would look like the start, so that slots count from
  // one.
  const auto resumed = static_cast<uint32_t>(*resume);
  Slot row = resumed > 0 ? Slot{resumed - 1} : kNoSlot;
  *resume = 0;
  for (; i < keys_.size() && *resume == 0; ++i, row = kNoSlot) {
    if (keys_[i] == kNoSlot) continue;
    if (row == kNoSlot) row = first_.Get<Slot>(keys_[i]);
    for (; row != kNoSlot; row = next_.Get<Slot>(row)) {
      const int64_t time = times_.Get<int64_t>(row);
      if (time < ranges[i].from.us) continue;
      if (time > ranges[i].to.us) break;
      if (ages_ && ages_->Expired(row)) continue;
      if (rows_.size() == max_rows) {
        *resume = uint64_t{i} << 32 | (Raw(row) + 1);
        break;
      }
      rows_.push_back(row);
      probe->push_back(static_cast<int32_t>(i));
    }
  }
  arrow::ArrayVector arrays;
  for (const ValueColumn& column : columns_) {
    ARROW_ASSIGN_OR_RAISE(arrays.emplace_back(), column.Get(rows_));
  }
  *rows = arrow::RecordBatch::Make(schema_, static_cast<int64_t>(rows_.size()), std::move(arrays));
  return Status::OK();
}

Status MemoryLog::TrimBefore(EventTime time) {
  if (time == EventTime::Min()) return Status::OK();
  std::vector<int64_t> times;
  do {
    keys_.clear();
    times.clear();
    oldest_.PopDue(time.us - 1, 1024, &keys_, &times);
    for (const Slot key : keys_) TrimKey(key, time.us);
  } while (!keys_.empty());
  return Status::OK();
}

void MemoryLog::TrimKey(Slot key, int64_t before_us) {
  versions_.Mark(index_.group(key));
  Slot row = first_.Get<Slot>(key);
  while (row != kNoSlot && times_.Get<int64_t>(row) < before_us) {
    Forget(row);
    row = next_.Get<Slot>(row);
  }
  if (row == kNoSlot) return index_.Erase(key);
  first_.Mut<Slot>(key) = row;
  previous_.Mut<Slot>(row) = kNoSlot;
  oldest_.Set(key, times_.Get<int64_t>(row), index_.end());
}

void MemoryLog::Forget(Slot row) {
  for (ValueColumn& column : columns_) column.Reset(row);
  if (ages_) ages_->Set(row, RowAges::kNever);
  free_.push_back(row);
}

void MemoryLog::Unlink(Slot row) {
  const Slot key = owner_.Get<Slot>(row);
  const Slot before = previous_.Get<Slot>(row);
  const Slot after = next_.Get<Slot>(row);
  versions_.Mark(index_.group(key));
  Forget(row);
  (after == kNoSlot ? last_.Mut<Slot>(key) : previous_.Mut<Slot>(after)) = before;
  if (before != kNoSlot) {
    next_.Mut<Slot>(before) = after;
    return;
  }
  if (after == kNoSlot) {
    oldest_.Clear(key);
    index_.Erase(key);
    return;
  }
  first_.Mut<Slot>(key) = after;
  oldest_.Set(key, times_.Get<int64_t>(after), index_.end());
}

Status MemoryLog::BeginCall(int64_t now_us) {
  if (!ages_ || now_us <= ages_->now_us()) return Status::OK();
  ages_->Advance(now_us, end_, [this](Slot row) {
    if (ages_->Expired(row)) Unlink(row);
  });
  return Status::OK();
}

Result<std::shared_ptr<const FrozenState>> MemoryLog::Freeze() {
  auto frozen = std::make_shared<FrozenLog>(encoder_, index_.Freeze(), versions_.Freeze(), fields_);
  frozen->first = first_.Freeze();
  frozen->next = next_.Freeze();
  frozen->times = times_.Freeze();
  for (ValueColumn& column : columns_) frozen->columns.push_back(column.Freeze());
  if (ages_) frozen->ages = ages_->Freeze();
  return frozen;
}

Status MemoryLog::Restore(const PartHeader& expected, std::string_view bytes, ItemShare) {
  return ReadLogPart(expected, encoder_, bytes, [&](const LogRows& rows) -> Status {
    ARROW_RETURN_NOT_OK(Append(rows.keys, rows.times,
                               *arrow::RecordBatch::Make(schema_, rows.keys.size(), rows.values)));
    for (size_t i = 0; i < rows.written_us.size(); ++i) ages_->Set(rows_[i], rows.written_us[i]);
    return Status::OK();
  });
}

int64_t MemoryLog::memory_bytes() const {
  int64_t bytes = index_.memory_bytes() + oldest_.memory_bytes();
  for (const auto* column : {&first_, &last_, &next_, &previous_, &times_}) {
    bytes += column->memory_bytes();
  }
  for (const ValueColumn& column : columns_) bytes += column.memory_bytes();
  if (ages_) bytes += ages_->memory_bytes() + owner_.memory_bytes();
  return bytes;
}

}  // namespace millrace

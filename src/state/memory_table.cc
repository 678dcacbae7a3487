#include "state/memory_table.h"

#include <algorithm>
#include <cstring>

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "types/key_group.h"

namespace millrace {
namespace {

constexpr const char* kTimerFields[] = {"timer:event", "timer:processing"};

std::shared_ptr<arrow::DataType> TimerType() { return arrow::timestamp(arrow::TimeUnit::MICRO); }

Result<std::shared_ptr<arrow::Array>> GatherTimers(const std::optional<FixedPages>& times,
                                                   std::span<const Slot> slots) {
  arrow::TimestampBuilder builder(TimerType(), arrow::default_memory_pool());
  ARROW_RETURN_NOT_OK(builder.Reserve(static_cast<int64_t>(slots.size())));
  for (const Slot slot : slots) {
    const int64_t time = times ? TimerQueue::TimeOf(*times, slot) : TimerSet::kNone;
    if (time == TimerSet::kNone) {
      builder.UnsafeAppendNull();
    } else {
      builder.UnsafeAppend(time);
    }
  }
  return builder.Finish();
}

arrow::FieldVector TableFields(const StateSpec& spec) {
  arrow::FieldVector fields = PartFields(spec);
  for (const char* name : kTimerFields) fields.push_back(arrow::field(name, TimerType()));
  if (spec.ttl_us) fields.push_back(RowAges::Field());
  return fields;
}

std::vector<int> AllColumns(const Schema& schema) {
  std::vector<int> columns(static_cast<size_t>(schema.size()));
  for (int i = 0; i < schema.size(); ++i) columns[static_cast<size_t>(i)] = i;
  return columns;
}

}  // namespace

arrow::FieldVector PartFields(const StateSpec& spec) {
  arrow::FieldVector fields;
  for (const SqlField& c : spec.key.columns()) {
    fields.push_back(arrow::field("key:" + c.name, c.type.ToArrow()));
  }
  for (const SqlField& c : spec.value.columns()) {
    fields.push_back(arrow::field("value:" + c.name, c.type.ToArrow()));
  }
  return fields;
}

Status CheckGroup(const PartHeader& header, const RowKeys& keys) {
  if (!header.group) return Status::OK();
  for (const int32_t hash : keys.group_hashes) {
    if (KeyGroupOf(hash, header.max_parallelism) != *header.group) {
      return Error::Data("it holds a key of another key group");
    }
  }
  return Status::OK();
}

Status FrozenTable::Write(const PartHeader& header, KeyGroup group, std::string* out) const {
  ARROW_ASSIGN_OR_RAISE(auto writer, PartWriter::Make(header, fields));
  ARROW_RETURN_NOT_OK(WriteRows(keys->SlotsOf(group), writer.get()));
  return writer->Finish(out);
}

size_t FrozenTable::RowsOfBatch(std::span<const Slot> slots) const {
  const size_t most = std::min(slots.size(), kRowsPerPartBatch);
  size_t bytes = 0;
  for (size_t row = 0; row < most; ++row) {
    for (const FrozenColumn& column : columns) bytes += column.bytes_of(slots[row]);
    if (bytes > kBytesPerPartBatch) return std::max<size_t>(row, 1);
  }
  return most;
}

Status FrozenTable::WriteRows(std::span<const Slot> rest, PartWriter* writer) const {
  std::vector<std::string_view> key_bytes;
  while (!rest.empty()) {
    const auto slots = rest.first(RowsOfBatch(rest));
    rest = rest.subspan(slots.size());
    key_bytes.clear();
    for (const Slot slot : slots) key_bytes.push_back(keys->key(slot));
    ARROW_ASSIGN_OR_RAISE(auto key_rows, encoder.Decode(key_bytes));
    arrow::ArrayVector arrays = key_rows->columns();
    for (const FrozenColumn& column : columns) {
      ARROW_ASSIGN_OR_RAISE(arrays.emplace_back(), column.Get(slots));
    }
    for (const auto& times : timers) {
      ARROW_ASSIGN_OR_RAISE(arrays.emplace_back(), GatherTimers(times, slots));
    }
    if (ages) {
      ARROW_ASSIGN_OR_RAISE(arrays.emplace_back(),
                            GatherFixed(*ages, RowAges::Field()->type(), slots));
    }
    ARROW_RETURN_NOT_OK(writer->Write(arrays));
  }
  return Status::OK();
}

Result<std::unique_ptr<MemoryTable>> MemoryTable::Make(const StateSpec& spec, KeyGroupRange range,
                                                       int max_parallelism) {
  ARROW_ASSIGN_OR_RAISE(auto encoder,
                        KeyEncoder::Make(spec.key, AllColumns(spec.key), spec.group_keys));
  return std::unique_ptr<MemoryTable>(
      new MemoryTable(spec, std::move(encoder), range, max_parallelism));
}

MemoryTable::MemoryTable(const StateSpec& spec, KeyEncoder encoder, KeyGroupRange range,
                         int max_parallelism)
    : encoder_(std::move(encoder)),
      fields_(TableFields(spec)),
      index_(spec.name, range, max_parallelism),
      versions_(range) {
  for (const SqlField& c : spec.value.columns()) columns_.emplace_back(c.type.ToArrow(), this);
  if (spec.ttl_us) ages_.emplace(*spec.ttl_us);
}

Status MemoryTable::FindOrInsert(const RowKeys& keys, std::span<Slot> slots,
                                 std::span<uint8_t> inserted) {
  ARROW_RETURN_NOT_OK(InsertKeys(keys, slots, inserted));
  if (!ages_) return Status::OK();
  for (size_t i = 0; i < slots.size(); ++i) {
    if (!IsOver(slots[i])) continue;
    Reset(slots[i]);
    inserted[i] = 1;
  }
  return Status::OK();
}

Status MemoryTable::InsertKeys(const RowKeys& keys, std::span<Slot> slots,
                               std::span<uint8_t> inserted) {
  return index_.FindOrInsert(
      keys, slots, inserted, [this](uint32_t capacity) { Grow(capacity); },
      [this](Slot slot) { OnFirstWrite(slot); });
}

void MemoryTable::Grow(uint32_t capacity) {
  for (ValueColumn& column : columns_) column.Grow(capacity);
  if (ages_) ages_->Grow(capacity);
}

Status MemoryTable::Find(const RowKeys& keys, std::span<Slot> slots) const {
  index_.Find(keys, slots);
  if (!ages_) return Status::OK();
  for (Slot& slot : slots) {
    if (slot != kNoSlot && IsOver(slot)) slot = kNoSlot;
  }
  return Status::OK();
}

FixedColumn& MemoryTable::Fixed(int i) { return *column(i).fixed(); }
const FixedColumn& MemoryTable::Fixed(int i) const { return *column(i).fixed(); }

Result<std::shared_ptr<arrow::Array>> MemoryTable::Get(int i, std::span<const Slot> slots) const {
  return column(i).Get(slots);
}

Status MemoryTable::Set(int i, std::span<const Slot> slots, const arrow::Array& values) {
  return column(i).Set(slots, values);
}

Status MemoryTable::Erase(std::span<const Slot> slots) {
  for (const Slot slot : slots) {
    if (!index_.Has(slot)) continue;
    Reset(slot);
    if (observer_ != nullptr && !loading_) observer_->OnErase(slot);
    index_.Erase(slot);
  }
  return Status::OK();
}

void MemoryTable::Reset(Slot slot) {
  OnFirstWrite(slot);
  for (ValueColumn& column : columns_) column.Reset(slot);
  for (TimerQueue& timers : timers_) timers.Clear(slot);
}

Status MemoryTable::BeginCall(int64_t now_us) {
  if (!ages_ || now_us <= ages_->now_us()) return Status::OK();
  for (const Slot slot : touched_) ForgetWrites(slot);
  touched_.clear();
  std::vector<Slot> over;
  ages_->Advance(now_us, index_.end(), [&](Slot slot) {
    if (index_.Has(slot) && IsOver(slot)) over.push_back(slot);
  });
  return Erase(over);
}

Result<std::shared_ptr<arrow::RecordBatch>> MemoryTable::Keys(std::span<const Slot> slots) const {
  std::vector<std::string_view> keys;
  keys.reserve(slots.size());
  for (const Slot slot : slots) keys.push_back(index_.key(slot));
  return encoder_.Decode(keys);
}

size_t MemoryTable::Scan(uint32_t from, std::span<Slot> out, uint32_t* next) const {
  size_t found = 0;
  for (; from < index_.end() && found < out.size(); ++from) {
    if (index_.Has(Slot{from}) && !IsOver(Slot{from})) out[found++] = Slot{from};
  }
  *next = from < index_.end() ? from : 0;
  return found;
}

int64_t MemoryTable::memory_bytes() const {
  int64_t bytes = index_.memory_bytes();
  for (const ValueColumn& column : columns_) bytes += column.memory_bytes();
  for (const TimerQueue& timers : timers_) bytes += timers.memory_bytes();
  if (ages_) bytes += ages_->memory_bytes();
  return bytes;
}

Status MemoryTable::SetTimers(TimeDomain domain, std::span<const Slot> slots,
                              std::span<const int64_t> times_us) {
  for (size_t i = 0; i < slots.size(); ++i) {
    OnFirstWrite(slots[i]);
    timers(domain).Set(slots[i], times_us[i], index_.end());
  }
  return Status::OK();
}

Status MemoryTable::PopDue(TimeDomain domain, int64_t time_us, size_t max, std::vector<Slot>* slots,
                           std::vector<int64_t>* times_us) {
  std::vector<Slot> over;
  while (slots->empty() && NextTimer(domain) <= time_us && NextTimer(domain) < TimerSet::kNone) {
    timers(domain).PopDue(time_us, max, slots, times_us);
    size_t kept = 0;
    for (size_t i = 0; i < slots->size(); ++i) {
      const Slot slot = (*slots)[i];
      if (IsOver(slot)) {
        over.push_back(slot);
        continue;
      }
      Changed(slot);
      (*slots)[kept] = slot;
      (*times_us)[kept++] = (*times_us)[i];
    }
    slots->resize(kept);
    times_us->resize(kept);
  }
  return Erase(over);
}

Result<std::shared_ptr<const FrozenState>> MemoryTable::Freeze() { return FreezePages(); }

std::shared_ptr<FrozenTable> MemoryTable::FreezePages() {
  auto frozen =
      std::make_shared<FrozenTable>(encoder_, index_.Freeze(), versions_.Freeze(), fields_);
  for (ValueColumn& column : columns_) frozen->columns.push_back(column.Freeze());
  for (size_t d = 0; d < timers_.size(); ++d) frozen->timers[d] = timers_[d].Freeze();
  if (ages_) frozen->ages = ages_->Freeze();
  return frozen;
}

Status MemoryTable::Restore(const PartHeader& expected, std::string_view bytes, ItemShare) {
  return ReadPart(expected, fields_, bytes,
                  [&](const arrow::RecordBatch& rows) { return RestoreRows(expected, rows); });
}

Status MemoryTable::RestoreRows(const PartHeader& expected, const arrow::RecordBatch& rows) {
  RowKeys keys;
  ARROW_RETURN_NOT_OK(encoder_.Encode(rows, &keys));
  ARROW_RETURN_NOT_OK(CheckGroup(expected, keys));
  std::vector<Slot> slots(keys.hashes.size());
  ARROW_ASSIGN_OR_RAISE(const bool all_new, index_.InsertNew(
                                                keys, expected.group.value_or(KeyGroup{0}), slots,
                                                [this](uint32_t capacity) { Grow(capacity); },
                                                [this](Slot slot) { OnFirstWrite(slot); }));
  if (!all_new) return Error::Data("it holds a key that was restored before");
  int c = encoder_.key_schema().size();
  for (ValueColumn& column : columns_) ARROW_RETURN_NOT_OK(column.Set(slots, *rows.column(c++)));
  for (TimerQueue& queue : timers_) {
    const auto& times = static_cast<const arrow::TimestampArray&>(*rows.column(c++));
    for (size_t i = 0; i < slots.size(); ++i) {
      const auto row = static_cast<int64_t>(i);
      if (times.IsValid(row)) queue.Set(slots[i], times.Value(row), index_.end());
    }
  }
  if (!ages_) return Status::OK();
  const auto& written = static_cast<const arrow::TimestampArray&>(*rows.column(c));
  for (size_t i = 0; i < slots.size(); ++i) {
    const auto row = static_cast<int64_t>(i);
    if (written.IsValid(row)) ages_->Set(slots[i], written.Value(row));
  }
  return Status::OK();
}

void MemoryTable::AppendRow(Slot slot, std::string* out) const {
  const auto append = [out](int64_t value) {
    out->append(reinterpret_cast<const char*>(&value), sizeof value);
  };
  if (ages_) append(ages_->Get(slot));
  for (const TimerQueue& queue : timers_) append(queue.TimeOf(slot));
  for (const ValueColumn& column : columns_) column.AppendValue(slot, out);
}

Status MemoryTable::Load(const RowKeys& keys, std::span<const std::string> rows,
                         std::span<Slot> slots, std::span<uint8_t> inserted) {
  loading_ = true;
  const Status found = InsertKeys(keys, slots, inserted);
  for (size_t i = 0; found.ok() && i < rows.size(); ++i) {
    if (inserted[i] == 0) continue;
    std::string_view bytes = rows[i];
    const auto take = [&bytes] {
      int64_t value;
      std::memcpy(&value, bytes.data(), sizeof value);
      bytes.remove_prefix(sizeof value);
      return value;
    };
    if (ages_) ages_->Set(slots[i], take());
    for (TimerQueue& queue : timers_) queue.Set(slots[i], take(), index_.end());
    for (ValueColumn& column : columns_) column.TakeValue(slots[i], &bytes);
    ForgetWrites(slots[i]);
  }
  loading_ = false;
  return found;
}

Status MemoryTable::Unload(std::span<const Slot> slots) {
  loading_ = true;
  const Status erased = Erase(slots);
  loading_ = false;
  return erased;
}

void MemoryTable::ForgetWrites(Slot slot) {
  for (ValueColumn& column : columns_) {
    if (column.fixed() != nullptr) column.fixed()->ForgetWrite(slot);
  }
}

}  // namespace millrace

#include "operators/distinct.h"

#include <utility>

#include <arrow/array.h>
#include <arrow/array/util.h>
#include <arrow/record_batch.h>
#include <arrow/scalar.h>
#include <arrow/type.h>

namespace millrace {

StateSpec Distinct::StateOf(std::string name, const Schema& keys,
                            std::span<const SqlType> arguments) {
  StateSpec spec;
  spec.name = std::move(name);
  spec.key = keys;
  spec.group_keys = keys.size();
  for (size_t i = 0; i < arguments.size(); ++i) {
    spec.key.Add("argument" + std::to_string(i), arguments[i]);
  }
  spec.value.Add("copies", SqlType::BigInt());
  return spec;
}

Result<Distinct> Distinct::Make(const StateSpec& spec, int keys) {
  std::vector<int> columns;
  for (int i = 0; i < spec.key.size(); ++i) columns.push_back(i);
  ARROW_ASSIGN_OR_RAISE(auto encoder, KeyEncoder::Make(spec.key, std::move(columns), keys));
  return Distinct(std::move(encoder), spec.key.ToArrow());
}

Status Distinct::Count(KeyedTable& table, const arrow::ArrayVector& keys,
                       std::span<const ColumnValue> arguments, std::span<const int8_t> signs,
                       std::vector<uint8_t>* skip) {
  const auto rows = static_cast<int64_t>(skip->size());
  arrow::ArrayVector columns = keys;
  for (const ColumnValue& argument : arguments) {
    auto array = argument.array;
    if (argument.constant) {
      ARROW_ASSIGN_OR_RAISE(const auto value, array->GetScalar(0));
      ARROW_ASSIGN_OR_RAISE(array, arrow::MakeArrayFromScalar(*value, rows));
    }
    if (array->null_count() > 0) {
      for (int64_t i = 0; i < rows; ++i) {
        if (array->IsNull(i)) (*skip)[static_cast<size_t>(i)] = 1;
      }
    }
    columns.push_back(std::move(array));
  }
  ARROW_RETURN_NOT_OK(encoder_.Encode(*arrow::RecordBatch::Make(schema_, rows, columns), &keys_));
  slots_.resize(skip->size());
  inserted_.resize(skip->size());
  ARROW_RETURN_NOT_OK(table.FindOrInsert(keys_, slots_, inserted_));
  FixedColumn& copies = table.Fixed(0);
  for (size_t i = 0; i < slots_.size(); ++i) {
    if ((*skip)[i]) continue;
    const bool retract = !signs.empty() && signs[i] < 0;
    int64_t& n = copies.Mut<int64_t>(slots_[i]);
    // A copy that never came cannot go.
    (*skip)[i] = retract ? n != 1 : n != 0;
    if (!retract || n > 0) n += retract ? -1 : 1;
  }
  gone_.clear();
  for (Slot& slot : slots_) {
    if (copies.Get<int64_t>(slot) == 0) gone_.push_back(std::exchange(slot, kNoSlot));
  }
  return table.Erase(gone_);
}

Status Distinct::Expire(TimerSet& timers, int state, WindowClock& clock,
                        std::span<const int64_t> ends, int64_t delay_us) const {
  std::vector<Slot> slots;
  std::vector<int64_t> slot_ends;
  for (size_t i = 0; i < slots_.size(); ++i) {
    if (slots_[i] == kNoSlot) continue;
    slots.push_back(slots_[i]);
    slot_ends.push_back(ends[i]);
  }
  return clock.Set(timers, state, slots, slot_ends, delay_us);
}

}  // namespace millrace

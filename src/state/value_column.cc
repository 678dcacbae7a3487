#include "state/value_column.h"

#include <cstring>
#include <limits>
#include <string_view>
#include <utility>
#include <vector>

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/builder.h>
#include <arrow/type.h>
#include <arrow/util/bit_util.h>

#include "state/value_codec.h"
#include "types/shared_buffer.h"

namespace millrace {
namespace {

/// Of STRING and BINARY, without a builder's call for each.
Result<std::shared_ptr<arrow::Array>> GatherText(const BytesColumn::Pages& pages,
                                                 const std::shared_ptr<arrow::DataType>& type,
                                                 std::span<const Slot> slots) {
  const auto rows = static_cast<int64_t>(slots.size());
  std::vector<int32_t> offsets = {0};
  offsets.reserve(slots.size() + 1);
  std::shared_ptr<arrow::Buffer> valid;
  int64_t size = 0, nulls = 0;
  for (size_t i = 0; i < slots.size(); ++i) {
    if (BytesColumn::Has(pages, slots[i])) {
      size += static_cast<int64_t>(BytesColumn::Get(pages, slots[i]).size());
    } else {
      if (!valid) {
        ARROW_ASSIGN_OR_RAISE(valid, arrow::AllocateBitmap(rows));
        arrow::bit_util::SetBitsTo(valid->mutable_data(), 0, rows, true);
      }
      arrow::bit_util::ClearBit(valid->mutable_data(), static_cast<int64_t>(i));
      ++nulls;
    }
    if (size > std::numeric_limits<int32_t>::max()) {
      return Error::Data("the texts of a batch exceed 2 GB");
    }
    offsets.push_back(static_cast<int32_t>(size));
  }
  ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> bytes, arrow::AllocateBuffer(size));
  auto* out = reinterpret_cast<char*>(bytes->mutable_data());
  for (const Slot slot : slots) {
    if (!BytesColumn::Has(pages, slot)) continue;
    const std::string_view value = BytesColumn::Get(pages, slot);
    out += value.copy(out, value.size());
  }
  auto ends = arrow::Buffer::FromVector(std::move(offsets));
  return arrow::MakeArray(arrow::ArrayData::Make(
      type, rows, {std::move(valid), std::move(ends), std::move(bytes)}, nulls));
}

Result<std::shared_ptr<arrow::Array>> GatherBytes(const BytesColumn::Pages& pages,
                                                  const std::shared_ptr<arrow::DataType>& type,
                                                  std::span<const Slot> slots) {
  if (type->id() == arrow::Type::STRING || type->id() == arrow::Type::BINARY) {
    return GatherText(pages, type, slots);
  }
  ARROW_ASSIGN_OR_RAISE(auto builder, arrow::MakeBuilder(type));
  ARROW_RETURN_NOT_OK(builder->Reserve(static_cast<int64_t>(slots.size())));
  for (const Slot slot : slots) {
    ARROW_RETURN_NOT_OK(BytesColumn::Has(pages, slot)
                            ? DecodeValue(*type, BytesColumn::Get(pages, slot), builder.get())
                            : builder->AppendNull());
  }
  return builder->Finish();
}

bool IsShared(const arrow::Array& values) {
  if (values.type_id() != arrow::Type::BINARY && values.type_id() != arrow::Type::STRING) {
    return false;
  }
  const auto bytes = static_cast<const arrow::BinaryArray&>(values).value_data();
  return dynamic_cast<const SharedBuffer*>(bytes.get()) != nullptr;
}

}  // namespace

Result<std::shared_ptr<arrow::Array>> FrozenColumn::Get(std::span<const Slot> slots) const {
  return FixedWidth(*type) > 0 ? GatherFixed(fixed, type, slots) : GatherBytes(bytes, type, slots);
}

ValueColumn::ValueColumn(std::shared_ptr<arrow::DataType> type, WriteListener* listener)
    : type_(std::move(type)), listener_(listener) {
  if (const int width = FixedWidth(*type_)) {
    fixed_ = std::make_unique<MemoryFixedColumn>(width, listener);
  }
}

void ValueColumn::Grow(uint32_t slots) {
  if (fixed_) {
    fixed_->Grow(slots);
  } else {
    bytes_.Grow(slots);
  }
}

void ValueColumn::Reset(Slot slot) {
  if (fixed_) {
    fixed_->Reset(slot);
  } else {
    bytes_.Remove(slot);
  }
}

Result<std::shared_ptr<arrow::Array>> ValueColumn::Get(std::span<const Slot> slots) const {
  return fixed_ ? GatherFixed(fixed_->pages(), type_, slots)
                : GatherBytes(bytes_.pages(), type_, slots);
}

Status ValueColumn::Set(std::span<const Slot> slots, const arrow::Array& values) {
  if (values.length() != static_cast<int64_t>(slots.size()) || !values.type()->Equals(*type_)) {
    return Error::Internal("a state column of " + type_->ToString() + " was set for " +
                           std::to_string(slots.size()) + " rows from " +
                           std::to_string(values.length()) + " values of " +
                           values.type()->ToString());
  }
  if (fixed_) {
    fixed_->Set(slots, values);
    return Status::OK();
  }
  const bool shared = IsShared(values);
  for (size_t i = 0; i < slots.size(); ++i) {
    const auto row = static_cast<int64_t>(i);
    if (listener_ != nullptr) listener_->OnFirstWrite(slots[i]);
    if (values.IsNull(row)) {
      bytes_.Remove(slots[i]);
      continue;
    }
    if (shared) {
      const auto& array = static_cast<const arrow::BinaryArray&>(values);
      bytes_.Share(slots[i], arrow::SliceBuffer(array.value_data(), array.value_offset(row),
                                                array.value_length(row)));
      continue;
    }
    encoded_.clear();
    EncodeValue(values, row, &encoded_);
    bytes_.Put(slots[i], encoded_);
  }
  return Status::OK();
}

void ValueColumn::AppendValue(Slot slot, std::string* out) const {
  if (fixed_) {
    out->push_back(static_cast<char>(fixed_->IsNull(slot)));
    out->append(fixed_->Bytes(slot));
    return;
  }
  const bool valid = bytes_.Has(slot);
  const std::string_view value = valid ? bytes_.Get(slot) : std::string_view();
  const auto length = static_cast<uint32_t>(value.size()) + (valid ? 1 : 0);  // 0: NULL
  out->append(reinterpret_cast<const char*>(&length), sizeof length);
  out->append(value);
}

void ValueColumn::TakeValue(Slot slot, std::string_view* bytes) {
  if (fixed_) {
    const bool null = bytes->front() != 0;
    bytes->remove_prefix(1);
    const size_t width = fixed_->Bytes(slot).size();
    fixed_->SetBytes(slot, bytes->substr(0, width));
    fixed_->SetNull(slot, null);
    bytes->remove_prefix(width);
    return;
  }
  uint32_t length;
  std::memcpy(&length, bytes->data(), sizeof length);
  bytes->remove_prefix(sizeof length);
  if (length == 0) return bytes_.Remove(slot);
  bytes_.Put(slot, bytes->substr(0, length - 1));
  bytes->remove_prefix(length - 1);
}

FrozenColumn ValueColumn::Freeze() {
  return fixed_ ? FrozenColumn{type_, fixed_->Freeze(), {}}
                : FrozenColumn{type_, {}, bytes_.pages()};
}

int64_t ValueColumn::memory_bytes() const {
  return fixed_ ? fixed_->memory_bytes() : bytes_.memory_bytes();
}

}  // namespace millrace

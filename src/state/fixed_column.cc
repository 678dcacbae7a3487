#include "state/fixed_column.h"

#include <algorithm>
#include <cstring>

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/type.h>
#include <arrow/type_traits.h>
#include <arrow/util/bit_util.h>

namespace millrace {
namespace {

constexpr uint32_t kWordsOfPage = (1u << FixedColumn::kPageShift) / 64;

// The copies have constant sizes, so that each becomes one move.
template <int width>
void CopyOut(const FixedPages& pages, std::span<const Slot> slots, uint8_t* out) {
  for (size_t i = 0; i < slots.size(); ++i) {
    const uint32_t s = Raw(slots[i]);
    const char* values = pages.page(s >> FixedColumn::kPageShift).data.get();
    std::memcpy(out + i * width, values + (s & FixedColumn::kPageMask) * width, width);
  }
}

void CopyOut(int width, const FixedPages& pages, std::span<const Slot> slots, uint8_t* out) {
  switch (width) {
    case 1:
      return CopyOut<1>(pages, slots, out);
    case 2:
      return CopyOut<2>(pages, slots, out);
    case 4:
      return CopyOut<4>(pages, slots, out);
    case 8:
      return CopyOut<8>(pages, slots, out);
    default:
      return CopyOut<16>(pages, slots, out);
  }
}

Result<std::shared_ptr<arrow::Buffer>> PackBits(const uint8_t* bytes, size_t n) {
  ARROW_ASSIGN_OR_RAISE(auto bits, arrow::AllocateEmptyBitmap(static_cast<int64_t>(n)));
  for (size_t i = 0; i < n; ++i) {
    if (bytes[i]) arrow::bit_util::SetBit(bits->mutable_data(), static_cast<int64_t>(i));
  }
  return bits;
}

}  // namespace

FixedPage::FixedPage(const FixedPage& other)
    : Counted(), size(other.size), data(new char[other.size]) {
  std::memcpy(data.get(), other.data.get(), size);
}

int FixedWidth(const arrow::DataType& type) {
  if (type.id() == arrow::Type::BOOL) return 1;
  if (!arrow::is_primitive(type.id()) && !arrow::is_decimal(type.id())) return 0;
  const int width = type.byte_width();
  return width <= 16 ? width : 0;
}

Result<std::shared_ptr<arrow::Array>> GatherFixed(const FixedPages& pages,
                                                  const std::shared_ptr<arrow::DataType>& type,
                                                  std::span<const Slot> slots) {
  const int width = FixedWidth(*type);
  const uint32_t null_bits = static_cast<uint32_t>(width) << FixedColumn::kPageShift;
  const auto rows = static_cast<int64_t>(slots.size());
  ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> values, arrow::AllocateBuffer(rows * width));
  CopyOut(width, pages, slots, values->mutable_data());
  if (type->id() == arrow::Type::BOOL) {
    ARROW_ASSIGN_OR_RAISE(values, PackBits(values->data(), slots.size()));
  }
  std::shared_ptr<arrow::Buffer> valid;
  int64_t nulls = 0;
  for (size_t i = 0; i < slots.size(); ++i) {
    const uint32_t s = Raw(slots[i]);
    const uint32_t in_page = s & FixedColumn::kPageMask;
    const char* page = pages.page(s >> FixedColumn::kPageShift).data.get();
    if (!((page[null_bits + (in_page >> 3)] >> (in_page & 7)) & 1)) continue;
    if (!valid) {
      ARROW_ASSIGN_OR_RAISE(valid, arrow::AllocateBitmap(rows));
      arrow::bit_util::SetBitsTo(valid->mutable_data(), 0, rows, true);
    }
    arrow::bit_util::ClearBit(valid->mutable_data(), static_cast<int64_t>(i));
    ++nulls;
  }
  return arrow::MakeArray(
      arrow::ArrayData::Make(type, rows, {std::move(valid), std::move(values)}, nulls));
}

void MemoryFixedColumn::Grow(uint32_t slots) {
  while ((static_cast<uint64_t>(tree_.size()) << kPageShift) < slots) {
    auto* page = new FixedPage(page_bytes());
    tree_.Add(page);
    pages_.push_back(page->data.get());
    // A page without a listener is written as a whole.
    written_.resize(written_.size() + kWordsOfPage, listener_ == nullptr ? ~uint64_t{0} : 0);
  }
}

void MemoryFixedColumn::Reset(Slot slot) {
  const uint32_t s = Raw(slot);
  if (!IsWritten(s)) OnFirstWrite(s);
  std::memset(pages_[s >> kPageShift] + (s & kPageMask) * static_cast<uint32_t>(width_), 0,
              static_cast<size_t>(width_));
  SetNull(slot, false);
}

template <size_t width>
void MemoryFixedColumn::SetValid(std::span<const Slot> slots, const uint8_t* in) {
  for (const Slot slot : slots) {
    const uint32_t s = Raw(slot);
    if (!IsWritten(s)) OnFirstWrite(s);
    std::memcpy(pages_[s >> kPageShift] + (s & kPageMask) * width, in, width);
    SetNull(slot, false);
    in += width;
  }
}

void MemoryFixedColumn::Set(std::span<const Slot> slots, const arrow::Array& values) {
  const arrow::ArrayData& data = *values.data();
  const uint8_t* in = data.buffers[1] ? data.buffers[1]->data() : nullptr;
  const bool packed = values.type_id() == arrow::Type::BOOL;
  const auto width = static_cast<size_t>(width_);
  if (!packed && values.null_count() == 0) {
    const uint8_t* from = in + static_cast<size_t>(data.offset) * width;
    switch (width_) {
      case 1:
        return SetValid<1>(slots, from);
      case 2:
        return SetValid<2>(slots, from);
      case 4:
        return SetValid<4>(slots, from);
      case 8:
        return SetValid<8>(slots, from);
      default:
        return SetValid<16>(slots, from);
    }
  }
  for (size_t i = 0; i < slots.size(); ++i) {
    const auto row = static_cast<int64_t>(i);
    if (values.IsNull(row)) {
      Reset(slots[i]);
      SetNull(slots[i], true);
      continue;
    }
    const uint32_t s = Raw(slots[i]);
    if (!IsWritten(s)) OnFirstWrite(s);
    char* out = pages_[s >> kPageShift] + (s & kPageMask) * width;
    if (packed) {
      *out = static_cast<char>(arrow::bit_util::GetBit(in, data.offset + row));
    } else {
      std::memcpy(out, in + static_cast<size_t>(data.offset + row) * width, width);
    }
    SetNull(slots[i], false);
  }
}

FixedPages MemoryFixedColumn::Freeze() {
  std::fill(written_.begin(), written_.end(), uint64_t{0});
  return tree_;
}

int64_t MemoryFixedColumn::memory_bytes() const {
  return static_cast<int64_t>(tree_.size()) * (page_bytes() + sizeof(FixedPage)) +
         static_cast<int64_t>(written_.capacity() * sizeof(uint64_t));
}

void MemoryFixedColumn::OnFirstWrite(uint32_t s) {
  const uint32_t page = s >> kPageShift;
  pages_[page] = tree_.Mut(page).data.get();
  if (listener_ == nullptr) {
    std::fill_n(&written_[page * kWordsOfPage], kWordsOfPage, ~uint64_t{0});
  } else {
    written_[s >> 6] |= uint64_t{1} << (s & 63);
    listener_->OnFirstWrite(Slot{s});
  }
}

}  // namespace millrace

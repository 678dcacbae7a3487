#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/type_fwd.h>

#include "base/prefetch.h"
#include "state/page_tree.h"
#include "state/state.h"

namespace millrace {

/// Byte strings of 1,024 slots. Short ones lie one after the other, and the page is packed anew
/// when more than half of it is dead; long ones are shared with the copies of the page.
class BytesPage : public Counted {
 public:
  static constexpr uint32_t kSlots = 1u << FixedColumn::kPageShift;

  BytesPage() { at_.fill(kAbsent); }

  bool Has(uint32_t in_page) const { return at_[in_page] != kAbsent; }
  /// Of a slot that has one.
  std::string_view Get(uint32_t in_page) const {
    const uint32_t at = at_[in_page];
    if (at & kLong) return Long(at & ~kLong);
    uint16_t length;
    std::memcpy(&length, &short_[at], kLengthBytes);
    return {&short_[at] + kLengthBytes, length};
  }
  void Put(uint32_t in_page, std::string_view value);
  void Share(uint32_t in_page, std::shared_ptr<const arrow::Buffer> value);
  void Remove(uint32_t in_page);
  int64_t memory_bytes() const;

  /// Ahead of a `Get`: first what tells where the bytes are, then the bytes.
  void PrefetchPlace(uint32_t in_page) const {
    Prefetch(&at_[in_page]);
    Prefetch(&short_);
  }
  void PrefetchBytes(uint32_t in_page) const {
    if (at_[in_page] < kLong) Prefetch(short_.data() + at_[in_page]);
  }

 private:
  std::string_view Long(uint32_t i) const;

  static constexpr uint32_t kAbsent = 0xffffffff;
  static constexpr uint32_t kLong = 0x80000000;  ///< the rest of the word is an index of `long_`
  static constexpr size_t kShortest = 512;       ///< of the long ones
  static constexpr size_t kLengthBytes = 2;

  void Pack();

  std::array<uint32_t, kSlots> at_;
  std::vector<char> short_;  ///< two bytes of length, then the bytes
  std::vector<std::shared_ptr<const arrow::Buffer>> long_;
  size_t dead_ = 0;       ///< bytes of `short_`
  size_t dead_long_ = 0;  ///< entries of `long_`
  int64_t long_bytes_ = 0;
};

/// Byte strings by slot.
class BytesColumn {
 public:
  using Pages = PageTree<BytesPage>;

  void Grow(uint32_t slots) {
    while ((static_cast<uint64_t>(pages_.size()) << FixedColumn::kPageShift) < slots) {
      pages_.Add(new BytesPage);
      bytes_ += pages_.page(pages_.size() - 1).memory_bytes();
    }
  }
  bool Has(Slot slot) const { return Has(pages_, slot); }
  std::string_view Get(Slot slot) const { return Get(pages_, slot); }
  void Put(Slot slot, std::string_view value) {
    Change(slot, [&](BytesPage& page, uint32_t in_page) { page.Put(in_page, value); });
  }
  /// Keeps the value without a copy: nobody may change it.
  void Share(Slot slot, std::shared_ptr<const arrow::Buffer> value) {
    Change(slot, [&](BytesPage& page, uint32_t in_page) { page.Share(in_page, std::move(value)); });
  }
  void Remove(Slot slot) {
    if (!Has(slot)) return;
    Change(slot, [](BytesPage& page, uint32_t in_page) { page.Remove(in_page); });
  }
  const Pages& pages() const { return pages_; }
  int64_t memory_bytes() const { return bytes_; }
  void PrefetchPlace(Slot slot) const { PageOf(slot).PrefetchPlace(InPage(slot)); }
  void PrefetchBytes(Slot slot) const { PageOf(slot).PrefetchBytes(InPage(slot)); }

  static bool Has(const Pages& pages, Slot slot) {
    return pages.page(Raw(slot) >> FixedColumn::kPageShift).Has(Raw(slot) & FixedColumn::kPageMask);
  }
  static std::string_view Get(const Pages& pages, Slot slot) {
    return pages.page(Raw(slot) >> FixedColumn::kPageShift).Get(Raw(slot) & FixedColumn::kPageMask);
  }

 private:
  static uint32_t InPage(Slot slot) { return Raw(slot) & FixedColumn::kPageMask; }
  const BytesPage& PageOf(Slot slot) const {
    return pages_.page(Raw(slot) >> FixedColumn::kPageShift);
  }
  template <class F>
  void Change(Slot slot, const F& change) {
    BytesPage& page = pages_.Mut(Raw(slot) >> FixedColumn::kPageShift);
    bytes_ -= page.memory_bytes();
    change(page, InPage(slot));
    bytes_ += page.memory_bytes();
  }

  Pages pages_;
  int64_t bytes_ = 0;
};

}  // namespace millrace

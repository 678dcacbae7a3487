#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include <arrow/type_fwd.h>

#include "state/page_tree.h"
#include "state/state.h"

namespace millrace {

/// Values of `FixedColumn::kPageShift` slots, then a null bit for each.
struct FixedPage : Counted {
  explicit FixedPage(uint32_t bytes) : size(bytes), data(new char[bytes]()) {}
  FixedPage(const FixedPage& other);

  const uint32_t size;
  const std::unique_ptr<char[]> data;
};

using FixedPages = PageTree<FixedPage>;

/// Bytes of a value of a fixed-width type as it is kept here; 0: the type is not of fixed width.
int FixedWidth(const arrow::DataType& type);

/// The values of `slots` as an array of `type`.
Result<std::shared_ptr<arrow::Array>> GatherFixed(const FixedPages& pages,
                                                  const std::shared_ptr<arrow::DataType>& type,
                                                  std::span<const Slot> slots);

/// Hears of a column's first write to a slot since `Freeze` or `ForgetWrite`.
class WriteListener {
 public:
  virtual void OnFirstWrite(Slot slot) = 0;

 protected:
  ~WriteListener() = default;
};

class MemoryFixedColumn final : public FixedColumn {
 public:
  /// `listener` outlives the column; may be null.
  explicit MemoryFixedColumn(int width, WriteListener* listener = nullptr)
      : FixedColumn(width), width_(width), listener_(listener) {}

  /// Makes room for slots below `slots`.
  void Grow(uint32_t slots);
  /// Back to zero, not null.
  void Reset(Slot slot);
  void Set(std::span<const Slot> slots, const arrow::Array& values);
  /// The next write counts as the first one.
  void ForgetWrite(Slot slot) { written_[Raw(slot) >> 6] &= ~(uint64_t{1} << (Raw(slot) & 63)); }
  /// A value without its null bit.
  std::string_view Bytes(Slot slot) const {
    return {pages_[Raw(slot) >> kPageShift] + Offset(slot), static_cast<size_t>(width_)};
  }
  void SetBytes(Slot slot, std::string_view value) {
    if (!IsWritten(Raw(slot))) OnFirstWrite(Raw(slot));
    value.copy(pages_[Raw(slot) >> kPageShift] + Offset(slot), value.size());
  }
  const FixedPages& pages() const { return tree_; }
  /// The pages as they are now; later writes copy them first.
  FixedPages Freeze();
  int64_t memory_bytes() const;

 private:
  void OnFirstWrite(uint32_t s) override;
  /// Of values without NULLs; the width is a constant, so that each becomes one move.
  template <size_t width>
  void SetValid(std::span<const Slot> slots, const uint8_t* in);
  size_t Offset(Slot slot) const { return (Raw(slot) & kPageMask) * static_cast<size_t>(width_); }
  uint32_t page_bytes() const { return null_bits_ + ((1u << kPageShift) >> 3); }

  const int width_;
  WriteListener* const listener_;
  FixedPages tree_;
};

}  // namespace millrace

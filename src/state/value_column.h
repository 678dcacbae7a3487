#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <arrow/type_fwd.h>

#include "state/bytes_page.h"
#include "state/fixed_column.h"

namespace millrace {

/// The pages of a value column at one moment. Immutable; thread-safe.
struct FrozenColumn {
  std::shared_ptr<arrow::DataType> type;
  FixedPages fixed;          ///< of a fixed-width type
  BytesColumn::Pages bytes;  ///< of any other; a slot without bytes is NULL

  Result<std::shared_ptr<arrow::Array>> Get(std::span<const Slot> slots) const;
  /// Of a value of a type without a fixed width; else 0.
  size_t bytes_of(Slot slot) const {
    return bytes.size() > 0 && BytesColumn::Has(bytes, slot) ? BytesColumn::Get(bytes, slot).size()
                                                             : 0;
  }
};

/// A column of any type, addressed by slot.
class ValueColumn {
 public:
  /// `listener` hears of writes; of each one where the type is not of fixed width.
  ValueColumn(std::shared_ptr<arrow::DataType> type, WriteListener* listener);

  void Grow(uint32_t slots);
  void Reset(Slot slot);
  Result<std::shared_ptr<arrow::Array>> Get(std::span<const Slot> slots) const;
  Status Set(std::span<const Slot> slots, const arrow::Array& values);
  /// A value as bytes that tell their length.
  void AppendValue(Slot slot, std::string* out) const;
  /// Takes what `AppendValue` wrote off the front of `bytes`.
  void TakeValue(Slot slot, std::string_view* bytes);
  /// Null where the type is not of fixed width.
  MemoryFixedColumn* fixed() { return fixed_.get(); }
  const MemoryFixedColumn* fixed() const { return fixed_.get(); }
  FrozenColumn Freeze();
  int64_t memory_bytes() const;

 private:
  std::shared_ptr<arrow::DataType> type_;
  WriteListener* listener_;
  std::unique_ptr<MemoryFixedColumn> fixed_;
  BytesColumn bytes_;
  std::string encoded_;
};

}  // namespace millrace

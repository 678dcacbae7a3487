#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

#include <arrow/type_fwd.h>

#include "types/sql_type.h"

namespace millrace {

/// Leaves new elements uninitialised: they are written right after.
template <class T>
struct UninitializedAllocator : std::allocator<T> {
  template <class U>
  struct rebind {
    using other = UninitializedAllocator<U>;
  };
  template <class U>
  void construct(U* at) noexcept {
    ::new (static_cast<void*>(at)) U;
  }
  template <class U, class... Args>
  void construct(U* at, Args&&... args) {
    ::new (static_cast<void*>(at)) U(std::forward<Args>(args)...);
  }
};

/// The values of a column of any SQL type while they are collected. Unlike Arrow's builders it can
/// be cut back, so that a row that turns out bad half-way is undone, and whole runs of values can
/// be written in place. One thread. Memory grows by doubling; running out of it throws
/// std::bad_alloc.
class ColumnBuffer {
 public:
  explicit ColumnBuffer(const SqlType& type);

  const SqlType& type() const { return type_; }
  int64_t size() const { return size_; }

  /// A value of a fixed-width type in its Arrow form (BOOLEAN: uint8_t 0 or 1, DECIMAL: __int128).
  template <class T>
  void Append(T value) {
    const size_t at = values_.size();
    values_.resize(at + sizeof(T));
    std::memcpy(values_.data() + at, &value, sizeof(T));
    Added(true);
  }
  void AppendBytes(std::string_view bytes) {
    values_.insert(values_.end(), bytes.begin(), bytes.end());
    offsets_.push_back(static_cast<int32_t>(values_.size()));
    Added(true);
  }
  /// Ends an ARRAY or MAP: its elements are what the children got since the last one.
  void AppendList();
  /// Ends a ROW: each child has got one value.
  void AppendRow() { Added(true); }
  /// NULL; the children of a ROW get one too.
  void AppendNull();

  /// Room for `n` more values of a fixed-width type, all valid, to be written by the caller.
  template <class T>
  T* Extend(int64_t n) {
    const size_t at = values_.size();
    values_.resize(at + sizeof(T) * static_cast<size_t>(n));
    size_ += n;
    if (!valid_.empty()) valid_.resize(static_cast<size_t>(size_), 1);
    return reinterpret_cast<T*>(values_.data() + at);
  }
  /// For strings: room for `n` more values of `bytes` in all. The caller writes the bytes, and the
  /// end of each value within them plus `base`.
  struct Text {
    char* bytes;
    int32_t* ends;
    int32_t base;
  };
  Text ExtendText(int64_t n, int64_t bytes);
  /// Gives back what `ExtendText` had too much.
  void TrimText() { values_.resize(static_cast<size_t>(offsets_.back())); }

  /// Makes a value NULL.
  void SetNull(int64_t row);

  /// Forgets the values from `rows` on.
  void Truncate(int64_t rows);

  /// The values as an array of the type's Arrow form; the buffer is empty afterwards.
  std::shared_ptr<arrow::Array> Finish();

  ColumnBuffer& child(int i) { return children_[static_cast<size_t>(i)]; }
  int num_children() const { return static_cast<int>(children_.size()); }

 private:
  using Bytes = std::vector<char, UninitializedAllocator<char>>;
  using Offsets = std::vector<int32_t, UninitializedAllocator<int32_t>>;

  void Added(bool valid) {
    ++size_;
    if (!valid_.empty()) valid_.push_back(valid ? 1 : 0);
  }
  std::shared_ptr<arrow::ArrayData> FinishData();

  SqlType type_;
  size_t width_ = 0;  ///< bytes of a value; 0: has offsets or children only
  bool has_offsets_ = false;
  int64_t size_ = 0;
  Bytes values_;
  Offsets offsets_;
  std::vector<uint8_t> valid_;  ///< a byte per value; empty: all are valid
  std::vector<ColumnBuffer> children_;
};

}  // namespace millrace

#include "types/column_buffer.h"

#include <algorithm>

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/type.h>
#include <arrow/util/bit_util.h>

namespace millrace {
namespace {

template <class Vector>
class VectorBuffer final : public arrow::Buffer {
 public:
  explicit VectorBuffer(Vector values) : arrow::Buffer(nullptr, 0), values_(std::move(values)) {
    // Arrow takes a null pointer for a missing buffer.
    static constexpr uint64_t kEmpty = 0;
    data_ = reinterpret_cast<const uint8_t*>(values_.empty() ? static_cast<const void*>(&kEmpty)
                                                             : values_.data());
    size_ = static_cast<int64_t>(values_.size() * sizeof(typename Vector::value_type));
    capacity_ = size_;
  }

 private:
  Vector values_;
};

template <class Vector>
std::shared_ptr<arrow::Buffer> BufferOf(Vector values) {
  return std::make_shared<VectorBuffer<Vector>>(std::move(values));
}

std::shared_ptr<arrow::Buffer> PackBits(const uint8_t* bytes, int64_t n) {
  std::vector<uint8_t> bits(static_cast<size_t>(arrow::bit_util::BytesForBits(n)));
  for (int64_t i = 0; i < n; ++i) {
    bits[static_cast<size_t>(i >> 3)] |= static_cast<uint8_t>((bytes[i] & 1) << (i & 7));
  }
  return BufferOf(std::move(bits));
}

size_t WidthOf(TypeKind kind) {
  switch (kind) {
    case TypeKind::kBoolean:
    case TypeKind::kTinyInt:
      return 1;
    case TypeKind::kSmallInt:
      return 2;
    case TypeKind::kInt:
    case TypeKind::kFloat:
    case TypeKind::kDate:
    case TypeKind::kTime:
    case TypeKind::kIntervalYearMonth:
      return 4;
    case TypeKind::kBigInt:
    case TypeKind::kDouble:
    case TypeKind::kTimestamp:
    case TypeKind::kTimestampLtz:
    case TypeKind::kIntervalDayTime:
      return 8;
    case TypeKind::kDecimal:
      return 16;
    default:
      return 0;
  }
}

}  // namespace

ColumnBuffer::ColumnBuffer(const SqlType& type)
    : type_(type),
      width_(WidthOf(type.kind())),
      has_offsets_(type.is_string() || type.is_binary() || type.kind() == TypeKind::kArray ||
                   type.kind() == TypeKind::kMap) {
  if (has_offsets_) offsets_.push_back(0);
  if (type.is_nested()) {
    for (const auto& field : type.fields()) children_.emplace_back(field.type);
  }
}

void ColumnBuffer::AppendList() {
  offsets_.push_back(static_cast<int32_t>(children_[0].size()));
  Added(true);
}

void ColumnBuffer::AppendNull() {
  if (valid_.empty()) valid_.assign(static_cast<size_t>(size_), 1);
  values_.resize(values_.size() + width_, 0);
  if (has_offsets_) {
    offsets_.push_back(offsets_.back());
  } else {
    for (auto& child : children_) child.AppendNull();
  }
  ++size_;
  valid_.push_back(0);
}

ColumnBuffer::Text ColumnBuffer::ExtendText(int64_t n, int64_t bytes) {
  const size_t at = values_.size();
  const size_t first = offsets_.size();
  values_.resize(at + static_cast<size_t>(bytes));
  offsets_.resize(first + static_cast<size_t>(n));
  size_ += n;
  if (!valid_.empty()) valid_.resize(static_cast<size_t>(size_), 1);
  return {values_.data() + at, offsets_.data() + first, static_cast<int32_t>(at)};
}

void ColumnBuffer::SetNull(int64_t row) {
  if (valid_.empty()) valid_.assign(static_cast<size_t>(size_), 1);
  valid_[static_cast<size_t>(row)] = 0;
  if (width_ > 0) std::memset(values_.data() + width_ * static_cast<size_t>(row), 0, width_);
}

void ColumnBuffer::Truncate(int64_t rows) {
  if (rows >= size_) return;
  const auto n = static_cast<size_t>(rows);
  size_ = rows;
  if (!valid_.empty()) valid_.resize(n);
  if (has_offsets_) {
    offsets_.resize(n + 1);
    const int32_t end = offsets_.back();
    if (children_.empty()) values_.resize(static_cast<size_t>(end));
    for (auto& child : children_) child.Truncate(end);
  } else {
    values_.resize(n * width_);
    for (auto& child : children_) child.Truncate(rows);
  }
}

std::shared_ptr<arrow::ArrayData> ColumnBuffer::FinishData() {
  std::vector<std::shared_ptr<arrow::Buffer>> buffers(1);
  int64_t nulls = 0;
  if (!valid_.empty()) {
    nulls = std::count(valid_.begin(), valid_.end(), uint8_t{0});
    if (nulls > 0) buffers[0] = PackBits(valid_.data(), size_);
  }
  auto type = type_.ToArrow();
  std::vector<std::shared_ptr<arrow::ArrayData>> children;
  for (auto& child : children_) children.push_back(child.FinishData());
  if (has_offsets_) {
    buffers.push_back(BufferOf(std::move(offsets_)));
    if (children.empty()) buffers.push_back(BufferOf(std::move(values_)));
  } else if (type_.kind() == TypeKind::kBoolean) {
    buffers.push_back(PackBits(reinterpret_cast<const uint8_t*>(values_.data()), size_));
  } else if (width_ > 0) {
    buffers.push_back(BufferOf(std::move(values_)));
  }
  if (type_.kind() == TypeKind::kMap) {
    const int64_t entries = children[0]->length;
    children = {
        arrow::ArrayData::Make(type->field(0)->type(), entries, {nullptr}, std::move(children), 0)};
  }
  if (type_.kind() == TypeKind::kNull) {
    buffers = {nullptr};
    nulls = size_;
  }
  auto data = arrow::ArrayData::Make(std::move(type), size_, std::move(buffers),
                                     std::move(children), nulls);
  size_ = 0;
  valid_.clear();
  values_ = {};
  offsets_ = {};
  if (has_offsets_) offsets_.push_back(0);
  return data;
}

std::shared_ptr<arrow::Array> ColumnBuffer::Finish() { return arrow::MakeArray(FinishData()); }

}  // namespace millrace

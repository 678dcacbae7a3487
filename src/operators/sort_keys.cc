#include "operators/sort_keys.h"

#include <bit>
#include <cmath>
#include <limits>
#include <span>
#include <type_traits>

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

// Each column is one byte, which puts NULL before or after the values, and after it the value:
// big-endian with the sign turned over, or text with every 0 as 0 255 and 0 0 at its end, so that
// no value is the beginning of another. For DESC the value's bytes are turned over.

namespace millrace {
namespace {

constexpr char kNullFirst = 0, kValue = 1, kNullLast = 2;
constexpr char kEscaped = '\xff';

/// Where each row's next byte goes.
using Cursors = std::span<size_t>;

char* WriteBigEndian(uint64_t value, size_t width, char* at) {
  for (size_t shift = 8 * width; shift > 0; shift -= 8) {
    *at++ = static_cast<char>(value >> (shift - 8));
  }
  return at;
}

/// Unsigned numbers in the order of `value`.
template <class T>
uint64_t Ordered(T value) {
  constexpr uint64_t kSign = uint64_t{1} << (8 * sizeof(T) - 1);
  if constexpr (std::is_floating_point_v<T>) {
    using Bits = std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>;
    if (std::isnan(value)) value = std::numeric_limits<T>::quiet_NaN();
    const uint64_t bits = std::bit_cast<Bits>(value == 0 ? T{0} : value);
    return bits & kSign ? ~bits : bits | kSign;
  } else {
    return static_cast<uint64_t>(value) ^ kSign;
  }
}

struct Int128Words {
  uint64_t low;
  int64_t high;
};

template <class T>
struct FixedWriter {
  const T* values;

  explicit FixedWriter(const arrow::Array& column) : values(column.data()->GetValues<T>(1)) {}
  static size_t Size(int64_t) { return sizeof(T); }
  char* Write(int64_t row, char* at) const {
    const T value = values[row];
    if constexpr (std::is_same_v<T, Int128Words>) {
      return WriteBigEndian(value.low, 8, WriteBigEndian(Ordered(value.high), 8, at));
    } else {
      return WriteBigEndian(Ordered(value), sizeof(T), at);
    }
  }
};

struct BooleanWriter {
  const arrow::BooleanArray& values;

  explicit BooleanWriter(const arrow::Array& column)
      : values(static_cast<const arrow::BooleanArray&>(column)) {}
  static size_t Size(int64_t) { return 1; }
  char* Write(int64_t row, char* at) const {
    *at = values.Value(row) ? 1 : 0;
    return at + 1;
  }
};

struct TextWriter {
  const arrow::BinaryArray& values;

  explicit TextWriter(const arrow::Array& column)
      : values(static_cast<const arrow::BinaryArray&>(column)) {}
  size_t Size(int64_t row) const {
    size_t size = 2;
    for (const char c : values.GetView(row)) size += c == 0 ? 2 : 1;
    return size;
  }
  char* Write(int64_t row, char* at) const {
    for (const char c : values.GetView(row)) {
      *at++ = c;
      if (c == 0) *at++ = kEscaped;
    }
    *at++ = 0;
    *at++ = 0;
    return at;
  }
};

/// Calls `use` with the writer of the column's type.
template <class Use>
void WithWriter(const arrow::Array& column, Use use) {
  switch (column.type_id()) {
    case arrow::Type::BOOL:
      return use(BooleanWriter(column));
    case arrow::Type::STRING:
    case arrow::Type::BINARY:
      return use(TextWriter(column));
    case arrow::Type::FLOAT:
      return use(FixedWriter<float>(column));
    case arrow::Type::DOUBLE:
      return use(FixedWriter<double>(column));
    default:
      break;
  }
  switch (column.type()->bit_width()) {
    case 8:
      return use(FixedWriter<int8_t>(column));
    case 16:
      return use(FixedWriter<int16_t>(column));
    case 32:
      return use(FixedWriter<int32_t>(column));
    case 64:
      return use(FixedWriter<int64_t>(column));
    default:
      return use(FixedWriter<Int128Words>(column));
  }
}

void AddSizes(const arrow::Array& column, Cursors sizes) {
  WithWriter(column, [&](const auto& writer) {
    for (size_t i = 0; i < sizes.size(); ++i) {
      const auto row = static_cast<int64_t>(i);
      sizes[i] += column.IsNull(row) ? 1 : 1 + writer.Size(row);
    }
  });
}

void WriteColumn(const arrow::Array& column, const SortColumn& sort, Cursors cursors, char* bytes) {
  WithWriter(column, [&](const auto& writer) {
    for (size_t i = 0; i < cursors.size(); ++i) {
      const auto row = static_cast<int64_t>(i);
      char* at = bytes + cursors[i];
      if (column.IsNull(row)) {
        *at = sort.nulls_first ? kNullFirst : kNullLast;
        ++cursors[i];
        continue;
      }
      *at++ = kValue;
      char* end = writer.Write(row, at);
      if (!sort.ascending) {
        for (; at < end; ++at) *at = static_cast<char>(~*at);
      }
      cursors[i] = static_cast<size_t>(end - bytes);
    }
  });
}

}  // namespace

Result<SortEncoder> SortEncoder::Make(const Schema& schema, std::vector<SortColumn> order) {
  for (const SortColumn& sort : order) {
    const SqlField& column = schema.column(sort.column);
    if (column.type.is_nested() || column.type.is_null()) {
      return Error::User("'" + column.name + "' is " + column.type.ToString() +
                         ", which has no order")
          .Hint("order by a field or an element of it");
    }
  }
  return SortEncoder(std::move(order));
}

void SortEncoder::Encode(const arrow::RecordBatch& rows, SortKeys* out) const {
  const auto n = static_cast<size_t>(rows.num_rows());
  std::vector<size_t> cursors(n, 0);
  for (const SortColumn& sort : order_) AddSizes(*rows.column(sort.column), cursors);
  out->offsets.resize(n + 1);
  size_t total = 0;
  for (size_t i = 0; i < n; ++i) {
    out->offsets[i] = total;
    total += cursors[i];
    cursors[i] = out->offsets[i];
  }
  out->offsets[n] = total;
  out->bytes.resize(total);
  for (const SortColumn& sort : order_) {
    WriteColumn(*rows.column(sort.column), sort, cursors, out->bytes.data());
  }
}

}  // namespace millrace

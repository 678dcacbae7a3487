#include "types/row_keys.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "types/column_buffer.h"

// The encoding, frozen: each column is one byte, 0 for NULL or 1, and after a 1 the value.
// Fixed-width values are their little-endian Arrow bytes (BOOLEAN one byte; -0.0 as 0.0, every NaN
// as one); strings and binary are a 32-bit length and the bytes; a ROW is its fields. The hash is
// XXH3 of the bytes.

namespace millrace {
namespace {

template <class T>
T Canonical(T value) {
  if constexpr (std::is_floating_point_v<T>) {
    if (value == 0) return 0;
    if (std::isnan(value)) return std::numeric_limits<T>::quiet_NaN();
  }
  return value;
}

int WidthOf(const arrow::DataType& type) {
  return type.id() == arrow::Type::BOOL ? 1 : type.bit_width() / 8;
}

bool IsText(const arrow::DataType& type) {
  return type.id() == arrow::Type::STRING || type.id() == arrow::Type::BINARY;
}

/// Adds to `sizes` what the column takes in each row. `parent` gives the row's own NULLs inside a
/// ROW.
void AddSizes(const arrow::Array& column, std::vector<uint32_t>& sizes) {
  const arrow::DataType& type = *column.type();
  const int64_t rows = column.length();
  if (type.id() == arrow::Type::STRUCT) {
    for (auto& size : sizes) ++size;
    const auto& row = static_cast<const arrow::StructArray&>(column);
    std::vector<uint32_t> inside(sizes.size(), 0);
    for (const auto& field : row.fields()) AddSizes(*field, inside);
    for (int64_t i = 0; i < rows; ++i) {
      if (!row.IsNull(i)) sizes[static_cast<size_t>(i)] += inside[static_cast<size_t>(i)];
    }
    return;
  }
  if (IsText(type)) {
    const auto& text = static_cast<const arrow::BinaryArray&>(column);
    for (int64_t i = 0; i < rows; ++i) {
      sizes[static_cast<size_t>(i)] +=
          text.IsNull(i) ? 1u : 5u + static_cast<uint32_t>(text.value_length(i));
    }
    return;
  }
  const auto width = static_cast<uint32_t>(WidthOf(type));
  for (int64_t i = 0; i < rows; ++i)
    sizes[static_cast<size_t>(i)] += column.IsNull(i) ? 1u : 1u + width;
}

/// What the column takes in every row alike, or none.
std::optional<uint32_t> CommonSize(const arrow::Array& column) {
  const arrow::DataType& type = *column.type();
  if (type.id() == arrow::Type::STRUCT || IsText(type) || column.null_count() > 0) {
    return std::nullopt;
  }
  return 1 + static_cast<uint32_t>(WidthOf(type));
}

template <class T>
void WriteFixed(const arrow::Array& column, std::span<uint32_t> cursors, char* bytes) {
  const auto* values = column.data()->GetValues<T>(1);
  const bool nulls = column.null_count() > 0;
  for (size_t i = 0; i < cursors.size(); ++i) {
    char* at = bytes + cursors[i];
    if (nulls && column.IsNull(static_cast<int64_t>(i))) {
      *at = 0;
      ++cursors[i];
      continue;
    }
    *at = 1;
    const T value = Canonical(values[i]);
    std::memcpy(at + 1, &value, sizeof(T));
    cursors[i] += 1 + sizeof(T);
  }
}

struct Wide {
  uint64_t low, high;
};

void WriteColumn(const arrow::Array& column, std::span<uint32_t> cursors, char* bytes);

void WriteText(const arrow::BinaryArray& column, std::span<uint32_t> cursors, char* bytes) {
  for (size_t i = 0; i < cursors.size(); ++i) {
    char* at = bytes + cursors[i];
    *at = column.IsNull(static_cast<int64_t>(i)) ? 0 : 1;
    ++cursors[i];
    if (*at == 0) continue;
    const std::string_view value = column.GetView(static_cast<int64_t>(i));
    const auto length = static_cast<uint32_t>(value.size());
    std::memcpy(at + 1, &length, sizeof(length));
    std::memcpy(at + 5, value.data(), value.size());
    cursors[i] += 4 + length;
  }
}

void WriteBooleans(const arrow::BooleanArray& column, std::span<uint32_t> cursors, char* bytes) {
  for (size_t i = 0; i < cursors.size(); ++i) {
    const auto row = static_cast<int64_t>(i);
    bytes[cursors[i]] = column.IsNull(row) ? 0 : 1;
    if (bytes[cursors[i]++] == 1) bytes[cursors[i]++] = column.Value(row) ? 1 : 0;
  }
}

/// Fields of NULL rows must not write: such rows are left out one by one, which only they pay for.
void WriteRow(const arrow::StructArray& column, std::span<uint32_t> cursors, char* bytes) {
  for (size_t i = 0; i < cursors.size(); ++i) {
    const auto row = static_cast<int64_t>(i);
    bytes[cursors[i]++] = column.IsNull(row) ? 0 : 1;
    if (column.IsNull(row)) continue;
    for (const auto& field : column.fields()) {
      WriteColumn(*field->Slice(row, 1), cursors.subspan(i, 1), bytes);
    }
  }
}

void WriteColumn(const arrow::Array& column, std::span<uint32_t> cursors, char* bytes) {
  const arrow::DataType& type = *column.type();
  if (type.id() == arrow::Type::STRUCT) {
    return WriteRow(static_cast<const arrow::StructArray&>(column), cursors, bytes);
  }
  if (type.id() == arrow::Type::BOOL) {
    return WriteBooleans(static_cast<const arrow::BooleanArray&>(column), cursors, bytes);
  }
  if (IsText(type))
    return WriteText(static_cast<const arrow::BinaryArray&>(column), cursors, bytes);
  if (type.id() == arrow::Type::FLOAT) return WriteFixed<float>(column, cursors, bytes);
  if (type.id() == arrow::Type::DOUBLE) return WriteFixed<double>(column, cursors, bytes);
  switch (WidthOf(type)) {
    case 1:
      return WriteFixed<uint8_t>(column, cursors, bytes);
    case 2:
      return WriteFixed<uint16_t>(column, cursors, bytes);
    case 4:
      return WriteFixed<uint32_t>(column, cursors, bytes);
    case 8:
      return WriteFixed<uint64_t>(column, cursors, bytes);
    default:
      return WriteFixed<Wide>(column, cursors, bytes);
  }
}

template <class T>
bool ReadFixed(std::string_view& key, ColumnBuffer& out) {
  if (key.size() < sizeof(T)) return false;
  T value;
  std::memcpy(&value, key.data(), sizeof(T));
  key.remove_prefix(sizeof(T));
  out.Append(value);
  return true;
}

bool ReadValue(const SqlType& type, int width, std::string_view& key, ColumnBuffer& out) {
  if (key.empty()) return false;
  const bool valid = key[0] != 0;
  key.remove_prefix(1);
  if (!valid) {
    out.AppendNull();
    return true;
  }
  if (type.kind() == TypeKind::kRow) {
    for (size_t i = 0; i < type.fields().size(); ++i) {
      const SqlType& field = type.fields()[i].type;
      const int field_width = field.is_nested() || field.is_string() || field.is_binary()
                                  ? 0
                                  : WidthOf(*field.ToArrow());
      if (!ReadValue(field, field_width, key, out.child(static_cast<int>(i)))) return false;
    }
    out.AppendRow();
    return true;
  }
  if (width == 0) {
    uint32_t length = 0;
    if (key.size() < sizeof(length)) return false;
    std::memcpy(&length, key.data(), sizeof(length));
    key.remove_prefix(sizeof(length));
    if (key.size() < length) return false;
    out.AppendBytes(key.substr(0, length));
    key.remove_prefix(length);
    return true;
  }
  switch (width) {
    case 1:
      return ReadFixed<uint8_t>(key, out);
    case 2:
      return ReadFixed<uint16_t>(key, out);
    case 4:
      return ReadFixed<uint32_t>(key, out);
    case 8:
      return ReadFixed<uint64_t>(key, out);
    default:
      return ReadFixed<Wide>(key, out);
  }
}

Status CheckKeyType(const std::string& column, const SqlType& type) {
  if (type.kind() == TypeKind::kArray || type.kind() == TypeKind::kMap || type.is_null()) {
    return Error::User("'" + column + "' is " + type.ToString() + ", which cannot be a key")
        .Hint("use a column of another type, or CAST it to STRING");
  }
  for (const SqlField& field : type.fields())
    ARROW_RETURN_NOT_OK(CheckKeyType(column + "." + field.name, field.type));
  return Status::OK();
}

uint64_t HashOf(const char* bytes, size_t size) { return XXH3_64bits(bytes, size); }

int32_t Fold(uint64_t hash) {
  return static_cast<int32_t>(static_cast<uint32_t>(hash ^ (hash >> 32)));
}

}  // namespace

Result<KeyEncoder> KeyEncoder::Make(const Schema& schema, std::vector<int> columns,
                                    int group_columns) {
  KeyEncoder encoder;
  for (const int column : columns) {
    const SqlField& field = schema.column(column);
    ARROW_RETURN_NOT_OK(CheckKeyType(field.name, field.type));
    encoder.key_schema_.Add(field.name, field.type);
  }
  encoder.group_columns_ = group_columns < 0 ? static_cast<int>(columns.size()) : group_columns;
  encoder.columns_ = std::move(columns);
  return encoder;
}

Status KeyEncoder::Encode(const arrow::RecordBatch& rows, RowKeys* out) const {
  const auto n = static_cast<size_t>(rows.num_rows());
  std::vector<uint32_t>& ends = out->offsets;
  ends.resize(n + 1);
  std::vector<uint32_t> cursors(n, 0);
  uint32_t common = 0;
  for (const int column : columns_) {
    const auto size = CommonSize(*rows.column(column));
    if (size) {
      common += *size;
    } else {
      AddSizes(*rows.column(column), cursors);
    }
  }
  uint64_t total = 0;
  for (size_t i = 0; i < n; ++i) {
    ends[i] = static_cast<uint32_t>(total);
    total += uint64_t{common} + cursors[i];
    cursors[i] = ends[i];
  }
  if (total > std::numeric_limits<uint32_t>::max())
    return Error::Data("the keys of a batch exceed 4 GB");
  ends[n] = static_cast<uint32_t>(total);
  out->bytes.resize(total);
  out->hashes.resize(n);
  out->group_hashes.resize(n);
  const auto whole = static_cast<int>(columns_.size());
  for (int c = 0; c < whole; ++c) {
    WriteColumn(*rows.column(columns_[static_cast<size_t>(c)]), cursors, out->bytes.data());
    if (c + 1 != group_columns_ || c + 1 == whole) continue;
    for (size_t i = 0; i < n; ++i) {
      out->group_hashes[i] = Fold(HashOf(out->bytes.data() + ends[i], cursors[i] - ends[i]));
    }
  }
  for (size_t i = 0; i < n; ++i)
    out->hashes[i] = HashOf(out->bytes.data() + ends[i], ends[i + 1] - ends[i]);
  if (group_columns_ == 0) {
    std::fill(out->group_hashes.begin(), out->group_hashes.end(), 0);
  } else if (group_columns_ == whole) {
    std::transform(out->hashes.begin(), out->hashes.end(), out->group_hashes.begin(), Fold);
  }
  return Status::OK();
}

Result<std::shared_ptr<arrow::RecordBatch>> KeyEncoder::Decode(
    std::span<const std::string_view> keys) const {
  std::vector<ColumnBuffer> buffers;
  std::vector<int> widths;
  for (const SqlField& column : key_schema_.columns()) {
    buffers.emplace_back(column.type);
    const bool fixed =
        !column.type.is_nested() && !column.type.is_string() && !column.type.is_binary();
    widths.push_back(fixed ? WidthOf(*column.type.ToArrow()) : 0);
  }
  for (std::string_view key : keys) {
    for (size_t c = 0; c < buffers.size(); ++c) {
      if (!ReadValue(key_schema_.column(static_cast<int>(c)).type, widths[c], key, buffers[c])) {
        return Error::Internal("a key is shorter than its columns");
      }
    }
    if (!key.empty()) return Error::Internal("a key is longer than its columns");
  }
  arrow::ArrayVector columns;
  for (ColumnBuffer& buffer : buffers) columns.push_back(buffer.Finish());
  return arrow::RecordBatch::Make(key_schema_.ToArrow(), static_cast<int64_t>(keys.size()),
                                  std::move(columns));
}

}  // namespace millrace

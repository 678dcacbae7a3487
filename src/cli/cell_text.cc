#include "cli/cell_text.h"

#include <cstdio>
#include <cstring>

#include <arrow/array.h>
#include <arrow/type.h>
#include <arrow/util/key_value_metadata.h>

#include "syntax/parser.h"
#include "types/value_text.h"

namespace millrace::cli {
namespace {

template <class Array>
auto ValueOf(const arrow::Array& values, int64_t row) {
  return static_cast<const Array&>(values).Value(row);
}

void AppendEscaped(std::string_view text, std::string* out) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n') {
      *out += "\\n";
    } else if (c == '\t') {
      *out += "\\t";
    } else if (byte < 0x20 || byte == 0x7f) {
      char code[8];
      std::snprintf(code, sizeof(code), "\\x%02x", byte);
      *out += code;
    } else {
      *out += c;
    }
  }
}

void AppendBytes(std::string_view bytes, std::string* out) {
  static constexpr char kDigits[] = "0123456789abcdef";
  *out += "x'";
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    *out += kDigits[byte >> 4];
    *out += kDigits[byte & 15];
  }
  *out += '\'';
}

void AppendMonths(int32_t months, std::string* out) {
  const int32_t size = std::abs(months);
  *out += (months < 0 ? "-" : "+") + std::to_string(size / 12) + "-" + (size % 12 < 10 ? "0" : "") +
          std::to_string(size % 12);
}

void AppendDuration(int64_t us, std::string* out) {
  constexpr int64_t kDay = 86'400'000'000;
  const int64_t size = us < 0 ? -us : us;
  *out += (us < 0 ? "-" : "+") + std::to_string(size / kDay) + " ";
  std::string clock;
  FormatTimestamp(size % kDay, size % 1'000'000 == 0 ? 0 : 6, ' ', &clock);
  *out += clock.substr(clock.find(' ') + 1);
}

void AppendList(const SqlType& element, const arrow::ListArray& list, int64_t row,
                std::string* out) {
  *out += '[';
  for (int64_t i = list.value_offset(row); i < list.value_offset(row + 1); ++i) {
    if (i > list.value_offset(row)) *out += ", ";
    AppendCell(element, *list.values(), i, out);
  }
  *out += ']';
}

void AppendMap(const SqlType& type, const arrow::MapArray& map, int64_t row, std::string* out) {
  *out += '{';
  for (int64_t i = map.value_offset(row); i < map.value_offset(row + 1); ++i) {
    if (i > map.value_offset(row)) *out += ", ";
    AppendCell(type.key(), *map.keys(), i, out);
    *out += '=';
    AppendCell(type.value(), *map.items(), i, out);
  }
  *out += '}';
}

void AppendRow(const SqlType& type, const arrow::StructArray& rows, int64_t row, std::string* out) {
  *out += '(';
  for (int i = 0; i < rows.num_fields(); ++i) {
    if (i > 0) *out += ", ";
    AppendCell(type.fields()[static_cast<size_t>(i)].type, *rows.field(i), row, out);
  }
  *out += ')';
}

void AppendDecimal(const SqlType& type, const arrow::Array& values, int64_t row, std::string* out) {
  __int128 digits = 0;
  std::memcpy(&digits, static_cast<const arrow::Decimal128Array&>(values).Value(row),
              sizeof(digits));
  FormatDecimal(digits, type.scale(), out);
}

}  // namespace

Result<Schema> SqlColumns(const arrow::Schema& schema) {
  Schema columns;
  for (const auto& field : schema.fields()) {
    const auto& metadata = field->metadata();
    const auto text =
        metadata ? metadata->Get("sql.type") : Result<std::string>(Status::KeyError(""));
    ARROW_ASSIGN_OR_RAISE(
        auto type, text.ok() ? syntax::ParseType(*text) : SqlType::FromArrow(*field->type()));
    columns.Add(field->name(), std::move(type));
  }
  return columns;
}

void AppendCell(const SqlType& type, const arrow::Array& values, int64_t row, std::string* out) {
  if (values.IsNull(row)) {
    *out += "NULL";
    return;
  }
  switch (type.kind()) {
    case TypeKind::kNull:
      *out += "NULL";
      break;
    case TypeKind::kBoolean:
      *out += ValueOf<arrow::BooleanArray>(values, row) ? "TRUE" : "FALSE";
      break;
    case TypeKind::kTinyInt:
      FormatInteger(ValueOf<arrow::Int8Array>(values, row), out);
      break;
    case TypeKind::kSmallInt:
      FormatInteger(ValueOf<arrow::Int16Array>(values, row), out);
      break;
    case TypeKind::kInt:
      FormatInteger(ValueOf<arrow::Int32Array>(values, row), out);
      break;
    case TypeKind::kBigInt:
      FormatInteger(ValueOf<arrow::Int64Array>(values, row), out);
      break;
    case TypeKind::kFloat:
      FormatFloat(ValueOf<arrow::FloatArray>(values, row), out);
      break;
    case TypeKind::kDouble:
      FormatDouble(ValueOf<arrow::DoubleArray>(values, row), out);
      break;
    case TypeKind::kDecimal:
      AppendDecimal(type, values, row, out);
      break;
    case TypeKind::kChar:
    case TypeKind::kVarChar:
      AppendEscaped(static_cast<const arrow::StringArray&>(values).GetView(row), out);
      break;
    case TypeKind::kBinary:
    case TypeKind::kVarBinary:
      AppendBytes(static_cast<const arrow::BinaryArray&>(values).GetView(row), out);
      break;
    case TypeKind::kDate:
      FormatDate(ValueOf<arrow::Date32Array>(values, row), out);
      break;
    case TypeKind::kTime:
      FormatTime(ValueOf<arrow::Time32Array>(values, row), type.precision(), out);
      break;
    case TypeKind::kTimestamp:
      FormatTimestamp(ValueOf<arrow::TimestampArray>(values, row), type.precision(), ' ', out);
      break;
    case TypeKind::kTimestampLtz:
      FormatTimestamp(ValueOf<arrow::TimestampArray>(values, row), type.precision(), ' ', out);
      *out += 'Z';
      break;
    case TypeKind::kIntervalYearMonth:
      AppendMonths(ValueOf<arrow::MonthIntervalArray>(values, row), out);
      break;
    case TypeKind::kIntervalDayTime:
      AppendDuration(ValueOf<arrow::DurationArray>(values, row), out);
      break;
    case TypeKind::kArray:
      AppendList(type.element(), static_cast<const arrow::ListArray&>(values), row, out);
      break;
    case TypeKind::kMap:
      AppendMap(type, static_cast<const arrow::MapArray&>(values), row, out);
      break;
    case TypeKind::kRow:
      AppendRow(type, static_cast<const arrow::StructArray&>(values), row, out);
      break;
  }
}

}  // namespace millrace::cli

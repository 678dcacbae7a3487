#include "formats/json_value.h"

#include <limits>

#include <arrow/util/base64.h>

#include "types/value_text.h"

namespace millrace {
namespace {

template <class T>
bool AppendJsonInteger(std::string_view text, ColumnBuffer& out, int64_t unit = 1) {
  int64_t value;
  if (!ParseInteger(text, std::numeric_limits<T>::min() / unit,
                    std::numeric_limits<T>::max() / unit, &value)) {
    return false;
  }
  out.Append(static_cast<T>(value * unit));
  return true;
}

bool AppendJsonTimestamp(std::string_view text, bool local, bool iso, ColumnBuffer& out) {
  TimestampText value;
  if (!ParseTimestamp(text, &value) || (value.has_zone && !local)) return false;
  if (text.size() > 10 && text[10] != (iso ? 'T' : ' ')) return false;
  out.Append(value.us);
  return true;
}

}  // namespace

bool IsJsonNumber(std::string_view text) {
  size_t i = text.starts_with('-') ? 1 : 0;
  const auto digits = [&] {
    const size_t from = i;
    while (i < text.size() && text[i] >= '0' && text[i] <= '9') ++i;
    return i - from;
  };
  const size_t first = i;
  const size_t whole = digits();
  if (whole == 0 || (whole > 1 && text[first] == '0')) return false;
  if (i < text.size() && text[i] == '.') {
    ++i;
    if (digits() == 0) return false;
  }
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    ++i;
    if (i < text.size() && (text[i] == '+' || text[i] == '-')) ++i;
    if (digits() == 0) return false;
  }
  return i == text.size();
}

bool AppendJsonText(std::string_view text, const SqlType& type, bool iso, ColumnBuffer& out) {
  switch (type.kind()) {
    case TypeKind::kChar:
    case TypeKind::kVarChar:
      out.AppendBytes(text);
      return true;
    case TypeKind::kBinary:
    case TypeKind::kVarBinary: {
      const auto bytes = arrow::util::base64_decode(text);
      if (!bytes.ok()) return false;
      out.AppendBytes(*bytes);
      return true;
    }
    case TypeKind::kBoolean: {
      bool value;
      if (!ParseBoolean(text, &value)) return false;
      out.Append<uint8_t>(value ? 1 : 0);
      return true;
    }
    case TypeKind::kTinyInt:
      return AppendJsonInteger<int8_t>(text, out);
    case TypeKind::kSmallInt:
      return AppendJsonInteger<int16_t>(text, out);
    case TypeKind::kInt:
    case TypeKind::kIntervalYearMonth:
      return AppendJsonInteger<int32_t>(text, out);
    case TypeKind::kBigInt:
      return AppendJsonInteger<int64_t>(text, out);
    case TypeKind::kIntervalDayTime:
      return AppendJsonInteger<int64_t>(text, out, 1000);
    case TypeKind::kFloat: {
      float value;
      if (!ParseFloat(text, &value)) return false;
      out.Append(value);
      return true;
    }
    case TypeKind::kDouble: {
      double value;
      if (!ParseDouble(text, &value)) return false;
      out.Append(value);
      return true;
    }
    case TypeKind::kDecimal: {
      __int128 value;
      if (!ParseDecimal(text, type.precision(), type.scale(), &value)) return false;
      out.Append(value);
      return true;
    }
    case TypeKind::kDate: {
      int32_t value;
      if (!ParseDate(text, &value)) return false;
      out.Append(value);
      return true;
    }
    case TypeKind::kTime: {
      int32_t value;
      if (!ParseTime(text, &value)) return false;
      out.Append(value);
      return true;
    }
    case TypeKind::kTimestamp:
      return AppendJsonTimestamp(text, false, iso, out);
    case TypeKind::kTimestampLtz:
      return AppendJsonTimestamp(text, true, iso, out);
    default:
      return false;
  }
}

}  // namespace millrace

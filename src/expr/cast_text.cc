#include <array>
#include <charconv>
#include <cmath>

#include "expr/cast_parts.h"
#include "expr/decimal.h"
#include "expr/dispatch_number.h"
#include "expr/temporal.h"
#include "expr/text_of.h"

namespace millrace::cast {
namespace {

std::string_view Trimmed(std::string_view text) {
  const auto blank = [](char c) { return static_cast<unsigned char>(c) <= ' '; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

/// Cuts or pads `text` from `start` on to the type's length.
void FitLength(const SqlType& type, size_t start, std::string* text) {
  const auto length = static_cast<size_t>(type.length());
  if (type.length() == SqlType::kMaxLength) return;
  const std::string_view added = std::string_view(*text).substr(start);
  if (type.is_binary()) {
    if (added.size() > length) text->resize(start + length);
    if (type.kind() == TypeKind::kBinary && added.size() < length)
      text->resize(start + length, '\0');
    return;
  }
  const size_t characters = added.size() <= length ? CountCharacters(added) : length + 1;
  if (characters > length)
    text->resize(start + BytesOfCharacters(added, length));
  else if (type.kind() == TypeKind::kChar)
    text->append(length - characters, ' ');
}

template <class In, class Append>
ScalarKernel TextKernel(const SqlType& to, Append append) {
  return RowKernel<std::string, In>(to, [to, append](In value, std::string& text) mutable {
    append(value, &text);
    FitLength(to, 0, &text);
  });
}

ScalarKernel NumberToText(const SqlType& from, const SqlType& to) {
  return DispatchNumber(from, [&]<class T>(T) -> ScalarKernel {
    return TextKernel<T>(to, [scale = from.scale()](T value, std::string* text) {
      if constexpr (std::is_same_v<T, Int128>)
        decimal::Append(value, scale, text);
      else if constexpr (std::is_same_v<T, double>)
        AppendDouble(value, text);
      else if constexpr (std::is_same_v<T, float>)
        AppendFloat(value, text);
      else
        *text += std::to_string(value);
    });
  });
}

ScalarKernel ZonedTimestampToText(const SqlType& from, const SqlType& to) {
  return [to, precision = from.precision()](std::span<const ColumnValue> arguments, int64_t rows,
                                            const EvalContext& context,
                                            RowErrors& errors) -> Result<ColumnValue> {
    ARROW_ASSIGN_OR_RAISE(const TimeZone found, TimeZone::Find(context.time_zone));
    return TextKernel<int64_t>(to,
                               [precision, zone = found](int64_t us, std::string* text) mutable {
                                 AppendTimestamp(zone.ToLocal(us), precision, text);
                               })(arguments, rows, context, errors);
  };
}

template <class T>
bool ParseInteger(std::string_view text, T* out) {
  // As Flink, digits after a point are checked and dropped.
  const size_t point = text.find('.');
  std::string_view whole = text.substr(0, point);
  if (point != std::string_view::npos) {
    for (const char c : text.substr(point + 1)) {
      if (c < '0' || c > '9') return false;
    }
  }
  if (whole.starts_with('+')) whole.remove_prefix(1);
  const auto [end, error] = std::from_chars(whole.data(), whole.data() + whole.size(), *out);
  return error == std::errc() && end == whole.data() + whole.size() && !text.starts_with("+-");
}

template <class T>
bool ParseReal(std::string_view text, T* out) {
  if (text.starts_with('+')) text.remove_prefix(1);
  const bool negative = text.starts_with('-');
  const std::string_view size = negative ? text.substr(1) : text;
  if (size == "NaN" || size == "Infinity") {
    *out = size == "NaN" ? std::numeric_limits<T>::quiet_NaN() : std::numeric_limits<T>::infinity();
    if (negative) *out = -*out;
    return true;
  }
  if (size.empty() || (size[0] != '.' && (size[0] < '0' || size[0] > '9'))) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *out);
  if (end != text.data() + text.size()) return false;
  if (error == std::errc::result_out_of_range) {
    // Too large or too small: what strtod gives, as Java.
    *out = static_cast<T>(std::strtod(std::string(text).c_str(), nullptr));
    return true;
  }
  return error == std::errc();
}

bool ParseBoolean(std::string_view text, bool* out) {
  std::string lower;
  for (const char c : text) lower += static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  for (const char* word : {"t", "true", "y", "yes", "1"}) {
    if (lower == word) return *out = true;
  }
  for (const char* word : {"f", "false", "n", "no", "0"}) {
    if (lower == word) {
      *out = false;
      return true;
    }
  }
  return false;
}

/// A kernel of `parse(text, out)`, which answers false where the text is malformed.
template <class Out, class Parse>
ScalarKernel ParseKernel(const SqlType& to, bool try_cast, Parse parse) {
  return RowKernel<Out, std::string_view>(
      to,
      [to, try_cast, parse](RowScope& row, std::string_view text) mutable -> std::optional<Out> {
        Out value{};
        if (parse(Trimmed(text), &value)) return value;
        if (try_cast) return std::nullopt;
        constexpr size_t kShown = 60;
        const std::string shown(text.substr(0, kShown));
        return row.Fail("cannot cast '" + shown + (text.size() > kShown ? "…" : "") + "' to " +
                        to.AsNullable().ToString());
      });
}

template <class Out, class Parse>
auto FromOptional(Parse parse) {
  return [parse](std::string_view text, Out* out) {
    const auto value = parse(text);
    if (value) *out = *value;
    return value.has_value();
  };
}

ScalarKernel ToDecimal(const SqlType& to, bool try_cast) {
  const decimal::Shape shape{to.precision(), to.scale()};
  return RowKernel<Int128, std::string_view>(
      to, [to, try_cast, shape](RowScope& row, std::string_view text) -> std::optional<Int128> {
        bool malformed = false;
        const auto value = decimal::Parse(Trimmed(text), shape, &malformed);
        if (malformed && !try_cast) {
          return row.Fail("cannot cast '" + std::string(text.substr(0, 60)) + "' to " +
                          to.AsNullable().ToString());
        }
        return value;
      });
}

ScalarKernel ToTimestamp(const SqlType& to, bool try_cast) {
  return [to, try_cast](std::span<const ColumnValue> arguments, int64_t rows,
                        const EvalContext& context, RowErrors& errors) -> Result<ColumnValue> {
    const bool zoned = to.kind() == TypeKind::kTimestampLtz;
    ARROW_ASSIGN_OR_RAISE(const TimeZone found, TimeZone::Find(zoned ? context.time_zone : "UTC"));
    const auto parse = [zone = found, zoned, precision = to.precision()](std::string_view text,
                                                                         int64_t* out) mutable {
      std::optional<int64_t> offset;
      const auto us = ParseTimestamp(text, &offset);
      if (!us) return false;
      if (zoned)
        *out = offset ? *us - *offset : zone.ToUtc(*us);
      else
        *out = *us;
      *out = TruncateToPrecision(*out, precision);
      return true;
    };
    return ParseKernel<int64_t>(to, try_cast, parse)(arguments, rows, context, errors);
  };
}

}  // namespace

ScalarKernel CastToText(const SqlType& from, const SqlType& to) {
  switch (from.kind()) {
    case TypeKind::kBoolean:
      return TextKernel<bool>(to, [](bool x, std::string* text) { *text += x ? "TRUE" : "FALSE"; });
    case TypeKind::kChar:
    case TypeKind::kVarChar:
    case TypeKind::kBinary:
    case TypeKind::kVarBinary:
      return TextKernel<std::string_view>(
          to, [](std::string_view x, std::string* text) { *text += x; });
    case TypeKind::kDate:
      return TextKernel<int32_t>(to, [](int32_t x, std::string* text) { AppendDate(x, text); });
    case TypeKind::kTime:
      return TextKernel<int32_t>(to, [precision = from.precision()](int32_t x, std::string* text) {
        AppendTime(x, precision, text);
      });
    case TypeKind::kTimestamp:
      return TextKernel<int64_t>(to, [precision = from.precision()](int64_t x, std::string* text) {
        AppendTimestamp(x, precision, text);
      });
    case TypeKind::kTimestampLtz:
      return ZonedTimestampToText(from, to);
    case TypeKind::kIntervalYearMonth:
      return TextKernel<int32_t>(to,
                                 [](int32_t x, std::string* text) { AppendYearMonth(x, text); });
    case TypeKind::kIntervalDayTime:
      return TextKernel<int64_t>(to, [](int64_t x, std::string* text) { AppendDayTime(x, text); });
    default:
      return NumberToText(from, to);
  }
}

ScalarKernel CastFromText(const SqlType& from, const SqlType& to, bool try_cast) {
  if (to.is_binary()) return CastToText(from, to);
  switch (to.kind()) {
    case TypeKind::kBoolean:
      return ParseKernel<bool>(to, try_cast, ParseBoolean);
    case TypeKind::kFloat:
      return ParseKernel<float>(to, try_cast, ParseReal<float>);
    case TypeKind::kDouble:
      return ParseKernel<double>(to, try_cast, ParseReal<double>);
    case TypeKind::kDecimal:
      return ToDecimal(to, try_cast);
    case TypeKind::kDate:
      return ParseKernel<int32_t>(to, try_cast, FromOptional<int32_t>(ParseDate));
    case TypeKind::kTime:
      return ParseKernel<int32_t>(to, try_cast, FromOptional<int32_t>(ParseTime));
    case TypeKind::kTimestamp:
    case TypeKind::kTimestampLtz:
      return ToTimestamp(to, try_cast);
    default:
      return DispatchNumber(to, [&]<class T>(T) -> ScalarKernel {
        if constexpr (std::is_integral_v<T>)
          return ParseKernel<T>(to, try_cast, ParseInteger<T>);
        else
          return nullptr;
      });
  }
}

}  // namespace millrace::cast

#include <algorithm>

#include "expr/row_kernel.h"
#include "expr/temporal.h"
#include "functions/declare.h"
#include "functions/families.h"
#include "functions/zoned_kernel.h"
#include "spi/services.h"

namespace millrace::functions {
namespace {

using Text = std::string_view;
constexpr Text kDefaultFormat = "yyyy-MM-dd HH:mm:ss";
constexpr std::array<Text, 12> kMonths{"January",   "February", "March",    "April",
                                       "May",       "June",     "July",     "August",
                                       "September", "October",  "November", "December"};
constexpr std::array<Text, 7> kDays{"Monday", "Tuesday",  "Wednesday", "Thursday",
                                    "Friday", "Saturday", "Sunday"};

/// A run of one pattern letter, or quoted or other text.
struct Piece {
  char letter = 0;
  size_t count = 0;
  std::string text;
};

/// The pieces of a Java date pattern (y M d H h m s S a E D).
std::vector<Piece> Pieces(Text pattern) {
  std::vector<Piece> pieces;
  for (size_t i = 0; i < pattern.size();) {
    const char c = pattern[i];
    if (c == '\'') {
      const size_t end = std::min(pattern.find('\'', i + 1), pattern.size());
      pieces.push_back(
          {0, 0, end == i + 1 ? "'" : std::string(pattern.substr(i + 1, end - i - 1))});
      i = end + 1;
    } else if (std::isalpha(static_cast<unsigned char>(c)) != 0) {
      size_t end = i;
      while (end < pattern.size() && pattern[end] == c) ++end;
      pieces.push_back({c, end - i, {}});
      i = end;
    } else {
      pieces.push_back({0, 0, std::string(1, c)});
      ++i;
    }
  }
  return pieces;
}

void AppendNumber(int64_t value, size_t width, std::string& out) {
  const std::string digits = std::to_string(value);
  if (digits.size() < width) out.append(width - digits.size(), '0');
  out += digits;
}

void Format(int64_t us, Text pattern, std::string& out) {
  const int64_t days = FloorDiv(us, kMicrosPerDay);
  const int64_t second = FloorMod(us, kMicrosPerDay) / kMicrosPerSecond;
  const CivilDate date = CivilOf(days);
  const auto weekday = static_cast<size_t>(FloorMod(days + 3, 7));
  for (const Piece& piece : Pieces(pattern)) {
    const size_t width = piece.count;
    switch (piece.letter) {
      case 'y':
      case 'u':
        AppendNumber(width == 2 ? date.year % 100 : date.year, width, out);
        break;
      case 'M':
        if (width < 3)
          AppendNumber(date.month, width, out);
        else
          out +=
              kMonths[static_cast<size_t>(date.month) - 1].substr(0, width == 3 ? 3 : Text::npos);
        break;
      case 'd':
        AppendNumber(date.day, width, out);
        break;
      case 'D':
        AppendNumber(days - DaysOf({date.year, 1, 1}) + 1, width, out);
        break;
      case 'E':
        out += kDays[weekday].substr(0, width <= 3 ? 3 : Text::npos);
        break;
      case 'H':
        AppendNumber(second / 3600, width, out);
        break;
      case 'h':
        AppendNumber((second / 3600 + 11) % 12 + 1, width, out);
        break;
      case 'a':
        out += second < 43200 ? "AM" : "PM";
        break;
      case 'm':
        AppendNumber(second / 60 % 60, width, out);
        break;
      case 's':
        AppendNumber(second % 60, width, out);
        break;
      case 'S': {
        std::string fraction;
        AppendNumber(FloorMod(us, kMicrosPerSecond), 6, fraction);
        fraction.resize(width, '0');
        out += fraction;
        break;
      }
      default:
        out += piece.letter == 0 ? piece.text : std::string(width, piece.letter);
    }
  }
}

std::optional<int64_t> Parse(Text text, Text pattern) {
  CivilDate date;
  int64_t hour = 0, minute = 0, second = 0, micros = 0;
  bool afternoon = false;
  const std::vector<Piece> pieces = Pieces(pattern);
  for (size_t p = 0; p < pieces.size(); ++p) {
    const Piece& piece = pieces[p];
    if (piece.letter == 0) {
      if (!text.starts_with(piece.text)) return std::nullopt;
      text.remove_prefix(piece.text.size());
      continue;
    }
    if (piece.letter == 'a') {
      if (text.size() < 2) return std::nullopt;
      afternoon = text[0] == 'P' || text[0] == 'p';
      text.remove_prefix(2);
      continue;
    }
    if (piece.letter == 'M' && piece.count >= 3) {
      size_t month = 0;
      const size_t length = piece.count == 3 ? 3 : Text::npos;
      while (month < kMonths.size() && !text.starts_with(kMonths[month].substr(0, length))) ++month;
      if (month == kMonths.size()) return std::nullopt;
      date.month = static_cast<int>(month) + 1;
      text.remove_prefix(kMonths[month].substr(0, length).size());
      continue;
    }
    // Digits run to the next piece of text; of neighbouring fields each takes its own width.
    const bool bounded = p + 1 < pieces.size() && pieces[p + 1].letter != 0;
    const size_t most =
        bounded ? piece.count : std::max<size_t>(piece.count, piece.letter == 'S' ? 9 : 4);
    int64_t value = 0;
    size_t digits = 0;
    for (; digits < most && digits < text.size() && text[digits] >= '0' && text[digits] <= '9';
         ++digits) {
      value = value * 10 + (text[digits] - '0');
    }
    if (digits == 0) return std::nullopt;
    text.remove_prefix(digits);
    switch (piece.letter) {
      case 'y':
      case 'u':
        date.year = static_cast<int>(piece.count == 2 ? 2000 + value : value);
        break;
      case 'M':
        date.month = static_cast<int>(value);
        break;
      case 'd':
        date.day = static_cast<int>(value);
        break;
      case 'H':
        hour = value;
        break;
      case 'h':
        hour = value % 12;
        break;
      case 'm':
        minute = value;
        break;
      case 's':
        second = value;
        break;
      case 'S':
        for (; digits < 6; ++digits) value *= 10;
        for (; digits > 6; --digits) value /= 10;
        micros = value;
        break;
      default:
        return std::nullopt;
    }
  }
  if (afternoon) hour += 12;
  if (!text.empty() || !IsValid(date) || hour > 23 || minute > 59 || second > 59)
    return std::nullopt;
  return DaysOf(date) * kMicrosPerDay + ((hour * 60 + minute) * 60 + second) * kMicrosPerSecond +
         micros;
}

std::optional<int64_t> ParseDefault(Text text) {
  std::optional<int64_t> offset;
  const auto us = ParseTimestamp(text, &offset);
  return offset ? std::nullopt : us;
}

ScalarFunctionSpec DateFormat() {
  ScalarFunctionSpec spec = TemporalFunction(
      "DATE_FORMAT", "DATE_FORMAT(time, format)",
      "The time as text, by a Java pattern (yyyy MM dd HH mm ss SSS …).",
      {"DATE_FORMAT(TIMESTAMP '2024-03-01 10:20:30', 'yyyyMMdd HH:mm')", "20240301 10:20"});
  spec.bind = [](Types types, Literals) -> Result<BoundFunction> {
    ARROW_RETURN_NOT_OK(CheckCount("DATE_FORMAT", types.size(), 2, 2));
    SqlType time = types[0];
    if (!time.is_timestamp()) {
      if (!time.is_string() && !time.is_null() && time.kind() != TypeKind::kDate) {
        return WrongArgument("DATE_FORMAT", 0, "time", "TIMESTAMP", time, SqlType::Timestamp(3));
      }
      time = SqlType::Timestamp(3);
    }
    if (!types[1].is_string())
      return WrongArgument("DATE_FORMAT", 1, "format", "STRING", types[1], SqlType::String());
    const SqlType result = SqlType::String().AsNullable(AnyNullable(types));
    const bool local = time.kind() == TypeKind::kTimestampLtz;
    return WithKernel(
        result, {time, types[1]}, Zoned([=](const TimeZone& found) -> ScalarKernel {
          return RowKernel<std::string, int64_t, Text>(
              result, [local, zone = found](int64_t us, Text pattern, std::string& out) mutable {
                Format(local ? zone.ToLocal(us) : us, pattern, out);
              });
        }));
  };
  return spec;
}

}  // namespace

void AddTemporalText(Registries& registries) {
  const SqlType string = SqlType::String();
  const SqlType bigint = SqlType::BigInt();
  const SqlType date = SqlType::Date();
  const SqlType timestamp = SqlType::Timestamp(3);
  const SqlType ltz = SqlType::TimestampLtz(3);
  const Parameter text{"text", string}, format{"format", string};
  const auto add = [&](ScalarFunctionSpec head, Fixed fixed) {
    registries.functions.Add(Declare(std::move(head), std::move(fixed)));
  };
  registries.functions.Add(DateFormat());
  add(TemporalFunction("TO_DATE", "TO_DATE(text [, format])",
                       "A date; NULL where the text is none. Format: 'yyyy-MM-dd'.",
                       {"TO_DATE('2024-03-01')", "2024-03-01"}),
      {{text, format},
       date,
       {RowKernel<int32_t, Text>(date, [](Text x) { return ParseDate(x); }),
        RowKernel<int32_t, Text, Text>(date,
                                       [](Text x, Text f) -> std::optional<int32_t> {
                                         const auto us = Parse(x, f);
                                         if (!us) return std::nullopt;
                                         return static_cast<int32_t>(FloorDiv(*us, kMicrosPerDay));
                                       })},
       false,
       true});
  add(TemporalFunction("TO_TIMESTAMP", "TO_TIMESTAMP(text [, format])",
                       "A timestamp; NULL where the text is none. Format: 'yyyy-MM-dd HH:mm:ss'.",
                       {"TO_TIMESTAMP('2024-03-01 10:20:30')", "2024-03-01 10:20:30.000"}),
      {{text, format},
       timestamp,
       {RowKernel<int64_t, Text>(timestamp, ParseDefault),
        RowKernel<int64_t, Text, Text>(timestamp, Parse)},
       false,
       true});
  ScalarFunctionSpec to_ltz = TemporalFunction(
      "TO_TIMESTAMP_LTZ",
      "TO_TIMESTAMP_LTZ(number, precision) or TO_TIMESTAMP_LTZ(text [, format [, zone]])",
      "A moment: seconds (precision 0), milliseconds (3) or microseconds (6) since 1970, or a "
      "text read as UTC or in a zone.",
      {"TO_TIMESTAMP_LTZ(1000, 3) = TO_TIMESTAMP_LTZ(1, 0)", "TRUE"});
  to_ltz.bind = [=](Types types, Literals) -> Result<BoundFunction> {
    ARROW_RETURN_NOT_OK(CheckCount("TO_TIMESTAMP_LTZ", types.size(), 1, 3));
    const auto of = [&](int64_t number, int32_t precision) -> std::optional<int64_t> {
      if (precision != 0 && precision != 3 && precision != 6) return std::nullopt;
      return number * (precision == 0 ? kMicrosPerSecond : precision == 3 ? 1000 : 1);
    };
    const SqlType result = ltz.AsNullable();
    if (types[0].is_numeric()) {
      if (types.size() == 1)
        return WithKernel(result, {bigint},
                          RowKernel<int64_t, int64_t>(ltz, [](int64_t n) { return n * 1000; }));
      return WithKernel(result, {bigint, SqlType::Int()},
                        RowKernel<int64_t, int64_t, int32_t>(
                            ltz, [of](int64_t n, int32_t p) { return of(n, p); }));
    }
    for (size_t i = 0; i < types.size(); ++i) {
      if (!types[i].is_string() && !types[i].is_null())
        return WrongArgument("TO_TIMESTAMP_LTZ", i, "", "STRING", types[i], SqlType::String());
    }
    const auto in_zone = [](Text x, Text f, Text name) -> std::optional<int64_t> {
      const auto us = Parse(x, f);
      auto zone = TimeZone::Find(name);
      if (!us || !zone.ok()) return std::nullopt;
      return zone->ToUtc(*us);
    };
    ScalarKernel kernel;
    if (types.size() == 1)
      kernel = RowKernel<int64_t, Text>(ltz, ParseDefault);
    else if (types.size() == 2)
      kernel = RowKernel<int64_t, Text, Text>(ltz, Parse);
    else
      kernel = RowKernel<int64_t, Text, Text, Text>(ltz, in_zone);
    return WithKernel(result, std::vector<SqlType>(types.size(), string), std::move(kernel));
  };
  registries.functions.Add(std::move(to_ltz));
  const auto from_unix = [=](bool with_format) {
    return Zoned([=](const TimeZone& found) -> ScalarKernel {
      auto print = [zone = found](int64_t seconds, Text f, std::string& out) mutable {
        Format(zone.ToLocal(seconds * kMicrosPerSecond), f, out);
      };
      if (with_format) return RowKernel<std::string, int64_t, Text>(string, print);
      return RowKernel<std::string, int64_t>(
          string, [print](int64_t s, std::string& out) mutable { print(s, kDefaultFormat, out); });
    });
  };
  ScalarFunctionSpec from =
      TemporalFunction("FROM_UNIXTIME", "FROM_UNIXTIME(seconds [, format])",
                       "Seconds since 1970 as text, in the session's time zone.",
                       {"CHAR_LENGTH(FROM_UNIXTIME(44))", "19"});
  from.deterministic = false;
  add(std::move(from),
      {{{"seconds", bigint}, format}, string, {from_unix(false), from_unix(true)}});
  const ScalarKernel now = [](std::span<const ColumnValue>, int64_t, const EvalContext& context,
                              RowErrors&) -> Result<ColumnValue> {
    arrow::Int64Builder builder;
    ARROW_RETURN_NOT_OK(builder.Append(FloorDiv(context.now_us, kMicrosPerSecond)));
    ARROW_ASSIGN_OR_RAISE(auto array, builder.Finish());
    return ColumnValue{array, true};
  };
  const auto to_unix = [=](bool with_format) {
    return Zoned([=](const TimeZone& found) -> ScalarKernel {
      auto read = [zone = found](Text x, Text f) mutable -> std::optional<int64_t> {
        const auto us = Parse(x, f);
        if (!us) return std::nullopt;
        return FloorDiv(zone.ToUtc(*us), kMicrosPerSecond);
      };
      if (with_format) return RowKernel<int64_t, Text, Text>(bigint, read);
      return RowKernel<int64_t, Text>(bigint,
                                      [read](Text x) mutable { return read(x, kDefaultFormat); });
    });
  };
  ScalarFunctionSpec unix =
      TemporalFunction("UNIX_TIMESTAMP", "UNIX_TIMESTAMP([text [, format]])",
                       "Seconds since 1970: now, or of a text in the session's time zone.",
                       {"UNIX_TIMESTAMP() > 0", "TRUE"});
  unix.deterministic = false;
  add(std::move(unix), {{text, format}, bigint, {now, to_unix(false), to_unix(true)}, false, true});
  add(TemporalFunction("CONVERT_TZ", "CONVERT_TZ(text, from, to)",
                       "A time ('yyyy-MM-dd HH:mm:ss') of one zone as that of another.",
                       {"CONVERT_TZ('1970-01-01 00:00:00', 'UTC', 'America/Los_Angeles')",
                        "1969-12-31 16:00:00"}),
      {{text, {"from", string}, {"to", string}},
       string,
       {RowKernel<std::string, Text, Text, Text>(string,
                                                 [](Text x, Text a, Text b, std::string& out) {
                                                   const auto us = Parse(x, kDefaultFormat);
                                                   auto from_zone = TimeZone::Find(a);
                                                   auto to_zone = TimeZone::Find(b);
                                                   if (!us || !from_zone.ok() || !to_zone.ok())
                                                     return false;
                                                   Format(to_zone->ToLocal(from_zone->ToUtc(*us)),
                                                          kDefaultFormat, out);
                                                   return true;
                                                 })},
       false,
       true});
}

}  // namespace millrace::functions

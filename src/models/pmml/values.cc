#include "models/pmml/values.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>

namespace millrace::pmml {
namespace {

constexpr double kWhole = 9007199254740992;  // beyond, a double skips whole numbers

bool ParseDigits(std::string_view text, size_t at, size_t n, int* out) {
  if (at + n > text.size()) return false;
  const auto [end, error] = std::from_chars(text.data() + at, text.data() + at + n, *out);
  return error == std::errc() && end == text.data() + at + n && *out >= 0;
}

bool ParseDate(std::string_view text, double* days) {
  int year, month, day;
  if (text.size() != 10 || text[4] != '-' || text[7] != '-' || !ParseDigits(text, 0, 4, &year) ||
      !ParseDigits(text, 5, 2, &month) || !ParseDigits(text, 8, 2, &day)) {
    return false;
  }
  const std::chrono::year_month_day date(std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day)));
  if (!date.ok()) return false;
  *days = static_cast<double>(std::chrono::sys_days(date).time_since_epoch().count());
  return true;
}

bool ParseTime(std::string_view text, double* seconds) {
  int hours, minutes;
  double rest;
  if (text.size() < 8 || text[2] != ':' || text[5] != ':' || !ParseDigits(text, 0, 2, &hours) ||
      !ParseDigits(text, 3, 2, &minutes) || !ParseNumber(text.substr(6), &rest) || hours > 23 ||
      minutes > 59 || !(rest >= 0 && rest < 60)) {
    return false;
  }
  *seconds = hours * 3600.0 + minutes * 60.0 + rest;
  return true;
}

bool ParseDateTime(std::string_view text, double* seconds) {
  double days, time;
  if (text.size() < 19 || (text[10] != 'T' && text[10] != ' ') ||
      !ParseDate(text.substr(0, 10), &days) || !ParseTime(text.substr(11), &time)) {
    return false;
  }
  *seconds = days * kSecondsPerDay + time;
  return true;
}

std::string DateText(double days) {
  days = std::clamp(days, -700000.0, 2900000.0);  // the years of four digits
  const std::chrono::year_month_day date(
      std::chrono::sys_days(std::chrono::days(static_cast<int64_t>(days))));
  char text[40];
  std::snprintf(text, sizeof text, "%04d-%02u-%02u", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
  return text;
}

std::string TimeText(double seconds) {
  const auto whole = static_cast<int>(std::clamp(seconds, 0.0, kSecondsPerDay - 1));
  char text[40];
  std::snprintf(text, sizeof text, "%02d:%02d:%02d", whole / 3600, whole / 60 % 60, whole % 60);
  return text;
}

std::string NumberText(double value, bool is_float) {
  char text[40];
  const auto end = is_float ? std::to_chars(text, text + sizeof text, static_cast<float>(value))
                            : std::to_chars(text, text + sizeof text, value);
  std::string result(text, end.ptr);
  if (result.find_first_not_of("-0123456789") == std::string::npos) result += ".0";
  return result;
}

}  // namespace

bool IsNumber(DataType type) {
  return type == DataType::kInteger || type == DataType::kFloat || type == DataType::kDouble;
}

std::string_view NameOf(DataType type) {
  constexpr std::string_view kNames[] = {"string",  "integer", "float", "double",
                                         "boolean", "date",    "time",  "dateTime"};
  return kNames[static_cast<size_t>(type)];
}

DataType DataTypeOf(const Element& element, DataType otherwise) {
  if (!element.Has("dataType")) return otherwise;
  const std::string name = element.Text("dataType");
  if (name.starts_with("dateDaysSince") || name.starts_with("dateTimeSecondsSince") ||
      name == "timeSeconds") {
    return DataType::kInteger;
  }
  return element.Choice<DataType>("dataType", {{"string", DataType::kString},
                                               {"integer", DataType::kInteger},
                                               {"float", DataType::kFloat},
                                               {"double", DataType::kDouble},
                                               {"boolean", DataType::kBoolean},
                                               {"date", DataType::kDate},
                                               {"time", DataType::kTime},
                                               {"dateTime", DataType::kDateTime}});
}

OpType OpTypeOf(const Element& element, DataType type) {
  if (!element.Has("optype"))
    return type == DataType::kString || type == DataType::kBoolean ? OpType::kCategorical
                                                                   : OpType::kContinuous;
  return element.Choice<OpType>("optype", {{"categorical", OpType::kCategorical},
                                           {"ordinal", OpType::kOrdinal},
                                           {"continuous", OpType::kContinuous}});
}

double StringPool::Code(std::string_view text) {
  if (const int code = Find(text); code >= 0) return code;
  codes_.emplace(text, size());
  texts_.emplace_back(text);
  return size() - 1;
}

int StringPool::Find(std::string_view text) const {
  const auto at = codes_.find(text);
  return at == codes_.end() ? -1 : at->second;
}

bool ParseValue(std::string_view text, DataType type, double* out) {
  switch (type) {
    case DataType::kString:
      return false;
    case DataType::kInteger:
      return ParseNumber(text, out) && *out == std::floor(*out);
    case DataType::kFloat:
      if (!ParseNumber(text, out)) return false;
      *out = static_cast<float>(*out);
      return true;
    case DataType::kDouble:
      return ParseNumber(text, out);
    case DataType::kBoolean:
      if (text == "true" || text == "1" || text == "1.0" || text == "false" || text == "0" ||
          text == "0.0") {
        *out = text[0] == 't' || text[0] == '1';
        return true;
      }
      return false;
    case DataType::kDate:
      return ParseDate(text, out);
    case DataType::kTime:
      return ParseTime(text, out);
    case DataType::kDateTime:
      return ParseDateTime(text, out);
  }
  return false;
}

double ParseConstant(const Element& element, std::string_view text, DataType type,
                     StringPool& pool) {
  if (type == DataType::kString) return pool.Code(text);
  double value = 0;
  // Numbers of a text such as "1.0" stand for whole ones too.
  if (!ParseValue(text, type, &value)) {
    if (!(type == DataType::kInteger && ParseNumber(text, &value)))
      element.Fail("has the value '" + std::string(text) + "', which is no " +
                   std::string(NameOf(type)));
  }
  if (IsMissing(value)) element.Fail("has the value '" + std::string(text) + "'");
  return value;
}

std::string TextOf(double value, DataType type, const Strings& strings) {
  switch (type) {
    case DataType::kString:
      return strings.Text(value);
    case DataType::kInteger:
      return std::to_string(static_cast<int64_t>(std::clamp(value, -kWhole, kWhole)));
    case DataType::kFloat:
    case DataType::kDouble:
      return NumberText(value, type == DataType::kFloat);
    case DataType::kBoolean:
      return value != 0 ? "true" : "false";
    case DataType::kDate:
      return DateText(value);
    case DataType::kTime:
      return TimeText(value);
    case DataType::kDateTime: {
      const double days = std::floor(value / kSecondsPerDay);
      return DateText(days) + 'T' + TimeText(value - days * kSecondsPerDay);
    }
  }
  return {};
}

double Convert(double value, DataType from, DataType to, Strings& strings) {
  if (from == to || IsMissing(value)) return value;
  if (to == DataType::kString) return strings.Code(TextOf(value, from, strings));
  if (from == DataType::kString) {
    double parsed;
    return ParseValue(strings.Text(value), to, &parsed) ? parsed : kMissing;
  }
  if (to == DataType::kFloat) return static_cast<float>(value);
  if (to == DataType::kInteger) return std::trunc(value);
  if (to == DataType::kBoolean) return value != 0;
  if (from == DataType::kDateTime && to == DataType::kDate)
    return std::floor(value / kSecondsPerDay);
  if (from == DataType::kDateTime && to == DataType::kTime)
    return value - std::floor(value / kSecondsPerDay) * kSecondsPerDay;
  if (from == DataType::kDate && to == DataType::kDateTime) return value * kSecondsPerDay;
  return value;
}

}  // namespace millrace::pmml

#include "types/value_text.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <limits>

namespace millrace {
namespace {

constexpr int64_t kSecond = 1'000'000;
constexpr int64_t kDay = 86'400 * kSecond;

bool IsDigit(char c) { return static_cast<unsigned char>(c - '0') <= 9; }

/// Exactly `n` digits from `p`.
bool Digits(const char* p, int n, int* out) {
  int value = 0;
  for (int i = 0; i < n; ++i) {
    if (!IsDigit(p[i])) return false;
    value = value * 10 + (p[i] - '0');
  }
  *out = value;
  return true;
}

bool EqualsIgnoringCase(std::string_view text, std::string_view lower) {
  return std::equal(text.begin(), text.end(), lower.begin(), lower.end(),
                    [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; });
}

int64_t DaysFromCivil(int year, int month, int day) {
  return std::chrono::sys_days(std::chrono::year(year) / month / day).time_since_epoch().count();
}

int DaysInMonth(int year, int month) {
  static constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return month == 2 && leap ? 29 : kDays[month - 1];
}

/// "HH:mm[:ss[.f…]]" to µs of the day.
bool ParseClock(std::string_view text, int64_t* us) {
  int hour, minute, second = 0;
  if (text.size() < 5 || text[2] != ':' || !Digits(text.data(), 2, &hour) ||
      !Digits(text.data() + 3, 2, &minute) || hour > 23 || minute > 59) {
    return false;
  }
  int64_t fraction = 0;
  if (text.size() > 5) {
    if (text.size() < 8 || text[5] != ':' || !Digits(text.data() + 6, 2, &second) || second > 59) {
      return false;
    }
    if (text.size() > 8) {
      if (text[8] != '.' || text.size() > 18) return false;
      int64_t unit = kSecond;
      for (size_t i = 9; i < text.size(); ++i) {
        if (!IsDigit(text[i])) return false;
        unit /= 10;
        fraction += (text[i] - '0') * unit;
      }
    }
  }
  *us = ((hour * 60 + minute) * 60 + second) * kSecond + fraction;
  return true;
}

/// Takes "Z" or "±hh[:mm]" off the end of a clock's text.
bool TakeZone(std::string_view* text, int64_t* offset_us, bool* has_zone) {
  *offset_us = 0;
  *has_zone = false;
  if (text->empty()) return true;
  if (text->back() == 'Z' || text->back() == 'z') {
    text->remove_suffix(1);
    *has_zone = true;
    return true;
  }
  const size_t sign = text->find_first_of("+-");
  if (sign == std::string_view::npos) return true;
  const std::string_view zone = text->substr(sign + 1);
  int hours, minutes = 0;
  if (zone.size() < 2 || !Digits(zone.data(), 2, &hours)) return false;
  if (zone.size() == 5) {
    if (zone[2] != ':' || !Digits(zone.data() + 3, 2, &minutes)) return false;
  } else if (zone.size() == 4) {
    if (!Digits(zone.data() + 2, 2, &minutes)) return false;
  } else if (zone.size() != 2) {
    return false;
  }
  if (hours > 18 || minutes > 59) return false;
  *offset_us = (hours * 60 + minutes) * 60 * kSecond * ((*text)[sign] == '-' ? -1 : 1);
  *text = text->substr(0, sign);
  *has_zone = true;
  return true;
}

template <class T>
bool ParseFloating(std::string_view text, T* out) {
  if (text.empty()) return false;
  if (text.front() == '+') {
    text.remove_prefix(1);
    if (text.empty() || text.front() == '-') return false;
  }
  T value;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end == text.data() + text.size()) {
    if (error == std::errc()) {
      *out = value;
      return true;
    }
    if (error == std::errc::result_out_of_range) {
      // from_chars does not tell overflow from underflow; strtod's limits are SQL's and Java's.
      const std::string copy(text);
      *out = sizeof(T) == sizeof(float) ? static_cast<T>(std::strtof(copy.c_str(), nullptr))
                                        : static_cast<T>(std::strtod(copy.c_str(), nullptr));
      return true;
    }
  }
  return false;
}

void FormatPadded(int64_t value, int width, std::string* out) {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  const int n = static_cast<int>(end - digits);
  if (n < width) out->append(static_cast<size_t>(width - n), '0');
  out->append(digits, end);
}

void FormatClock(int64_t us, int precision, std::string* out) {
  const int64_t seconds = us / kSecond;
  FormatPadded(seconds / 3600, 2, out);
  *out += ':';
  FormatPadded(seconds / 60 % 60, 2, out);
  *out += ':';
  FormatPadded(seconds % 60, 2, out);
  if (precision > 0) {
    *out += '.';
    const size_t at = out->size();
    FormatPadded(us % kSecond, 6, out);
    out->resize(at + static_cast<size_t>(std::min(precision, 6)));
  }
}

/// Java's form: plain within [1e-3, 1e7), else one digit before the point and an exponent.
template <class T>
void FormatFloating(T value, std::string* out) {
  if (std::isnan(value)) {
    *out += "NaN";
  } else if (std::isinf(value)) {
    *out += value > 0 ? "Infinity" : "-Infinity";
  } else {
    const T magnitude = std::fabs(value);
    char text[512];
    const bool plain = magnitude == 0 || (magnitude >= T(1e-3) && magnitude < T(1e7));
    const auto format = plain ? std::chars_format::fixed : std::chars_format::scientific;
    char* end = std::to_chars(text, text + sizeof text, value, format).ptr;
    if (plain) {
      out->append(text, end);
      if (std::find(text, end, '.') == end) *out += ".0";
      return;
    }
    char* exponent = std::find(text, end, 'e');
    out->append(text, exponent);
    if (std::find(text, exponent, '.') == exponent) *out += ".0";
    *out += 'E';
    ++exponent;
    if (*exponent == '-') *out += '-';
    ++exponent;
    while (exponent + 1 < end && *exponent == '0') ++exponent;
    out->append(exponent, end);
  }
}

}  // namespace

bool ParseBoolean(std::string_view text, bool* out) {
  if (EqualsIgnoringCase(text, "true")) {
    *out = true;
    return true;
  }
  if (EqualsIgnoringCase(text, "false")) {
    *out = false;
    return true;
  }
  return false;
}

bool ParseInteger(std::string_view text, int64_t min, int64_t max, int64_t* out) {
  const char* p = text.data();
  const char* const end = p + text.size();
  if (p == end) return false;
  const bool negative = *p == '-';
  if (negative || *p == '+') ++p;
  if (p == end) return false;
  if (end - p > 18) {
    int64_t value;
    const char* const from = *text.data() == '+' ? p : text.data();
    if (!IsDigit(*p)) return false;
    const auto [stop, error] = std::from_chars(from, end, value);
    if (error != std::errc() || stop != end || value < min || value > max) return false;
    *out = value;
    return true;
  }
  int64_t value = 0;
  for (; p != end; ++p) {
    if (!IsDigit(*p)) return false;
    value = value * 10 + (*p - '0');
  }
  if (negative) value = -value;
  if (value < min || value > max) return false;
  *out = value;
  return true;
}

bool ParseDouble(std::string_view text, double* out) { return ParseFloating(text, out); }
bool ParseFloat(std::string_view text, float* out) { return ParseFloating(text, out); }

bool ParseDecimal(std::string_view text, int precision, int scale, __int128* out) {
  const char* p = text.data();
  const char* const end = p + text.size();
  bool negative = false;
  if (p != end && (*p == '-' || *p == '+')) negative = *p++ == '-';
  int64_t exponent = 0;
  const char* mantissa_end = std::find_if(p, end, [](char c) { return c == 'e' || c == 'E'; });
  if (mantissa_end != end &&
      !ParseInteger({mantissa_end + 1, static_cast<size_t>(end - mantissa_end - 1)}, -10'000,
                    10'000, &exponent)) {
    return false;
  }
  const char* const point = std::find(p, mantissa_end, '.');
  const int64_t whole_digits = point - p;
  const int64_t digits = mantissa_end - p - (point == mantissa_end ? 0 : 1);
  if (digits == 0) return false;
  // The digits to keep: all that stand at or above 10^-scale.
  const int64_t keep = whole_digits + exponent + scale;
  __int128 value = 0;
  int significant = 0;
  bool round_up = false;
  int64_t seen = 0;
  for (; p != mantissa_end; ++p) {
    if (p == point) continue;
    if (!IsDigit(*p)) return false;
    if (seen < keep) {
      if (significant > 0 || *p != '0') ++significant;
      if (significant > precision) {
        // Still look at the rest: it must be digits.
        for (++p; p != mantissa_end; ++p) {
          if (p != point && !IsDigit(*p)) return false;
        }
        return false;
      }
      value = value * 10 + (*p - '0');
    } else if (seen == keep) {
      round_up = *p >= '5';
    }
    ++seen;
  }
  for (; seen < keep && value != 0; ++seen) {
    if (++significant > precision) return false;
    value *= 10;
  }
  if (round_up) {
    ++value;
    __int128 limit = 1;
    for (int i = 0; i < precision; ++i) limit *= 10;
    if (value >= limit) return false;
  }
  *out = negative ? -value : value;
  return true;
}

bool ParseDate(std::string_view text, int32_t* days) {
  int year, month, day;
  if (text.size() != 10 || text[4] != '-' || text[7] != '-' || !Digits(text.data(), 4, &year) ||
      !Digits(text.data() + 5, 2, &month) || !Digits(text.data() + 8, 2, &day) || month < 1 ||
      month > 12 || day < 1 || day > DaysInMonth(year, month)) {
    return false;
  }
  *days = static_cast<int32_t>(DaysFromCivil(year, month, day));
  return true;
}

bool ParseTime(std::string_view text, int32_t* ms) {
  int64_t us;
  if (!ParseClock(text, &us)) return false;
  *ms = static_cast<int32_t>(us / 1000);
  return true;
}

bool ParseTimestamp(std::string_view text, TimestampText* out) {
  int32_t days;
  if (text.size() < 10 || !ParseDate(text.substr(0, 10), &days)) return false;
  TimestampText result{days * kDay, false};
  if (text.size() > 10) {
    if (text[10] != ' ' && text[10] != 'T') return false;
    std::string_view clock = text.substr(11);
    int64_t us, offset;
    if (!TakeZone(&clock, &offset, &result.has_zone) || !ParseClock(clock, &us)) return false;
    result.us += us - offset;
  }
  *out = result;
  return true;
}

void FormatInteger(int64_t value, std::string* out) {
  char text[24];
  out->append(text, std::to_chars(text, text + sizeof text, value).ptr);
}

void FormatDouble(double value, std::string* out) { FormatFloating(value, out); }
void FormatFloat(float value, std::string* out) { FormatFloating(value, out); }

void FormatDecimal(__int128 value, int scale, std::string* out) {
  char text[48];
  char* const end = text + sizeof text;
  char* p = end;
  auto rest = static_cast<unsigned __int128>(value < 0 ? -value : value);
  for (int i = 0; rest != 0 || i <= scale; ++i) {
    if (i == scale && scale > 0) *--p = '.';
    *--p = static_cast<char>('0' + static_cast<int>(rest % 10));
    rest /= 10;
  }
  if (value < 0) *--p = '-';
  out->append(p, end);
}

void FormatDate(int32_t days, std::string* out) {
  const std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::days(days))};
  const int year = static_cast<int>(date.year());
  if (year < 0) *out += '-';
  FormatPadded(std::abs(year), 4, out);
  *out += '-';
  FormatPadded(static_cast<unsigned>(date.month()), 2, out);
  *out += '-';
  FormatPadded(static_cast<unsigned>(date.day()), 2, out);
}

void FormatTime(int32_t ms, int precision, std::string* out) {
  FormatClock(int64_t{ms} * 1000, precision, out);
}

void FormatTimestamp(int64_t us, int precision, char separator, std::string* out) {
  int64_t days = us / kDay;
  if (us % kDay < 0) --days;
  FormatDate(static_cast<int32_t>(days), out);
  *out += separator;
  FormatClock(us - days * kDay, precision, out);
}

}  // namespace millrace

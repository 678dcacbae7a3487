#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace date {
class time_zone;
}

namespace millrace {

constexpr int64_t kMicrosPerSecond = 1'000'000;
constexpr int64_t kMicrosPerDay = 86'400 * kMicrosPerSecond;
constexpr int32_t kMillisPerDay = 86'400'000;

/// Quotient rounded down, and the remainder that belongs to it; `divisor` > 0.
constexpr int64_t FloorDiv(int64_t value, int64_t divisor) {
  return value / divisor - (value % divisor < 0 ? 1 : 0);
}
constexpr int64_t FloorMod(int64_t value, int64_t divisor) {
  return value - FloorDiv(value, divisor) * divisor;
}

/// A date of the proleptic Gregorian calendar; days are since 1970-01-01.
struct CivilDate {
  int year = 1970;
  int month = 1;
  int day = 1;
};
CivilDate CivilOf(int64_t days);
int64_t DaysOf(const CivilDate& date);
bool IsValid(const CivilDate& date);
int LastDayOfMonth(int year, int month);
/// Day of month is cut to the month's last.
int64_t AddMonths(int64_t days, int64_t months);

/// As Flink prints them: "2024-01-31", "12:30:00.250", "2024-01-31 12:30:00.250", "+1-02", "+1
/// 02:03:04.500".
void AppendDate(int64_t days, std::string* out);
void AppendTime(int64_t ms, int precision, std::string* out);
void AppendTimestamp(int64_t us, int precision, std::string* out);
void AppendYearMonth(int64_t months, std::string* out);
void AppendDayTime(int64_t us, std::string* out);

/// What those and ISO 8601 ("T" between) print; surrounding blanks are left out. None where
/// malformed.
std::optional<int32_t> ParseDate(std::string_view text);
std::optional<int32_t> ParseTime(std::string_view text);
/// Local time; a "Z" or "+hh:mm" at the end sets `offset_us`.
std::optional<int64_t> ParseTimestamp(std::string_view text, std::optional<int64_t>* offset_us);

/// Cuts digits after the point that the precision has no room for.
int64_t TruncateToPrecision(int64_t us, int precision);

/// Local time of an IANA zone or a fixed offset. Remembers the last offset: one per thread and
/// batch.
class TimeZone {
 public:
  /// "UTC", "Europe/Berlin", "GMT+08:00", "+08:00". A user error with suggestions where unknown.
  static Result<TimeZone> Find(std::string_view name);

  int64_t ToLocal(int64_t utc_us);
  /// As Java: a time that is left out by a shift is moved on by it; of two, the earlier.
  int64_t ToUtc(int64_t local_us);

 private:
  const date::time_zone* zone_ = nullptr;  ///< null: a fixed offset
  int64_t offset_us_ = 0;
  int64_t from_us_ = 1;  ///< UTC range in which `offset_us_` holds
  int64_t to_us_ = 0;
};

}  // namespace millrace

#include "functions/time_units.h"

#include <array>
#include <cctype>
#include <utility>

#include "expr/temporal.h"

namespace millrace::functions {
namespace {

int64_t IsoDayOfWeek(int64_t days) {
  return FloorMod(days + 3, 7) + 1;
}  // 1970-01-01 was a Thursday

int64_t IsoWeek(int64_t days) {
  const int64_t thursday = days - IsoDayOfWeek(days) + 4;
  const int64_t first = DaysOf({CivilOf(thursday).year, 1, 1});
  return (thursday - first) / 7 + 1;
}

/// Whole months from day `from` to `to`, which is not before it.
int64_t MonthsBetween(int64_t from, int64_t to) {
  const CivilDate a = CivilOf(from);
  const CivilDate b = CivilOf(to);
  const int64_t count = (int64_t{b.year} - a.year) * 12 + b.month - a.month;
  return AddMonths(from, count) > to ? count - 1 : count;
}

}  // namespace

int64_t MicrosOf(Unit unit) {
  switch (unit) {
    case Unit::kWeek:
      return 7 * kMicrosPerDay;
    case Unit::kDay:
      return kMicrosPerDay;
    case Unit::kHour:
      return 3600 * kMicrosPerSecond;
    case Unit::kMinute:
      return 60 * kMicrosPerSecond;
    case Unit::kSecond:
      return kMicrosPerSecond;
    case Unit::kMillisecond:
      return 1000;
    case Unit::kMicrosecond:
      return 1;
    default:
      return 0;
  }
}

int64_t MonthsOf(Unit unit) {
  switch (unit) {
    case Unit::kMillennium:
      return 12000;
    case Unit::kCentury:
      return 1200;
    case Unit::kDecade:
      return 120;
    case Unit::kYear:
      return 12;
    case Unit::kQuarter:
      return 3;
    case Unit::kMonth:
      return 1;
    default:
      return 0;
  }
}

Result<Unit> ParseUnit(std::string_view function, std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  static const std::array<std::pair<std::string_view, Unit>, 20> kUnits{
      {{"MILLENNIUM", Unit::kMillennium},
       {"CENTURY", Unit::kCentury},
       {"DECADE", Unit::kDecade},
       {"YEAR", Unit::kYear},
       {"QUARTER", Unit::kQuarter},
       {"MONTH", Unit::kMonth},
       {"WEEK", Unit::kWeek},
       {"DAY", Unit::kDay},
       {"DAYOFMONTH", Unit::kDay},
       {"HOUR", Unit::kHour},
       {"MINUTE", Unit::kMinute},
       {"SECOND", Unit::kSecond},
       {"MILLISECOND", Unit::kMillisecond},
       {"MICROSECOND", Unit::kMicrosecond},
       {"DOY", Unit::kDayOfYear},
       {"DAYOFYEAR", Unit::kDayOfYear},
       {"DOW", Unit::kDayOfWeek},
       {"DAYOFWEEK", Unit::kDayOfWeek},
       {"ISODOW", Unit::kIsoDayOfWeek},
       {"EPOCH", Unit::kEpoch}}};
  // "SQL_TSI_HOUR" is another name of HOUR.
  if (text.starts_with("SQL_TSI_")) text.erase(0, 8);
  for (const auto& [name, unit] : kUnits) {
    if (name == text) return unit;
  }
  return Error::User(std::string(function) + " does not know the unit " + text)
      .Hint("one of: YEAR, QUARTER, MONTH, WEEK, DAY, HOUR, MINUTE, SECOND, MILLISECOND");
}

int64_t Extract(Unit unit, int64_t us) {
  const int64_t days = FloorDiv(us, kMicrosPerDay);
  const int64_t of_day = FloorMod(us, kMicrosPerDay);
  const CivilDate date = CivilOf(days);
  switch (unit) {
    case Unit::kMillennium:
      return FloorDiv(date.year - 1, 1000) + 1;
    case Unit::kCentury:
      return FloorDiv(date.year - 1, 100) + 1;
    case Unit::kDecade:
      return FloorDiv(date.year, 10);
    case Unit::kYear:
      return date.year;
    case Unit::kQuarter:
      return (date.month + 2) / 3;
    case Unit::kMonth:
      return date.month;
    case Unit::kWeek:
      return IsoWeek(days);
    case Unit::kDay:
      return date.day;
    case Unit::kHour:
      return of_day / (3600 * kMicrosPerSecond);
    case Unit::kMinute:
      return of_day / (60 * kMicrosPerSecond) % 60;
    case Unit::kSecond:
      return of_day / kMicrosPerSecond % 60;
    case Unit::kMillisecond:
      return of_day / 1000 % 60'000;
    case Unit::kMicrosecond:
      return of_day % (60 * kMicrosPerSecond);
    case Unit::kDayOfYear:
      return days - DaysOf({date.year, 1, 1}) + 1;
    case Unit::kDayOfWeek:
      return IsoDayOfWeek(days) % 7 + 1;
    case Unit::kIsoDayOfWeek:
      return IsoDayOfWeek(days);
    case Unit::kIsoYear:
      return CivilOf(days - IsoDayOfWeek(days) + 4).year;
    case Unit::kEpoch:
      return FloorDiv(us, kMicrosPerSecond);
  }
  return 0;
}

int64_t RoundDown(Unit unit, int64_t us) {
  const int64_t days = FloorDiv(us, kMicrosPerDay);
  if (unit == Unit::kWeek)
    return (days - (IsoDayOfWeek(days) % 7)) * kMicrosPerDay;  // Flink's week starts on Sunday
  if (const int64_t step = MicrosOf(unit)) return FloorDiv(us, step) * step;
  const CivilDate date = CivilOf(days);
  const int64_t total = int64_t{date.year} * 12 + date.month - 1;
  const int64_t first = FloorDiv(total, MonthsOf(unit)) * MonthsOf(unit);
  return DaysOf({static_cast<int>(FloorDiv(first, 12)), static_cast<int>(FloorMod(first, 12)) + 1,
                 1}) *
         kMicrosPerDay;
}

int64_t AddMonthsTo(int64_t us, int64_t months) {
  return AddMonths(FloorDiv(us, kMicrosPerDay), months) * kMicrosPerDay +
         FloorMod(us, kMicrosPerDay);
}

int64_t AddUnits(Unit unit, int64_t us, int64_t count) {
  const int64_t months = MonthsOf(unit);
  return months != 0 ? AddMonthsTo(us, months * count) : us + MicrosOf(unit) * count;
}

int64_t RoundUp(Unit unit, int64_t us) {
  const int64_t down = RoundDown(unit, us);
  return down == us ? us : AddUnits(unit, down, 1);
}

int64_t Difference(Unit unit, int64_t from, int64_t to) {
  const int64_t months = MonthsOf(unit);
  if (months == 0) return (to - from) / MicrosOf(unit);
  const int64_t a = FloorDiv(from, kMicrosPerDay);
  const int64_t b = FloorDiv(to, kMicrosPerDay);
  int64_t count = a <= b ? MonthsBetween(a, b) : -MonthsBetween(b, a);
  const bool earlier = FloorMod(to, kMicrosPerDay) < FloorMod(from, kMicrosPerDay);
  if (AddMonths(a, count) == b && earlier) --count;
  return count / months;
}

}  // namespace millrace::functions

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

/// Arithmetic of times in microseconds since 1970, without a time zone, by units of the calendar.
namespace millrace::functions {

enum class Unit {
  kMillennium,
  kCentury,
  kDecade,
  kYear,
  kQuarter,
  kMonth,
  kWeek,
  kDay,
  kHour,
  kMinute,
  kSecond,
  kMillisecond,
  kMicrosecond,
  kDayOfYear,
  kDayOfWeek,
  kIsoDayOfWeek,
  kIsoYear,
  kEpoch
};

/// "YEAR", "SQL_TSI_HOUR" …; a user error that names the function.
Result<Unit> ParseUnit(std::string_view function, std::string text);

/// Of a unit of fixed length; 0 of others.
int64_t MicrosOf(Unit unit);
/// Of a unit of whole months; 0 of others.
int64_t MonthsOf(Unit unit);

int64_t Extract(Unit unit, int64_t us);
/// To the beginning of a unit, weeks on Sunday as Flink has them; up: to the next where it is none.
int64_t RoundDown(Unit unit, int64_t us);
int64_t RoundUp(Unit unit, int64_t us);
int64_t AddMonthsTo(int64_t us, int64_t months);
int64_t AddUnits(Unit unit, int64_t us, int64_t count);
/// Whole units from `from` to `to`. Months are, as in Flink, those between the days; the time of
/// day counts only where a whole number of months leads from one day to the other.
int64_t Difference(Unit unit, int64_t from, int64_t to);

}  // namespace millrace::functions

#include "expr/temporal.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include <date/date.h>
#include <date/tz.h>

#include "base/suggest.h"

namespace millrace {
namespace {

std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

void AppendPadded(int64_t value, int width, std::string* out) {
  std::array<char, 24> text;
  const int length =
      std::snprintf(text.data(), text.size(), "%0*lld", width, static_cast<long long>(value));
  out->append(text.data(), static_cast<size_t>(length));
}

void AppendClock(int64_t us_of_day, int precision, std::string* out) {
  AppendPadded(us_of_day / (3600 * kMicrosPerSecond), 2, out);
  out->push_back(':');
  AppendPadded(us_of_day / (60 * kMicrosPerSecond) % 60, 2, out);
  out->push_back(':');
  AppendPadded(us_of_day / kMicrosPerSecond % 60, 2, out);
  if (precision == 0) return;
  out->push_back('.');
  std::string fraction;
  AppendPadded(us_of_day % kMicrosPerSecond, 6, &fraction);
  out->append(fraction, 0, static_cast<size_t>(precision));
}

/// Reads fields from the front of a text.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}
  bool done() const { return text_.empty(); }
  bool Skip(char c) {
    if (text_.empty() || text_[0] != c) return false;
    text_.remove_prefix(1);
    return true;
  }
  std::optional<int> Number(size_t most) {
    int value = 0;
    size_t digits = 0;
    for (; digits < most && digits < text_.size() && text_[digits] >= '0' && text_[digits] <= '9';
         ++digits) {
      value = value * 10 + (text_[digits] - '0');
    }
    if (digits == 0) return std::nullopt;
    text_.remove_prefix(digits);
    return value;
  }
  /// Digits after a point as microseconds; those beyond six are dropped.
  std::optional<int64_t> Micros() {
    int64_t value = 0;
    int digits = 0;
    while (!text_.empty() && text_[0] >= '0' && text_[0] <= '9') {
      if (digits < 6) value = value * 10 + (text_[0] - '0');
      ++digits;
      text_.remove_prefix(1);
    }
    if (digits == 0) return std::nullopt;
    for (; digits < 6; ++digits) value *= 10;
    return value;
  }

 private:
  std::string_view text_;
};

std::optional<int64_t> ScanDate(Scanner& scanner) {
  const bool negative = scanner.Skip('-');
  const auto year = scanner.Number(6);
  if (!year || !scanner.Skip('-')) return std::nullopt;
  const auto month = scanner.Number(2);
  if (!month || !scanner.Skip('-')) return std::nullopt;
  const auto day = scanner.Number(2);
  if (!day) return std::nullopt;
  const CivilDate date{negative ? -*year : *year, *month, *day};
  if (!IsValid(date)) return std::nullopt;
  return DaysOf(date);
}

/// "hh[:mm[:ss[.fraction]]]" as microseconds.
std::optional<int64_t> ScanClock(Scanner& scanner) {
  std::array<int64_t, 3> fields{};
  int64_t micros = 0;
  for (size_t i = 0; i < fields.size(); ++i) {
    const auto value = scanner.Number(2);
    if (!value || *value > (i == 0 ? 23 : 59)) return std::nullopt;
    fields[i] = *value;
    if (i == 2 && scanner.Skip('.')) {
      const auto fraction = scanner.Micros();
      if (!fraction) return std::nullopt;
      micros = *fraction;
    }
    if (i < 2 && !scanner.Skip(':')) break;
  }
  return ((fields[0] * 60 + fields[1]) * 60 + fields[2]) * kMicrosPerSecond + micros;
}

std::optional<int64_t> ScanOffset(Scanner& scanner) {
  if (scanner.Skip('Z')) return 0;
  const bool negative = scanner.Skip('-');
  if (!negative && !scanner.Skip('+')) return std::nullopt;
  const auto hours = scanner.Number(2);
  if (!hours) return std::nullopt;
  scanner.Skip(':');
  const auto minutes = scanner.Number(2);
  const int64_t us = (*hours * 60 + minutes.value_or(0)) * 60 * kMicrosPerSecond;
  return negative ? -us : us;
}

}  // namespace

CivilDate CivilOf(int64_t days) {
  const date::year_month_day civil{date::sys_days{date::days{days}}};
  return {static_cast<int>(civil.year()), static_cast<int>(static_cast<unsigned>(civil.month())),
          static_cast<int>(static_cast<unsigned>(civil.day()))};
}

int64_t DaysOf(const CivilDate& civil) {
  return date::sys_days{date::year{civil.year} / civil.month / civil.day}
      .time_since_epoch()
      .count();
}

bool IsValid(const CivilDate& civil) {
  return civil.year >= -32767 && civil.year <= 32767 &&
         (date::year{civil.year} / civil.month / civil.day).ok();
}

int LastDayOfMonth(int year, int month) {
  const auto last = date::year_month_day_last{
      date::year{year}, date::month_day_last{date::month{static_cast<unsigned>(month)}}};
  return static_cast<int>(static_cast<unsigned>(last.day()));
}

int64_t AddMonths(int64_t days, int64_t months) {
  CivilDate civil = CivilOf(days);
  const int64_t total = int64_t{civil.year} * 12 + civil.month - 1 + months;
  civil.year = static_cast<int>(FloorDiv(total, 12));
  civil.month = static_cast<int>(FloorMod(total, 12)) + 1;
  civil.day = std::min(civil.day, LastDayOfMonth(civil.year, civil.month));
  return DaysOf(civil);
}

void AppendDate(int64_t days, std::string* out) {
  const CivilDate civil = CivilOf(days);
  AppendPadded(civil.year, 4, out);
  out->push_back('-');
  AppendPadded(civil.month, 2, out);
  out->push_back('-');
  AppendPadded(civil.day, 2, out);
}

void AppendTime(int64_t ms, int precision, std::string* out) {
  AppendClock(FloorMod(ms, kMillisPerDay) * 1000, precision, out);
}

void AppendTimestamp(int64_t us, int precision, std::string* out) {
  AppendDate(FloorDiv(us, kMicrosPerDay), out);
  out->push_back(' ');
  AppendClock(FloorMod(us, kMicrosPerDay), precision, out);
}

void AppendYearMonth(int64_t months, std::string* out) {
  out->push_back(months < 0 ? '-' : '+');
  const int64_t size = months < 0 ? -months : months;
  AppendPadded(size / 12, 1, out);
  out->push_back('-');
  AppendPadded(size % 12, 2, out);
}

void AppendDayTime(int64_t us, std::string* out) {
  out->push_back(us < 0 ? '-' : '+');
  const int64_t size = us < 0 ? -us : us;
  AppendPadded(size / kMicrosPerDay, 1, out);
  out->push_back(' ');
  AppendClock(size % kMicrosPerDay, 3, out);
}

std::optional<int32_t> ParseDate(std::string_view text) {
  Scanner scanner(Trimmed(text));
  const auto days = ScanDate(scanner);
  if (!days) return std::nullopt;
  // As Flink, a time after the date is read and left out.
  if (!scanner.done()) {
    if (!scanner.Skip('T') && !scanner.Skip(' ')) return std::nullopt;
    if (!ScanClock(scanner) || !scanner.done()) return std::nullopt;
  }
  return static_cast<int32_t>(*days);
}

std::optional<int32_t> ParseTime(std::string_view text) {
  Scanner scanner(Trimmed(text));
  const auto us = ScanClock(scanner);
  if (!us || !scanner.done()) return std::nullopt;
  return static_cast<int32_t>(*us / 1000);
}

std::optional<int64_t> ParseTimestamp(std::string_view text, std::optional<int64_t>* offset_us) {
  Scanner scanner(Trimmed(text));
  offset_us->reset();
  const auto days = ScanDate(scanner);
  if (!days) return std::nullopt;
  int64_t us = *days * kMicrosPerDay;
  if (scanner.done()) return us;
  if (!scanner.Skip('T') && !scanner.Skip(' ')) return std::nullopt;
  const auto clock = ScanClock(scanner);
  if (!clock) return std::nullopt;
  us += *clock;
  scanner.Skip(' ');
  if (scanner.done()) return us;
  *offset_us = ScanOffset(scanner);
  if (!offset_us->has_value() || !scanner.done()) return std::nullopt;
  return us;
}

int64_t TruncateToPrecision(int64_t us, int precision) {
  constexpr std::array<int64_t, 7> kSteps{1'000'000, 100'000, 10'000, 1'000, 100, 10, 1};
  const int64_t step = kSteps[static_cast<size_t>(std::clamp(precision, 0, 6))];
  return FloorDiv(us, step) * step;
}

Result<TimeZone> TimeZone::Find(std::string_view name) {
  TimeZone zone;
  std::string_view offset = name;
  for (const std::string_view prefix : {"UTC", "GMT"}) {
    if (offset.starts_with(prefix)) offset.remove_prefix(3);
  }
  if (offset.empty() || offset == "Z") return zone;
  if (offset.front() == '+' || offset.front() == '-') {
    Scanner scanner(offset);
    const auto us = ScanOffset(scanner);
    if (us && scanner.done()) {
      zone.offset_us_ = *us;
      return zone;
    }
  }
  try {
    zone.zone_ = date::locate_zone(name);
    return zone;
  } catch (const std::exception& error) {
    std::vector<std::string> names;
    try {
      for (const auto& known : date::get_tzdb().zones) names.push_back(known.name());
    } catch (const std::exception&) {
      return Error::User("time zones cannot be read: " + std::string(error.what()))
          .Hint("install the system's time zone data (package tzdata)");
    }
    return Error::User("unknown time zone '" + std::string(name) + "'").Hint(Suggest(name, names));
  }
}

int64_t TimeZone::ToLocal(int64_t utc_us) {
  if (zone_ != nullptr && (utc_us < from_us_ || utc_us >= to_us_)) {
    const auto info = zone_->get_info(
        date::sys_seconds{std::chrono::seconds{FloorDiv(utc_us, kMicrosPerSecond)}});
    const auto bound = [](date::sys_seconds time) {
      constexpr int64_t kFar = int64_t{1} << 42;  // seconds that microseconds can hold
      return std::clamp<int64_t>(time.time_since_epoch().count(), -kFar, kFar) * kMicrosPerSecond;
    };
    from_us_ = bound(info.begin);
    to_us_ = bound(info.end);
    offset_us_ = info.offset.count() * kMicrosPerSecond;
  }
  return utc_us + offset_us_;
}

int64_t TimeZone::ToUtc(int64_t local_us) {
  if (zone_ == nullptr) return local_us - offset_us_;
  const auto info = zone_->get_info(
      date::local_seconds{std::chrono::seconds{FloorDiv(local_us, kMicrosPerSecond)}});
  return local_us - info.first.offset.count() * kMicrosPerSecond;
}

}  // namespace millrace

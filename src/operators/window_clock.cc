#include "operators/window_clock.h"

#include <vector>

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/type.h>

namespace millrace {
namespace {

/// No watermark comes here but the last.
constexpr int64_t kEndOfInput = int64_t{1} << 62;

Result<std::shared_ptr<arrow::Array>> ArrayOf(const std::shared_ptr<arrow::DataType>& type,
                                              std::span<const int64_t> us) {
  arrow::TimestampBuilder builder(type, arrow::default_memory_pool());
  ARROW_RETURN_NOT_OK(builder.AppendValues(us.data(), static_cast<int64_t>(us.size())));
  return builder.Finish();
}

}  // namespace

int64_t LastInstant(TimeZone& zone, int64_t local) {
  constexpr int64_t kHour = int64_t{3'600'000'000};
  const int64_t instant = zone.ToUtc(local);
  const int64_t hour_later = zone.ToUtc(local + kHour);
  if (hour_later == instant) return instant - (instant % kHour + kHour) % kHour;
  return hour_later - instant > kHour ? hour_later - kHour : instant;
}

Result<WindowClock> WindowClock::Make(int time_column, const SqlType& window_time,
                                      const std::string& time_zone) {
  WindowClock clock;
  clock.processing_time_ = time_column < 0;
  if (window_time.kind() == TypeKind::kTimestampLtz) {
    ARROW_ASSIGN_OR_RAISE(clock.zone_, TimeZone::Find(time_zone));
  }
  clock.time_type_ = window_time.ToArrow();
  return clock;
}

Status WindowClock::Set(TimerSet& timers, int state, std::span<const Slot> slots,
                        std::span<const int64_t> ends, int64_t delay_us) {
  if (slots.empty()) return Status::OK();
  std::vector<int64_t> times;
  times.reserve(ends.size());
  for (const int64_t end : ends) {
    const bool same = !times.empty() && end == ends[times.size() - 1];
    times.push_back(same ? times.back() : LastMoment(end) + delay_us);
  }
  if (!processing_time_) return timers.Set(TimeDomain::kEvent, state, slots, times);
  for (size_t i = 0; i < times.size(); ++i) times[i] += kLastMoment;
  ARROW_RETURN_NOT_OK(timers.Set(TimeDomain::kProcessing, state, slots, times));
  for (size_t i = 0; i < times.size(); ++i) times[i] = kEndOfInput + ends[i];
  return timers.Set(TimeDomain::kEvent, state, slots, times);
}

Status WindowClock::Fired(TimerSet& timers, const TimerBatch& fired) const {
  if (!processing_time_) return Status::OK();
  const bool by_clock = fired.domain == TimeDomain::kProcessing;
  const std::vector<int64_t> none(fired.slots.size(), TimerSet::kNone);
  return timers.Set(by_clock ? TimeDomain::kEvent : TimeDomain::kProcessing, fired.state,
                    fired.slots, none);
}

Result<arrow::ArrayVector> WindowClock::Columns(std::span<const int64_t> starts,
                                                std::span<const int64_t> ends) {
  std::vector<int64_t> times;
  times.reserve(ends.size());
  for (const int64_t end : ends) {
    const bool same = !times.empty() && end == ends[times.size() - 1];
    times.push_back(same ? times.back() : LastMoment(end));
  }
  arrow::ArrayVector columns;
  ARROW_ASSIGN_OR_RAISE(columns.emplace_back(), TimestampsOf(starts));
  ARROW_ASSIGN_OR_RAISE(columns.emplace_back(), TimestampsOf(ends));
  ARROW_ASSIGN_OR_RAISE(columns.emplace_back(), ArrayOf(time_type_, times));
  return columns;
}

Result<std::shared_ptr<arrow::Array>> TimestampsOf(std::span<const int64_t> us) {
  return ArrayOf(SqlType::Timestamp(3).ToArrow(), us);
}

}  // namespace millrace

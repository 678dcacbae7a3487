#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include <arrow/type_fwd.h>

#include "expr/temporal.h"
#include "state/state.h"
#include "types/schema.h"
#include "types/time.h"

namespace millrace {

constexpr int64_t kLastMoment = 1000;  ///< of a window, before its end

/// The last instant at which it is `local` in the zone, as Flink's `toEpochMillsForTimer`: where
/// a clock is put back, the second time; a time that is left out, when it would have begun.
int64_t LastInstant(TimeZone& zone, int64_t local);

/// Between instants and the local times in which windows are counted: in the session's zone for
/// TIMESTAMP_LTZ and processing time, the same for TIMESTAMP.
class WindowClock {
 public:
  /// `time_column`: of the window, -1 for processing time. `window_time`: the type of that column.
  static Result<WindowClock> Make(int time_column, const SqlType& window_time,
                                  const std::string& time_zone);

  bool is_processing_time() const { return processing_time_; }

  /// Whether instants are local times.
  bool is_local() const { return !zone_; }
  int64_t ToLocal(int64_t us) { return zone_ ? zone_->ToLocal(us) : us; }
  /// A window's last moment, a millisecond before its end: its `window_time`, and the watermark
  /// that says that none of its rows is missing.
  int64_t LastMoment(int64_t end) {
    return zone_ ? LastInstant(*zone_, end - kLastMoment) : end - kLastMoment;
  }
  /// No row comes any more, as far as the watermark knows.
  bool IsClosed(int64_t end, EventTime watermark) {
    return !processing_time_ && LastMoment(end) <= watermark.us;
  }

  /// Sets the timers of slots of windows, which have ended at `ends[i]` when they fire. In
  /// processing time the end of the input is their end, too, in order of their ends.
  /// `delay_us`: so much later, in event time.
  Status Set(TimerSet& timers, int state, std::span<const Slot> slots,
             std::span<const int64_t> ends, int64_t delay_us = 0);
  /// Removes the other timer of slots one of whose timers has fired.
  Status Fired(TimerSet& timers, const TimerBatch& fired) const;

  /// The columns window_start, window_end and window_time.
  Result<arrow::ArrayVector> Columns(std::span<const int64_t> starts,
                                     std::span<const int64_t> ends);

 private:
  bool processing_time_ = false;
  std::optional<TimeZone> zone_;
  std::shared_ptr<arrow::DataType> time_type_;
};

/// A column of TIMESTAMP(3) without NULLs.
Result<std::shared_ptr<arrow::Array>> TimestampsOf(std::span<const int64_t> us);

}  // namespace millrace

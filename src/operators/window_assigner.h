#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <arrow/type_fwd.h>

#include "operators/window_clock.h"
#include "operators/window_time.h"
#include "spi/operator.h"

namespace millrace {

/// The rows of a batch by window.
struct AssignedRows {
  std::vector<int32_t> rows;    ///< of the batch; as often as the row's windows; see `each_once`
  std::vector<int64_t> starts;  ///< of the windows of `rows`, where the rows bring them
  std::vector<int64_t> ends;    ///< of the windows (or slices) of `rows`
  std::vector<int32_t> late;    ///< all their windows have closed
  std::vector<RowError> errors;
  bool each_once = false;  ///< `rows` would be 0, 1, 2 …, the whole batch, and is not asked for
};

/// Why a row is in no window at all.
RowError WithoutTime(int64_t row);

/// Finds the windows of rows by their time, or takes those that the rows bring.
class WindowAssigner {
 public:
  /// `slices`: a row is in one slice, which several windows share.
  WindowAssigner(const WindowSpec& window, bool slices, WindowClock clock)
      : window_(window), slices_(slices), times_(window), clock_(std::move(clock)) {}

  WindowClock& clock() { return clock_; }
  const WindowTimes& times() const { return times_; }

  /// Windows whose last moment is not after `closed` take no more rows. `now_us`: the time of all
  /// rows in processing time.
  void Assign(const arrow::RecordBatch& rows, int64_t now_us, EventTime closed, AssignedRows* out);
  /// The first window of the slice that is still open.
  int64_t FirstOpen(int64_t slice_end, EventTime closed);

 private:
  /// The windows of the rows of a slice: from `first` to `last`; none: late.
  struct Windows {
    int64_t from = 0, to = 0;  ///< the slice
    int64_t first = 0, last = -1;
  };

  Windows WindowsOf(int64_t time, EventTime closed);
  /// Where all rows are in one window: most batches are.
  bool AssignAtOnce(const arrow::TimestampArray& times, EventTime closed, AssignedRows* out);
  void AssignAttached(const arrow::RecordBatch& rows, EventTime closed, AssignedRows* out);

  WindowSpec window_;
  bool slices_;
  WindowTimes times_;
  WindowClock clock_;
};

}  // namespace millrace

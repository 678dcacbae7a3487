#include "operators/closing_windows.h"

#include <algorithm>
#include <limits>

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/record_batch.h>

#include "operators/window_clock.h"

namespace millrace {

Result<ClosingWindows> ClosingWindows::Make(int end_column, bool local,
                                            const std::string& time_zone) {
  ClosingWindows windows;
  windows.end_column_ = end_column;
  if (local) {
    ARROW_ASSIGN_OR_RAISE(windows.zone_, TimeZone::Find(time_zone));
  }
  return windows;
}

std::vector<int64_t> ClosingWindows::TimesOf(const arrow::Array& ends) {
  const auto& values = static_cast<const arrow::TimestampArray&>(ends);
  std::vector<int64_t> times;
  times.reserve(static_cast<size_t>(values.length()));
  for (int64_t i = 0; i < values.length(); ++i) {
    if (values.IsNull(i)) {
      times.push_back(std::numeric_limits<int64_t>::min());
      continue;
    }
    if (i > 0 && values.IsValid(i - 1) && values.Value(i) == values.Value(i - 1)) {
      times.push_back(times.back());
      continue;
    }
    const int64_t last = values.Value(i) - kLastMoment;
    times.push_back(zone_ ? LastInstant(*zone_, last) : last);
  }
  return times;
}

Result<ClosingWindows::Split> ClosingWindows::TakeLate(Batch* batch, EventTime watermark) {
  Split split;
  std::vector<int64_t>& times = split.closes_us;
  times = TimesOf(*batch->rows->column(end_column_));
  const auto is_late = [&](int64_t time) { return time <= watermark.us; };
  if (std::none_of(times.begin(), times.end(), is_late)) return split;
  arrow::Int32Builder late, good;
  for (size_t i = 0; i < times.size(); ++i) {
    ARROW_RETURN_NOT_OK((is_late(times[i]) ? late : good).Append(static_cast<int32_t>(i)));
  }
  std::shared_ptr<arrow::Int32Array> late_rows, good_rows;
  ARROW_RETURN_NOT_OK(late.Finish(&late_rows));
  ARROW_RETURN_NOT_OK(good.Finish(&good_rows));
  ARROW_ASSIGN_OR_RAISE(split.late, batch->Take(*late_rows));
  ARROW_ASSIGN_OR_RAISE(*batch, batch->Take(*good_rows));
  std::erase_if(times, is_late);
  return split;
}

}  // namespace millrace

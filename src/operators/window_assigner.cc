#include "operators/window_assigner.h"

#include <arrow/array.h>
#include <arrow/record_batch.h>

namespace millrace {
RowError WithoutTime(int64_t row) {
  return {static_cast<int32_t>(row), "the row's time is NULL: it is in no window", {}};
}

int64_t WindowAssigner::FirstOpen(int64_t slice_end, EventTime closed) {
  int64_t end = slice_end;
  while (clock_.IsClosed(end, closed)) end += times_.step();
  return end;
}

WindowAssigner::Windows WindowAssigner::WindowsOf(int64_t time, EventTime closed) {
  Windows found;
  found.to = times_.SliceEnd(time);
  found.from = found.to - times_.slice_size();
  found.first = found.to;
  found.last = times_.LastEnd(found.to);
  if (clock_.IsClosed(found.last, closed)) {
    found.last = found.first - 1;
  } else if (slices_ && window_.kind == WindowSpec::Kind::kHop) {
    found.last = found.first;
  } else {
    found.first = FirstOpen(found.first, closed);
    // The windows of CUMULATE grow: those behind have what the first has.
    if (slices_) found.last = found.first;
  }
  return found;
}

void WindowAssigner::Assign(const arrow::RecordBatch& rows, int64_t now_us, EventTime closed,
                            AssignedRows* out) {
  out->rows.clear();
  out->starts.clear();
  out->ends.clear();
  out->late.clear();
  out->errors.clear();
  out->each_once = false;
  if (window_.kind == WindowSpec::Kind::kAttached) {
    AssignAttached(rows, closed, out);
  } else {
    const arrow::TimestampArray* times = nullptr;
    if (window_.time_column >= 0) {
      times = &static_cast<const arrow::TimestampArray&>(*rows.column(window_.time_column));
    }
    if (times != nullptr && AssignAtOnce(*times, closed, out)) return;
    const int64_t now = clock_.ToLocal(now_us);
    Windows windows;
    for (int64_t i = 0; i < rows.num_rows(); ++i) {
      if (times != nullptr && times->IsNull(i)) {
        out->errors.push_back(WithoutTime(i));
        continue;
      }
      const int64_t time = times == nullptr ? now : clock_.ToLocal(times->Value(i));
      if (time < windows.from || time >= windows.to) windows = WindowsOf(time, closed);
      if (windows.first > windows.last) out->late.push_back(static_cast<int32_t>(i));
      for (int64_t end = windows.first; end <= windows.last; end += times_.step()) {
        out->rows.push_back(static_cast<int32_t>(i));
        out->ends.push_back(end);
      }
    }
  }
  out->each_once = out->late.empty() && out->errors.empty() &&
                   out->rows.size() == static_cast<size_t>(rows.num_rows());
}

bool WindowAssigner::AssignAtOnce(const arrow::TimestampArray& times, EventTime closed,
                                  AssignedRows* out) {
  if (!clock_.is_local() || times.null_count() > 0 || times.length() == 0) return false;
  const std::span values(times.raw_values(), static_cast<size_t>(times.length()));
  const Windows windows = WindowsOf(values[0], closed);
  if (windows.first != windows.last) return false;
  bool others = false;
  for (const int64_t value : values) others |= value < windows.from || value >= windows.to;
  if (others) return false;
  out->ends.assign(values.size(), windows.first);
  out->each_once = true;
  return true;
}

void WindowAssigner::AssignAttached(const arrow::RecordBatch& rows, EventTime closed,
                                    AssignedRows* out) {
  const auto& starts =
      static_cast<const arrow::TimestampArray&>(*rows.column(window_.start_column));
  const auto& ends = static_cast<const arrow::TimestampArray&>(*rows.column(window_.end_column));
  for (int64_t i = 0; i < rows.num_rows(); ++i) {
    if (starts.IsNull(i) || ends.IsNull(i)) {
      out->errors.push_back(WithoutTime(i));
    } else if (clock_.IsClosed(ends.Value(i), closed)) {
      out->late.push_back(static_cast<int32_t>(i));
    } else {
      out->rows.push_back(static_cast<int32_t>(i));
      out->starts.push_back(starts.Value(i));
      out->ends.push_back(ends.Value(i));
    }
  }
}

}  // namespace millrace

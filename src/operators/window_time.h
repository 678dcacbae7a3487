#pragma once

#include <cstdint>

#include "plan/nodes.h"

namespace millrace {

/// The arithmetic of TUMBLE, HOP and CUMULATE windows over local time, in microseconds; a window is
/// [start, end). Formulas of Flink's SliceAssigners: a time is in one slice, which its end names,
/// and windows are runs of slices. HOP's size is a multiple of its slide, CUMULATE's of its step.
class WindowTimes {
 public:
  explicit WindowTimes(const WindowSpec& spec);

  int64_t SliceEnd(int64_t time) const { return Floor(time, offset_, slice_) + slice_; }
  int64_t slice_size() const { return slice_; }

  /// The first window that holds the slice; the others follow `step()` apart, up to `LastEnd`.
  int64_t FirstEnd(int64_t slice_end) const { return slice_end; }
  int64_t LastEnd(int64_t slice_end) const;
  int64_t step() const { return slice_; }
  int64_t Start(int64_t end) const;

  /// The greatest `offset` + n * `size` that is not after `time`, before 1970 too.
  static int64_t Floor(int64_t time, int64_t offset, int64_t size);

 private:
  WindowSpec::Kind kind_;
  int64_t size_;
  int64_t offset_;
  int64_t slice_;
};

}  // namespace millrace

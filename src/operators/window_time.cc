#include "operators/window_time.h"

namespace millrace {

WindowTimes::WindowTimes(const WindowSpec& spec)
    : kind_(spec.kind),
      size_(spec.size_us),
      offset_(spec.offset_us),
      slice_(spec.kind == WindowSpec::Kind::kTumble ? spec.size_us : spec.step_us) {}

int64_t WindowTimes::LastEnd(int64_t slice_end) const {
  switch (kind_) {
    case WindowSpec::Kind::kHop:
      return slice_end - slice_ + size_;
    case WindowSpec::Kind::kCumulate:
      return Floor(slice_end - 1, offset_, size_) + size_;
    default:
      return slice_end;
  }
}

int64_t WindowTimes::Start(int64_t end) const {
  if (kind_ == WindowSpec::Kind::kCumulate) return Floor(end - 1, offset_, size_);
  return end - size_;
}

int64_t WindowTimes::Floor(int64_t time, int64_t offset, int64_t size) {
  const int64_t past = (time - offset) % size;
  return time - (past < 0 ? past + size : past);
}

}  // namespace millrace

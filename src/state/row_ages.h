#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>

#include <arrow/type_fwd.h>

#include "state/fixed_column.h"

namespace millrace {

/// The processing time of the last write to each row of a state with a TTL.
class RowAges {
 public:
  static constexpr int64_t kNever = std::numeric_limits<int64_t>::max();  ///< to expire

  explicit RowAges(int64_t ttl_us) : ttl_us_(ttl_us) {}

  void Grow(uint32_t slots) { written_.Grow(slots); }
  bool Expired(Slot slot) const { return IsOver(written_.Get<int64_t>(slot)); }
  bool IsOver(int64_t written_us) const { return written_us <= now_us_ - ttl_us_; }
  /// Written now; false where it was so already.
  bool Touch(Slot slot) {
    if (written_.Get<int64_t>(slot) == now_us_) return false;
    written_.Mut<int64_t>(slot) = now_us_;
    return true;
  }
  void Set(Slot slot, int64_t written_us) { written_.Mut<int64_t>(slot) = written_us; }
  int64_t Get(Slot slot) const { return written_.Get<int64_t>(slot); }

  int64_t now_us() const { return now_us_; }
  /// Moves the clock, and calls `visit` for some of the slots below `end`: so many that each is
  /// seen within half a TTL while calls come, but at most `kSweep`.
  template <class Visit>
  void Advance(int64_t now_us, uint32_t end, Visit visit) {
    const double share = 2.0 * static_cast<double>(now_us - now_us_) / static_cast<double>(ttl_us_);
    now_us_ = now_us;
    const double due = std::min<double>(kSweep, share * end + 1);
    for (auto left = std::min(end, static_cast<uint32_t>(due)); left > 0; --left) {
      if (cursor_ >= end) cursor_ = 0;
      visit(Slot{cursor_++});
    }
  }
  FixedPages Freeze() { return written_.Freeze(); }
  int64_t memory_bytes() const { return written_.memory_bytes(); }

  /// Of a part: the time, or NULL in one that was written without a TTL.
  static std::shared_ptr<arrow::Field> Field();

 private:
  static constexpr double kSweep = 1024;

  const int64_t ttl_us_;
  int64_t now_us_ = -1;  ///< no fresh row looks as if it were written at this time
  uint32_t cursor_ = 0;
  MemoryFixedColumn written_{sizeof(int64_t)};
};

}  // namespace millrace

#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "types/time.h"

namespace millrace {

/// The watermark of a source from those of its splits: their minimum, without those that are idle;
/// it never goes back. A reader that has had no split for as long as splits are idle after is idle.
class SourceTime {
 public:
  /// `idle_timeout_us`: 0: splits are never idle.
  explicit SourceTime(int64_t idle_timeout_us) : idle_timeout_us_(idle_timeout_us) {}

  void Begin(int64_t now_us) { empty_since_us_ = now_us; }
  void Add(const std::string& split, EventTime watermark, int64_t now_us) {
    splits_.try_emplace(split, SplitTime{watermark, now_us});
  }
  /// Rows came, the newest watermark of which is `watermark`.
  void Advance(const std::string& split, EventTime watermark, int64_t now_us);
  /// The watermark of the slowest split that is not idle; `Max` where there is none.
  EventTime Slowest(int64_t now_us) const;
  /// Splits to pause, for they are beyond `limit`, and to read on, for they are not any more. A
  /// paused split is not idle.
  struct Changes {
    std::vector<std::string> pause, resume;
  };
  Changes Limit(EventTime limit, int64_t now_us);
  void Remove(const std::string& split, int64_t now_us);
  EventTime WatermarkOf(const std::string& split) const;

  /// What to say now; nothing where it was said before.
  std::optional<InputTime> Next(int64_t now_us);
  /// When the next split that is not idle now may have become so.
  ProcTime NextIdle(int64_t now_us) const;

 private:
  struct SplitTime {
    EventTime watermark;
    int64_t last_us = 0;  ///< wall clock of its last rows, or of the end of its pause
    bool paused = false;
  };
  bool Idle(const SplitTime& split, int64_t now_us) const {
    return idle_timeout_us_ > 0 && !split.paused && now_us - split.last_us >= idle_timeout_us_;
  }

  bool EmptyForLong(int64_t now_us) const {
    return idle_timeout_us_ > 0 && splits_.empty() && now_us - empty_since_us_ >= idle_timeout_us_;
  }

  const int64_t idle_timeout_us_;
  int64_t empty_since_us_ = 0;
  std::map<std::string, SplitTime> splits_;
  InputTime said_;
};

}  // namespace millrace

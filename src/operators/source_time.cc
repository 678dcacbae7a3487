#include "operators/source_time.h"

#include <algorithm>

namespace millrace {

void SourceTime::Advance(const std::string& split, EventTime watermark, int64_t now_us) {
  SplitTime& time = splits_[split];
  time.watermark = std::max(time.watermark, watermark);
  time.last_us = now_us;
}

void SourceTime::Remove(const std::string& split, int64_t now_us) {
  splits_.erase(split);
  if (splits_.empty()) empty_since_us_ = now_us;
}

EventTime SourceTime::WatermarkOf(const std::string& split) const {
  const auto found = splits_.find(split);
  return found == splits_.end() ? EventTime::Min() : found->second.watermark;
}

EventTime SourceTime::Slowest(int64_t now_us) const {
  EventTime slowest = EventTime::Max();
  for (const auto& [id, split] : splits_) {
    if (!Idle(split, now_us)) slowest = std::min(slowest, split.watermark);
  }
  return slowest;
}

SourceTime::Changes SourceTime::Limit(EventTime limit, int64_t now_us) {
  Changes changes;
  for (auto& [id, split] : splits_) {
    const bool beyond = split.watermark > limit;
    if (beyond == split.paused) continue;
    split.paused = beyond;
    split.last_us = now_us;
    (beyond ? changes.pause : changes.resume).push_back(id);
  }
  return changes;
}

std::optional<InputTime> SourceTime::Next(int64_t now_us) {
  if (splits_.empty() && !EmptyForLong(now_us)) return std::nullopt;
  InputTime next{EventTime::Max(), true};
  for (const auto& [id, split] : splits_) {
    if (Idle(split, now_us)) continue;
    next.watermark = std::min(next.watermark, split.watermark);
    next.idle = false;
  }
  next.watermark = next.idle ? said_.watermark : std::max(next.watermark, said_.watermark);
  if (next == said_) return std::nullopt;
  return said_ = next;
}

ProcTime SourceTime::NextIdle(int64_t now_us) const {
  ProcTime next;
  if (idle_timeout_us_ == 0 || EmptyForLong(now_us)) return next;
  if (splits_.empty()) return {empty_since_us_ + idle_timeout_us_};
  for (const auto& [id, split] : splits_) {
    if (split.paused || Idle(split, now_us)) continue;
    next = std::min(next, ProcTime{split.last_us + idle_timeout_us_});
  }
  return next;
}

}  // namespace millrace

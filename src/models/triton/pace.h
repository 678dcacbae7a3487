#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>

#include "base/metrics.h"

namespace millrace {

/// How many rows a request of a model may have, and how many requests may be under way, so that
/// one takes no longer than a target. While answers are in time the rows grow, at their maximum the
/// requests; a late answer halves the requests, at their minimum the rows (additive increase,
/// multiplicative decrease; until the first late answer everything doubles). Thread-safe.
class Pace {
 public:
  struct Limits {
    int64_t target_us = 0;
    int64_t most_rows = 0, most_requests = 0;
  };
  /// Keeps one request waiting at the server while another is computed.
  static constexpr int64_t kFewestRequests = 2;

  /// The gauges show both limits.
  Pace(Limits limits, std::shared_ptr<Gauge> rows, std::shared_ptr<Gauge> requests);

  /// Of the next request.
  int64_t rows() const;
  /// Whether a request may be sent now; else `turn` is called when it may, on the thread of the one
  /// that leaves.
  bool Enter(std::function<void()> turn);
  /// A request that had entered has ended.
  void Leave();
  /// A request of `rows` that was sent at `sent_us` was answered, or timed out, at `now_us`, both
  /// of the monotonic clock.
  void Learn(int64_t rows, int64_t sent_us, int64_t now_us);

 private:
  void Grow(int64_t* limit, int64_t step, int64_t most) const;

  const Limits limits_;
  const std::shared_ptr<Gauge> shown_rows_, shown_requests_;
  mutable std::mutex mutex_;
  int64_t rows_ = 1;
  int64_t requests_;
  int64_t under_way_ = 0;
  std::deque<std::function<void()>> waiting_;
  bool probing_ = true;     ///< nothing was late yet
  int64_t shrunk_us_ = -1;  ///< what was sent before it says nothing of the limits since
};

}  // namespace millrace

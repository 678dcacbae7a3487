#pragma once

#include <cstdint>
#include <deque>
#include <mutex>

#include "base/env.h"

namespace millrace {

struct CircuitBreakerSettings {
  bool enabled = false;
  double failure_threshold = 0.5;  ///< share of failures that opens it
  int64_t open_us = 60'000'000;
  int trials = 3;  ///< half open: that many may go, and all of them must succeed
};

/// Keeps requests from a server that fails (T8). Closed: all may go, and the outcomes of the last
/// `kWindow` are remembered; once `kFewest` are known and the share of failures has reached the
/// threshold it opens. Open: none may go, until `open_us` have passed. Half open: trials may go;
/// the first failure opens it again, `trials` successes close it. What the server answers to a
/// client's mistake is a success. Thread-safe.
class CircuitBreaker {
 public:
  enum class State : uint8_t { kClosed, kOpen, kHalfOpen };
  static constexpr size_t kWindow = 100;
  static constexpr size_t kFewest = 10;

  CircuitBreaker(const CircuitBreakerSettings& settings, Env& env)
      : settings_(settings), env_(env) {}

  /// Whether a request may go; if so, its outcome is told by one of the three below.
  bool Admit();
  void Succeeded();
  void Failed();
  void Withdrawn();  ///< it was cancelled: nothing was learnt

  void Trip();   ///< opens it whatever the outcomes were: the server is known to be down
  void Probe();  ///< an open one lets trials through at once: the server is known to be up

  State state() const;
  int64_t retry_in_us() const;  ///< until an open one lets trials through

 private:
  void Open();
  void Record(bool failed);

  const CircuitBreakerSettings settings_;
  Env& env_;
  mutable std::mutex mutex_;
  State state_ = State::kClosed;
  int64_t opened_at_us_ = 0;
  std::deque<bool> failed_;  ///< of the last outcomes
  size_t failures_ = 0;
  int admitted_ = 0, succeeded_ = 0;  ///< of the trials
};

/// "closed", "open", "half-open"
const char* TextOf(CircuitBreaker::State state);

}  // namespace millrace

#pragma once

#include <compare>
#include <cstdint>
#include <limits>

namespace millrace {

/// Microseconds since 1970-01-01: of an event. `kMin`: no watermark yet; `kMax`: no more events.
struct EventTime {
  int64_t us = std::numeric_limits<int64_t>::min();

  static constexpr EventTime Min() { return {}; }
  static constexpr EventTime Max() { return {std::numeric_limits<int64_t>::max()}; }
  auto operator<=>(const EventTime&) const = default;
};

/// Microseconds since 1970-01-01: of the wall clock of `Env`. Unset: never.
struct ProcTime {
  int64_t us = std::numeric_limits<int64_t>::max();

  static constexpr ProcTime Never() { return {}; }
  auto operator<=>(const ProcTime&) const = default;
};

/// What an input knows of event time. An idle input does not hold back the minimum.
struct InputTime {
  EventTime watermark;
  bool idle = false;
  bool operator==(const InputTime&) const = default;
};

enum class TimeDomain : uint8_t { kEvent, kProcessing };

}  // namespace millrace

#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "base/files.h"

namespace millrace {

/// The world as the engine sees it: everything that would make two runs differ. The simulator has
/// its own. All methods are thread-safe.
class Env {
 public:
  virtual ~Env() = default;
  virtual int64_t NowMicros() = 0;        ///< wall clock, since 1970-01-01 UTC
  virtual int64_t MonotonicMicros() = 0;  ///< for durations; never goes back
  virtual uint64_t Random() = 0;
  /// Runs `work`, which may block, on another thread (in the simulator: later, on this one).
  virtual void Execute(std::function<void()> work) = 0;
  virtual FileSystem& files() = 0;
};

/// The real world. `Execute` uses a pool that grows to `max_threads` and shrinks when idle; work
/// beyond that queues. Destroying it waits until all work is done, so it must not be destroyed from
/// within `Execute`.
std::unique_ptr<Env> MakeSystemEnv(int max_threads = 16);

}  // namespace millrace

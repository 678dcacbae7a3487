#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/env.h"

namespace millrace {

class Executor;

/// Work that is done a slice at a time, never on two threads at once. Owned by shared pointers: one
/// that is queued lives until its slice is over.
class Runnable : public std::enable_shared_from_this<Runnable> {
 public:
  virtual ~Runnable() = default;
  Runnable(const Runnable&) = delete;
  Runnable& operator=(const Runnable&) = delete;

  /// Asks for a slice. Any thread; cheap when repeated.
  void Wake();
  /// Wakes it at `at_us` of the monotonic clock; replaces the alarm before. Any thread.
  void WakeAt(int64_t at_us);

  /// For executors: runs one slice of what was enqueued.
  void Execute();

 protected:
  explicit Runnable(Executor& executor) : executor_(executor) {}
  /// True: again, after the others.
  virtual bool RunSlice() = 0;

  Executor& executor_;

 private:
  friend class AlarmHeap;
  static constexpr uint8_t kScheduled = 1;  ///< queued or running
  static constexpr uint8_t kWoken = 2;      ///< since the slice began

  std::atomic<uint8_t> state_{0};
  std::optional<std::pair<int64_t, uint64_t>>
      alarm_;  ///< its place in the heap; guarded by the executor
};

/// Who runs slices, and when. Thread-safe.
class Executor {
 public:
  virtual ~Executor() = default;
  virtual void Enqueue(std::shared_ptr<Runnable> runnable) = 0;
  /// The same of what has just had its slice on this thread, which looks for work next.
  virtual void EnqueueAgain(std::shared_ptr<Runnable> runnable) { Enqueue(std::move(runnable)); }
  virtual void SetAlarm(const std::shared_ptr<Runnable>& runnable, int64_t at_us) = 0;
  virtual Env& env() = 0;
  /// How long a slice should last at most.
  virtual int64_t slice_us() const = 0;
};

/// The alarms of all runnables of an executor, which guards it.
class AlarmHeap {
 public:
  static constexpr int64_t kNever = INT64_MAX;

  void Set(const std::shared_ptr<Runnable>& runnable, int64_t at_us);
  int64_t next_us() const { return due_.empty() ? kNever : due_.begin()->first.first; }
  /// Takes out those due at `now_us`.
  std::vector<std::shared_ptr<Runnable>> TakeDue(int64_t now_us);

 private:
  /// By time, then in the order in which they were set: the same in every run of the simulator.
  std::map<std::pair<int64_t, uint64_t>, std::weak_ptr<Runnable>> due_;
  uint64_t next_ = 0;
};

}  // namespace millrace

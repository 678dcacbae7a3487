#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "runtime/executor.h"

namespace millrace {

/// Worker threads over one queue. Idle workers sleep; one of them sleeps until the next alarm.
class ThreadExecutor final : public Executor {
 public:
  /// `workers` 0: as many as there are cores.
  ThreadExecutor(Env& env, int workers);
  ~ThreadExecutor() override;  ///< after all that was enqueued has ended

  void Enqueue(std::shared_ptr<Runnable> runnable) override;
  void EnqueueAgain(std::shared_ptr<Runnable> runnable) override;
  void SetAlarm(const std::shared_ptr<Runnable>& runnable, int64_t at_us) override;
  Env& env() override { return env_; }
  int64_t slice_us() const override { return 2000; }

 private:
  void WakeOne();
  void Work();
  std::shared_ptr<Runnable> Next(std::unique_lock<std::mutex>& lock);

  Env& env_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable alarm_;
  std::deque<std::shared_ptr<Runnable>> queue_;
  AlarmHeap alarms_;
  int sleeping_ = 0;
  bool watching_ = false;  ///< a worker sleeps until the next alarm
  bool stopped_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace millrace

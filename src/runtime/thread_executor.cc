#include "runtime/thread_executor.h"

#include <algorithm>
#include <chrono>

namespace millrace {

ThreadExecutor::ThreadExecutor(Env& env, int workers) : env_(env) {
  const int count = workers > 0 ? workers : static_cast<int>(std::thread::hardware_concurrency());
  for (int i = 0; i < std::max(count, 1); ++i) threads_.emplace_back([this] { Work(); });
}

ThreadExecutor::~ThreadExecutor() {
  {
    std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  wake_.notify_all();
  alarm_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void ThreadExecutor::Enqueue(std::shared_ptr<Runnable> runnable) {
  std::lock_guard lock(mutex_);
  queue_.push_back(std::move(runnable));
  WakeOne();
}

void ThreadExecutor::EnqueueAgain(std::shared_ptr<Runnable> runnable) {
  std::lock_guard lock(mutex_);
  queue_.push_back(std::move(runnable));
  // Alone in the queue it is taken by this thread, to go on in warm caches.
  if (queue_.size() > 1) WakeOne();
}

void ThreadExecutor::WakeOne() {
  if (sleeping_ > 0) {
    wake_.notify_one();
  } else if (watching_) {
    alarm_.notify_one();
  }
}

void ThreadExecutor::SetAlarm(const std::shared_ptr<Runnable>& runnable, int64_t at_us) {
  std::lock_guard lock(mutex_);
  const int64_t before = alarms_.next_us();
  alarms_.Set(runnable, at_us);
  if (alarms_.next_us() >= before) return;
  if (watching_) {
    alarm_.notify_one();
  } else if (sleeping_ > 0) {
    wake_.notify_one();
  }
}

std::shared_ptr<Runnable> ThreadExecutor::Next(std::unique_lock<std::mutex>& lock) {
  while (!stopped_) {
    if (alarms_.next_us() != AlarmHeap::kNever) {
      const auto due = alarms_.TakeDue(env_.MonotonicMicros());
      if (!due.empty()) {
        lock.unlock();
        for (const auto& runnable : due) runnable->Wake();
        lock.lock();
        continue;
      }
    }
    if (!queue_.empty()) {
      auto next = std::move(queue_.front());
      queue_.pop_front();
      return next;
    }
    if (alarms_.next_us() != AlarmHeap::kNever && !watching_) {
      watching_ = true;
      alarm_.wait_for(lock, std::chrono::microseconds(alarms_.next_us() - env_.MonotonicMicros()));
      watching_ = false;
      // Another must watch while this one works.
      if (sleeping_ > 0 && alarms_.next_us() != AlarmHeap::kNever) wake_.notify_one();
    } else {
      ++sleeping_;
      wake_.wait(lock);
      --sleeping_;
    }
  }
  return nullptr;
}

void ThreadExecutor::Work() {
  std::unique_lock lock(mutex_);
  while (auto runnable = Next(lock)) {
    lock.unlock();
    runnable->Execute();
    runnable.reset();
    lock.lock();
  }
}

}  // namespace millrace

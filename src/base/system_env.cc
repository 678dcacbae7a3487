#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

#include "base/env.h"
#include "base/posix_files.h"

namespace millrace {
namespace {

/// Threads for work that may block: started when none is idle, ended when idle for a while.
class WorkerPool {
 public:
  explicit WorkerPool(int max_threads) : max_threads_(max_threads) {}
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  /// Runs what is queued to its end.
  ~WorkerPool() {
    std::unique_lock lock(mutex_);
    closing_ = true;
    wake_.notify_all();
    ended_.wait(lock, [this] { return threads_ == 0; });
  }

  void Add(std::function<void()> work) {
    std::lock_guard lock(mutex_);
    queue_.push_back(std::move(work));
    if (static_cast<int>(queue_.size()) <= idle_) {
      wake_.notify_one();
    } else if (threads_ < max_threads_) {
      ++threads_;
      std::thread([this] { Work(); }).detach();
    }
  }

 private:
  static constexpr std::chrono::seconds kIdleTime{10};

  void Work() {
    std::unique_lock lock(mutex_);
    while (true) {
      ++idle_;
      wake_.wait_for(lock, kIdleTime, [this] { return !queue_.empty() || closing_; });
      --idle_;
      if (queue_.empty()) break;
      auto work = std::move(queue_.front());
      queue_.pop_front();
      lock.unlock();
      work();
      work = nullptr;
      lock.lock();
    }
    --threads_;
    ended_.notify_all();
  }

  const int max_threads_;
  std::mutex mutex_;
  std::condition_variable wake_, ended_;
  std::deque<std::function<void()>> queue_;
  int threads_ = 0;
  int idle_ = 0;
  bool closing_ = false;
};

template <class Clock>
int64_t MicrosOf() {
  const auto now = Clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

class SystemEnv final : public Env {
 public:
  explicit SystemEnv(int max_threads) : files_(MakePosixFileSystem()), pool_(max_threads) {}

  int64_t NowMicros() override { return MicrosOf<std::chrono::system_clock>(); }
  int64_t MonotonicMicros() override { return MicrosOf<std::chrono::steady_clock>(); }
  uint64_t Random() override {
    thread_local std::mt19937_64 generator{std::random_device{}()};
    return generator();
  }
  void Execute(std::function<void()> work) override { pool_.Add(std::move(work)); }
  FileSystem& files() override { return *files_; }

 private:
  std::unique_ptr<FileSystem> files_;
  WorkerPool pool_;
};

}  // namespace

std::unique_ptr<Env> MakeSystemEnv(int max_threads) {
  return std::make_unique<SystemEnv>(max_threads);
}

}  // namespace millrace

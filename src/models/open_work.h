#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>

namespace millrace {

/// Counts work that other threads still do with an object's surroundings, so that these can wait
/// for its end.
class OpenWork : public std::enable_shared_from_this<OpenWork> {
 public:
  /// The work is open until the last copy of the ticket is gone.
  std::shared_ptr<void> Open() {
    std::lock_guard lock(mutex_);
    ++open_;
    return {this, [self = shared_from_this()](void*) { self->Close(); }};
  }
  void WaitForAll() {
    std::unique_lock lock(mutex_);
    none_.wait(lock, [this] { return open_ == 0; });
  }

 private:
  void Close() {
    std::lock_guard lock(mutex_);
    if (--open_ == 0) none_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable none_;
  int open_ = 0;
};

}  // namespace millrace

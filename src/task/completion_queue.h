#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "spi/operator.h"

namespace millrace {

/// The way of completions from any thread into a task. Shared by the task and its senders; a sender
/// that outlives the task finds it closed.
class CompletionQueue : public std::enable_shared_from_this<CompletionQueue> {
 public:
  using Item = std::pair<int, Completion>;  ///< node in the chain, what came

  explicit CompletionQueue(std::function<void()> wake) : wake_(std::move(wake)) {}

  CompletionSender SenderFor(int node) {
    return CompletionSender(std::make_shared<const CompletionSender::Function>(
        [self = shared_from_this(), node](Completion completion) {
          self->Send(node, std::move(completion));
        }));
  }

  std::vector<Item> TakeAll() {
    std::lock_guard lock(mutex_);
    return std::exchange(items_, {});
  }

  bool empty() const {
    std::lock_guard lock(mutex_);
    return items_.empty();
  }

  /// After this, `wake` is not called any more.
  void Close() {
    std::lock_guard lock(mutex_);
    closed_ = true;
    items_.clear();
  }

 private:
  void Send(int node, Completion completion) {
    std::lock_guard lock(mutex_);
    if (closed_) return;
    items_.emplace_back(node, std::move(completion));
    // Under the lock: `Close` must not return while the host is being woken.
    if (items_.size() == 1) wake_();
  }

  mutable std::mutex mutex_;
  std::function<void()> wake_;
  std::vector<Item> items_;
  bool closed_ = false;
};

}  // namespace millrace

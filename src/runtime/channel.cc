#include "runtime/channel.h"

#include <utility>

namespace millrace {

void Channel::Push(ChannelItem item) {
  bool full = false;
  {
    std::lock_guard lock(mutex_);
    if (closed()) return;
    if (item.kind == ChannelItem::Kind::kBatch) {
      item.bytes = item.batch.size_bytes();
      bytes_ += item.bytes;
      ++batches_;
    }
    queue_.push_back(std::move(item));
    waiting_.store(true, std::memory_order_release);
    if (!full_ && IsFull()) full_ = full = true;
    // Under the lock: the receiver's word of room must not overtake this.
    if (full) sender_.OnChannelFull();
  }
  receiver_.OnChannelData();
}

int64_t Channel::queued_bytes() const {
  std::lock_guard lock(mutex_);
  return bytes_;
}

ChannelItem* Channel::Front() {
  if (next_ == taken_.size()) {
    if (!waiting_.load(std::memory_order_acquire)) return nullptr;
    taken_.clear();
    next_ = 0;
    std::lock_guard lock(mutex_);
    std::swap(taken_, queue_);
    waiting_.store(false, std::memory_order_release);
    if (taken_.empty()) return nullptr;
  }
  return &taken_[next_];
}

void Channel::Pop() {
  const ChannelItem item = std::move(taken_[next_++]);
  if (next_ == taken_.size()) {
    // An idle channel keeps no memory.
    taken_ = {};
    next_ = 0;
  }
  if (item.kind != ChannelItem::Kind::kBatch) return;
  std::lock_guard lock(mutex_);
  bytes_ -= item.bytes;
  --batches_;
  if (full_ && HasRoomAgain()) {
    full_ = false;
    sender_.OnChannelRoom();
  }
}

void Channel::Close() {
  taken_.clear();
  next_ = 0;
  std::lock_guard lock(mutex_);
  if (closed()) return;
  closed_.store(true, std::memory_order_release);
  waiting_.store(false, std::memory_order_release);
  queue_.clear();
  if (std::exchange(full_, false)) sender_.OnChannelRoom();
  sender_.OnChannelClosed();
}

}  // namespace millrace

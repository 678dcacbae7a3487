#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <vector>

#include "base/ids.h"
#include "types/batch.h"
#include "types/time.h"

namespace millrace {

/// The ends of a channel, as it sees them. Called on the other end's thread.
class ChannelSender {
 public:
  virtual ~ChannelSender() = default;
  virtual void OnChannelFull() = 0;
  virtual void OnChannelRoom() = 0;    ///< room again
  virtual void OnChannelClosed() = 0;  ///< the receiver wants no more
};
class ChannelReceiver {
 public:
  virtual ~ChannelReceiver() = default;
  virtual void OnChannelData() = 0;
};

struct ChannelItem {
  enum class Kind : uint8_t { kBatch, kTime, kBarrier, kEnd };
  Kind kind = Kind::kBatch;
  Batch batch;
  InputTime time;
  CheckpointId checkpoint{0};
  int64_t bytes = 0;
};

/// A queue from one subtask to another, bounded in bytes and items. It always takes what is pushed
/// and says when it is full; the receiver takes all there is at once, so that the lock is held once
/// for many batches.
class Channel {
 public:
  Channel(ChannelSender& sender, ChannelReceiver& receiver, int64_t capacity_bytes)
      : sender_(sender), receiver_(receiver), capacity_bytes_(capacity_bytes) {}

  // --- sender
  void Push(ChannelItem item);

  // --- any thread
  int64_t queued_bytes() const;
  int64_t capacity_bytes() const { return capacity_bytes_; }

  // --- receiver
  ChannelItem* Front();  ///< null: nothing is there
  void Pop();
  void Close();  ///< drops what is there and what will come
  bool closed() const { return closed_.load(std::memory_order_acquire); }

 private:
  static constexpr int64_t kMaxBatches = 256;

  bool IsFull() const { return bytes_ >= capacity_bytes_ || batches_ >= kMaxBatches; }
  bool HasRoomAgain() const { return bytes_ <= capacity_bytes_ / 2 && batches_ <= kMaxBatches / 2; }

  ChannelSender& sender_;
  ChannelReceiver& receiver_;
  const int64_t capacity_bytes_;

  mutable std::mutex mutex_;
  std::vector<ChannelItem> queue_;
  int64_t bytes_ = 0;  ///< of batches not yet popped
  int64_t batches_ = 0;
  bool full_ = false;
  std::atomic<bool> waiting_{false};  ///< `queue_` is not empty
  std::atomic<bool> closed_{false};

  std::vector<ChannelItem> taken_;  ///< the receiver's
  size_t next_ = 0;
};

}  // namespace millrace

#include "session/result_buffer.h"

#include <utility>

#include <arrow/record_batch.h>

namespace millrace {

bool ResultBuffer::HasRoom() const {
  std::lock_guard lock(mutex_);
  return HasRoomLocked();
}

void ResultBuffer::OnReady(std::function<void()> ready) {
  std::lock_guard lock(mutex_);
  ready_.push_back(std::move(ready));
}

Status ResultBuffer::Receive(Batch batch) {
  {
    std::lock_guard lock(mutex_);
    if (closed_ || batch.empty()) return Status::OK();
    bytes_ += batch.size_bytes();
    batches_.push_back(std::move(batch));
  }
  changed_.notify_all();
  return Status::OK();
}

void ResultBuffer::Finish(Status outcome) {
  {
    std::lock_guard lock(mutex_);
    outcome_ = std::move(outcome);
    ready_.clear();
  }
  changed_.notify_all();
}

void ResultBuffer::Close() {
  std::vector<std::function<void()>> ready;
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
    batches_.clear();
    bytes_ = 0;
    ready = ready_;
  }
  for (const auto& call : ready) call();
  changed_.notify_all();
}

Result<std::optional<Batch>> ResultBuffer::Next(std::optional<std::chrono::milliseconds> timeout) {
  Batch batch;
  std::vector<std::function<void()>> ready;
  {
    std::unique_lock lock(mutex_);
    const auto has_news = [&] { return !batches_.empty() || outcome_.has_value() || closed_; };
    if (!timeout) {
      changed_.wait(lock, has_news);
    } else if (!changed_.wait_for(lock, *timeout, has_news)) {
      return std::nullopt;
    }
    if (batches_.empty()) {
      if (outcome_) ARROW_RETURN_NOT_OK(*outcome_);
      return Batch{};
    }
    const bool was_full = !HasRoomLocked();
    batch = std::move(batches_.front());
    batches_.pop_front();
    bytes_ -= batch.size_bytes();
    if (was_full && HasRoomLocked()) ready = ready_;
  }
  for (const auto& call : ready) call();
  return batch;
}

}  // namespace millrace

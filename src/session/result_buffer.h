#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <vector>

#include "spi/services.h"

namespace millrace {

/// Rows of a query on their way from the job's threads to the one who reads them. Bounded: the job
/// waits while it is full. Thread-safe.
class ResultBuffer final : public RowReceiver {
 public:
  static constexpr int64_t kRoomBytes = 8 << 20;

  bool HasRoom() const override;
  void OnReady(std::function<void()> ready) override;
  Status Receive(Batch batch) override;

  /// The job has ended so; what it sent before can still be read.
  void Finish(Status outcome);
  /// Nobody reads any more: rows are dropped.
  void Close();

  /// The next rows; an empty batch (`rows` null) once the job has finished, its failure where it
  /// failed. Waits for `timeout`, by default as long as it takes; empty where nothing came.
  Result<std::optional<Batch>> Next(std::optional<std::chrono::milliseconds> timeout = {});

 private:
  bool HasRoomLocked() const { return closed_ || bytes_ < kRoomBytes; }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Batch> batches_;
  int64_t bytes_ = 0;
  bool closed_ = false;
  std::optional<Status> outcome_;
  std::vector<std::function<void()>> ready_;  ///< one of each subtask that sends
};

}  // namespace millrace

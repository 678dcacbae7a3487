#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "task/stage_task.h"

namespace millrace {

/// Waits for the flushes of all operators of a task. Thread-safe.
class FlushGate : public std::enable_shared_from_this<FlushGate> {
 public:
  /// For one more flush; the function is called once.
  std::function<void(Status)> Add();
  void WhenDone(std::function<void(Status)> done);

 private:
  void Finish(const Status& status);

  std::mutex mutex_;
  int open_ = 0;
  Status status_;
  std::function<void(Status)> done_;
};

class TaskSnapshot final : public StageSnapshot {
 public:
  TaskSnapshot() : gate_(std::make_shared<FlushGate>()) {}

  void AddStore(std::unique_ptr<StateSnapshot> snapshot, const std::vector<StateSpec>& specs);
  void AddBytes(PartId part, int version, std::string bytes);
  FlushGate& gate() { return *gate_; }

  std::vector<PartId> parts() const override;
  int version(const PartId& part) const override;
  uint64_t content_version(const PartId& part) const override;
  Status Write(const PartId& part, std::string* out) const override;
  void WhenFlushed(std::function<void(Status)> done) override { gate_->WhenDone(std::move(done)); }

 private:
  struct Source {
    const StateSnapshot* snapshot = nullptr;  ///< null: the bytes are here
    std::string bytes;
    int version = 0;
  };

  std::shared_ptr<FlushGate> gate_;
  std::vector<std::unique_ptr<StateSnapshot>> snapshots_;
  std::map<PartId, Source> parts_;
};

}  // namespace millrace

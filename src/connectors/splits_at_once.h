#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "spi/source.h"

namespace millrace {

/// Finds all splits when a job begins. A restore finds none: what became of them is the readers'
/// state.
class SplitsAtOnce : public SplitFinder {
 public:
  Status Open(const std::string& state, int parallelism, Env& env) final {
    found_ = !state.empty();
    if (found_) return Status::OK();
    ARROW_ASSIGN_OR_RAISE(splits_, Find(parallelism, env));
    return Status::OK();
  }
  Result<std::vector<Split>> NewSplits() final {
    found_ = true;
    return std::exchange(splits_, {});
  }
  bool finished() const final { return found_; }
  void OnReady(std::function<void()>) final {}
  Result<std::string> Snapshot() final { return std::string(found_ ? "found" : ""); }

 private:
  virtual Result<std::vector<Split>> Find(int parallelism, Env& env) = 0;

  bool found_ = false;
  std::vector<Split> splits_;
};

}  // namespace millrace

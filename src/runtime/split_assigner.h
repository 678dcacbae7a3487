#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "runtime/task_runner.h"

namespace millrace {

/// Finds the splits of one source and gives them to its readers, each to the one that got the
/// fewest; says so where some get none while more may come (M2). Lives on the coordinator's thread;
/// the finder works on others, one call at a time.
class SplitAssigner : public std::enable_shared_from_this<SplitAssigner> {
 public:
  /// Runs a function on the coordinator's thread; from any thread.
  using Post = std::function<void(std::function<void()>)>;
  using Failed = std::function<void(Status)>;

  SplitAssigner(NodeId node, std::unique_ptr<SplitFinder> finder, std::string state,
                std::vector<TaskRunner*> readers, Env& env, Post post, Failed failed);

  void Start();
  /// A call of the finder is under way: no `Snapshot` now. `when_quiet` is called on the
  /// coordinator's thread.
  bool busy() const { return busy_; }
  void WhenQuiet(std::function<void()> when_quiet) { when_quiet_ = std::move(when_quiet); }
  Result<std::string> Snapshot() { return finder_->Snapshot(); }
  void Stop() { stopped_ = true; }
  const NodeId& node() const { return node_; }

 private:
  struct Found {
    Status status;
    std::vector<Split> splits;
    bool finished = false;
  };
  void Find(bool open);
  void OnFound(Found found);
  void WarnOfIdle() const;

  const NodeId node_;
  std::shared_ptr<SplitFinder> finder_;
  std::string state_;
  std::vector<TaskRunner*> readers_;
  std::vector<int64_t> given_;  ///< per reader
  Env& env_;
  Post post_;
  Failed failed_;
  std::function<void()> when_quiet_;
  const bool restored_;  ///< `given_` lacks what the readers have from before
  bool told_ = false;
  bool busy_ = false;
  bool again_ = false;
  bool finished_ = false;
  bool stopped_ = false;
};

}  // namespace millrace

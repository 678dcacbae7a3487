#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/env.h"
#include "models/tensor_model.h"
#include "server/serving_state.h"

namespace millrace {

/// As `dynamic_batching` of a config.pbtxt says it.
struct DynamicBatching {
  int64_t max_rows = 0;                 ///< of one execution
  int64_t max_delay_us = 0;             ///< that the first request waits for others
  std::vector<int64_t> preferred_rows;  ///< what is not waited beyond; empty: `max_rows`
};

/// Joins the requests of several clients into executions of one model, one at a time. Requests
/// come together where their outputs and the shapes of their rows are the same; those that come
/// while the model is at work are the next execution. Where one fails, its requests are run one by
/// one, so that none fails for another's sake. Thread-safe; blocks and works on the callers'
/// threads.
class DynamicBatcher {
 public:
  explicit DynamicBatcher(DynamicBatching options) : options_(std::move(options)) {}

  struct Outcome {
    Result<std::vector<Tensor>> outputs = std::vector<Tensor>();
    int64_t queue_us = 0;  ///< until its execution began
  };
  /// `inputs` and `outputs` as of `TensorModel::Run`, every input with `rows` rows.
  Outcome Run(TensorModel& model, std::vector<Tensor> inputs, const std::vector<int>& outputs,
              int64_t rows, Env& env, ServingStatistics& statistics);

  const DynamicBatching& options() const { return options_; }

 private:
  struct Request {
    std::vector<Tensor> inputs;
    int64_t rows = 0;
    int64_t arrived_us = 0;
    Outcome outcome;
  };
  /// Requests of one execution; the thread of the first one runs it.
  struct Group {
    std::vector<std::unique_ptr<Request>> requests;
    int64_t rows = 0;
    bool full = false;
    bool done = false;
  };

  bool IsFull(int64_t rows) const;
  /// Takes it out of those that may still grow. With the lock held.
  void Close(const std::string& form, Group& group);
  static void Execute(TensorModel& model, const std::vector<int>& outputs, Group& group, Env& env,
                      ServingStatistics& statistics);

  const DynamicBatching options_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, std::shared_ptr<Group>> open_;  ///< by form
  bool busy_ = false;
};

}  // namespace millrace

#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/env.h"
#include "models/tensor.h"

namespace millrace {

/// What a served version has done since it was loaded, in the terms of Triton's statistics.
/// Thread-safe.
class ServingStatistics {
 public:
  /// A request: its rows, how long it waited and how long it was computed.
  void Succeeded(int64_t rows, int64_t queue_us, int64_t compute_us, int64_t now_us);
  void Failed(int64_t us);
  /// A run of the model, for one request or several.
  void Executed(int64_t rows, int64_t us);
  /// An entry of `model_stats`, without name and version.
  nlohmann::json ToJson() const;

  int64_t success() const { return success_; }
  int64_t failure() const { return failure_; }
  int64_t rows() const { return rows_; }
  int64_t executions() const { return executions_; }
  int64_t queue_us() const { return queue_us_; }
  int64_t compute_us() const { return compute_us_; }

 private:
  struct Executions {
    int64_t count = 0, us = 0;
  };

  std::atomic<int64_t> success_{0}, failure_{0}, rows_{0}, queue_us_{0}, compute_us_{0};
  std::atomic<int64_t> failure_us_{0}, executions_{0}, last_us_{0};
  mutable std::mutex mutex_;
  std::map<int64_t, Executions> by_rows_;
};

/// An input of a model that is an output of the request before, of the same sequence.
struct StateTensor {
  std::string input, output;
};

/// The states that a served version keeps between the requests of a sequence. Thread-safe;
/// requests of one sequence wait for each other.
class ServingSequences {
 public:
  /// A sequence while a request of it is at work.
  struct Open {
    std::mutex mutex;
    std::vector<Tensor> state;  ///< empty: zeros
    int64_t last_us = 0;
  };

  explicit ServingSequences(int64_t idle_us) : idle_us_(idle_us) {}

  /// The sequence, new where `start` is set. A user error where it is neither open nor started, in
  /// Triton's words.
  Result<std::shared_ptr<Open>> Enter(const std::string& model, const std::string& id, bool start,
                                      int64_t now_us);
  void End(const std::string& id);
  int64_t idle_us() const { return idle_us_; }

 private:
  const int64_t idle_us_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Open>> open_;
};

}  // namespace millrace

#include "server/serving_state.h"

#include <nlohmann/json.hpp>

namespace millrace {

using nlohmann::json;

void ServingStatistics::Succeeded(int64_t rows, int64_t queue_us, int64_t compute_us,
                                  int64_t now_us) {
  success_ += 1;
  rows_ += rows;
  queue_us_ += queue_us;
  compute_us_ += compute_us;
  last_us_ = now_us;
}

void ServingStatistics::Failed(int64_t us) {
  failure_ += 1;
  failure_us_ += us;
}

void ServingStatistics::Executed(int64_t rows, int64_t us) {
  executions_ += 1;
  std::lock_guard lock(mutex_);
  Executions& same = by_rows_[rows];
  same.count += 1;
  same.us += us;
}

json ServingStatistics::ToJson() const {
  const auto part = [](int64_t count, int64_t us) {
    return json({{"count", count}, {"ns", us * 1000}});
  };
  const int64_t n = success_;
  auto batches = json::array();
  {
    std::lock_guard lock(mutex_);
    for (const auto& [rows, executions] : by_rows_) {
      batches.push_back({{"batch_size", rows},
                         {"compute_input", part(executions.count, 0)},
                         {"compute_infer", part(executions.count, executions.us)},
                         {"compute_output", part(executions.count, 0)}});
    }
  }
  return {{"last_inference", last_us_ / 1000},
          {"inference_count", rows_.load()},
          {"execution_count", executions_.load()},
          {"inference_stats",
           {{"success", part(n, queue_us_ + compute_us_)},
            {"fail", part(failure_, failure_us_)},
            {"queue", part(n, queue_us_)},
            {"compute_input", part(n, 0)},
            {"compute_infer", part(n, compute_us_)},
            {"compute_output", part(n, 0)}}},
          {"batch_stats", std::move(batches)}};
}

Result<std::shared_ptr<ServingSequences::Open>> ServingSequences::Enter(const std::string& model,
                                                                        const std::string& id,
                                                                        bool start,
                                                                        int64_t now_us) {
  if (id.empty() || id == "0") {
    return Error::User("inference request to model '" + model +
                       "' must specify a non-zero or non-empty correlation ID");
  }
  std::lock_guard lock(mutex_);
  std::erase_if(open_, [&](const auto& each) {
    return each.second.use_count() == 1 && now_us - each.second->last_us > idle_us_;
  });
  auto& sequence = open_[id];
  if (start) sequence = std::make_shared<Open>();
  if (!sequence) {
    open_.erase(id);
    return Error::User("inference request for sequence " + id + " to model '" + model +
                       "' must specify the START flag on the first request of the sequence");
  }
  sequence->last_us = now_us;
  return sequence;
}

void ServingSequences::End(const std::string& id) {
  std::lock_guard lock(mutex_);
  open_.erase(id);
}

}  // namespace millrace

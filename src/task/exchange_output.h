#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "plan/physical_plan.h"
#include "task/stage_task.h"
#include "types/row_keys.h"

namespace millrace {

/// The sending side of one exchange in one task: deals batches out to the channels. Slices that are
/// small are held back per channel and leave together, in order: when they are many, after
/// `linger`, or with `Flush`.
class ExchangeOutput {
 public:
  static constexpr int64_t kTargetRows = 1024;
  static constexpr int64_t kLingerMicros = 5000;

  /// `schema`: of the port. `max_parallelism`: of the receiving stage.
  static Result<std::unique_ptr<ExchangeOutput>> Make(const Exchange& exchange,
                                                      const Schema& schema, int subtask,
                                                      int max_parallelism, StageHost& host);

  Status Add(Batch batch);
  Status Flush();
  ProcTime due() const { return due_; }  ///< never: nothing is held back

 private:
  ExchangeOutput(const Exchange& exchange, int subtask, StageHost& host)
      : exchange_(exchange), host_(host), turn_(subtask) {}
  Status Partition(const Batch& batch);
  Status AddSlice(int channel, Batch slice);
  Status Send(int channel);

  struct Held {
    std::vector<Batch> slices;
    int64_t rows = 0;
  };

  Exchange exchange_;
  StageHost& host_;
  int turn_;  ///< the next channel of a rebalance
  std::optional<KeyEncoder> encoder_;
  std::vector<int> channel_of_group_;
  std::vector<Held> held_;
  ProcTime due_;
  RowKeys keys_;
  std::vector<int> row_channels_;
};

}  // namespace millrace

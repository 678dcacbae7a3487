#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/metrics.h"
#include "spi/operator.h"

namespace millrace {

/// Where rows go that are in no open window.
class LateRows {
 public:
  /// `port`: -1 where nobody reads them; they are counted all the same. `counts_column`: says how
  /// many rows each one stands for; -1: itself.
  explicit LateRows(int port, int counts_column = -1)
      : port_(port), counts_column_(counts_column) {}
  void Open(OperatorContext& context);

  /// `late` leave at the port, those of `errors` go to the dead letters.
  Status Send(const Batch& batch, const std::vector<int32_t>& late,
              std::span<const RowError> errors, Collector& out);

 private:
  int port_;
  int counts_column_;
  OperatorContext* context_ = nullptr;
  std::shared_ptr<Counter> counter_;
};

}  // namespace millrace

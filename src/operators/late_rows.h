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
  /// `port`: -1 where nobody reads them; they are counted all the same.
  explicit LateRows(int port) : port_(port) {}
  void Open(OperatorContext& context);

  /// `late` leave at the port, those of `errors` go to the dead letters.
  Status Send(const Batch& batch, const std::vector<int32_t>& late,
              std::span<const RowError> errors, Collector& out);

 private:
  int port_;
  OperatorContext* context_ = nullptr;
  std::shared_ptr<Counter> counter_;
};

}  // namespace millrace

#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "plan/physical_plan.h"
#include "spi/operator.h"
#include "spi/source.h"

namespace millrace {

/// What an operator is made from. `inputs` are the schemas and changelog modes of its inputs.
struct OperatorRequest {
  const PlanNode& node;
  std::vector<PortPlan> inputs;
  Services& services;
  int subtask = 0;
  int parallelism = 1;
  std::string time_zone = "UTC";  ///< of the session, 'table.local-time-zone'
  std::string job;
  std::optional<int64_t> state_ttl_us;  ///< of state that no watermark clears,
                                        ///< 'table.exec.state.ttl'
  int64_t batch_rows = 1024;            ///< the most of a source's batch, 'millrace.batch-rows'
};

using OperatorMaker = std::function<Result<std::unique_ptr<Operator>>(const OperatorRequest&)>;

/// The finder of a source's splits; null for a source that has none.
using SplitFinderMaker =
    std::function<Result<std::unique_ptr<SplitFinder>>(const PlanNode&, Services&)>;

}  // namespace millrace

#pragma once

#include <memory>
#include <string_view>

#include "spi/function.h"
#include "spi/operator_factory.h"

namespace millrace {

// One maker per node kind; `registry.cc` lists them.
Result<std::unique_ptr<Operator>> MakeSource(const OperatorRequest& request);
Result<std::unique_ptr<Operator>> MakeValues(const OperatorRequest& request);
Result<std::unique_ptr<Operator>> MakeCalc(const OperatorRequest& request);
Result<std::unique_ptr<Operator>> MakeUnnest(const OperatorRequest& request);
Result<std::unique_ptr<Operator>> MakePredict(const OperatorRequest& request);
Result<std::unique_ptr<Operator>> MakeAggregate(const OperatorRequest& request);
Result<std::unique_ptr<Operator>> MakeExpand(const OperatorRequest& request);
Result<std::unique_ptr<Operator>> MakeWindow(const OperatorRequest& request);
Result<std::unique_ptr<Operator>> MakeWindowAggregate(const OperatorRequest& request);
// The local phase of an aggregation, for those above.
Result<std::unique_ptr<Operator>> MakeLocalAggregate(const OperatorRequest& request);
Result<std::unique_ptr<Operator>> MakeLocalWindowAggregate(const OperatorRequest& request);
// SESSION, for those above.
Result<std::unique_ptr<Operator>> MakeSessionWindow(const OperatorRequest& request);
Result<std::unique_ptr<Operator>> MakeSessionAggregate(const OperatorRequest& request);

Result<std::unique_ptr<Operator>> MakeDeduplicate(const OperatorRequest& request);
Result<std::unique_ptr<Operator>> MakeRank(const OperatorRequest& request);
Result<std::unique_ptr<Operator>> MakeLimit(const OperatorRequest& request);
Result<std::unique_ptr<Operator>> MakeSink(const OperatorRequest& request);
Result<std::unique_ptr<Operator>> MakeCollect(const OperatorRequest& request);

/// The config of a node whose kind is known.
template <class Config>
const Config& ConfigOf(const PlanNode& node) {
  return static_cast<const Config&>(*node.config);
}

/// Index of a node's side port; -1 where the plan has none.
int PortNamed(const PlanNode& node, std::string_view name);

/// What expressions of a batch may read beside its columns, as of now.
EvalContext EvalContextOf(OperatorContext& context, const std::string& time_zone,
                          EventTime watermark);

}  // namespace millrace

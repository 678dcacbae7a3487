#include "operators/registry.h"

#include <algorithm>
#include <vector>

#include "base/suggest.h"
#include "operators/make.h"
#include "spi/services.h"

namespace millrace {
namespace {

struct Entry {
  std::string_view op;
  Result<std::unique_ptr<Operator>> (*make)(const OperatorRequest&);
};

constexpr Entry kOperators[] = {
    {SourceConfig::kOp, MakeSource},   {ValuesConfig::kOp, MakeValues},
    {CalcConfig::kOp, MakeCalc},       {UnnestConfig::kOp, MakeUnnest},
    {PredictConfig::kOp, MakePredict}, {AggregateConfig::kOp, MakeAggregate},
    {LimitConfig::kOp, MakeLimit},     {SinkConfig::kOp, MakeSink},
    {CollectConfig::kOp, MakeCollect}, {DeduplicateConfig::kOp, MakeDeduplicate},
    {RankConfig::kOp, MakeRank},       {ExpandConfig::kOp, MakeExpand},
    {WindowConfig::kOp, MakeWindow},   {WindowAggregateConfig::kOp, MakeWindowAggregate},
};

}  // namespace

Result<std::unique_ptr<Operator>> MakeOperator(const OperatorRequest& request) {
  const std::string_view op = request.node.config->op();
  const auto* found = std::find_if(std::begin(kOperators), std::end(kOperators),
                                   [&](const Entry& e) { return e.op == op; });
  if (found != std::end(kOperators)) return found->make(request);
  std::vector<std::string> names;
  for (const Entry& entry : kOperators) names.emplace_back(entry.op);
  return Error::Internal("no operator '" + std::string(op) + "'")
      .In(request.node.id)
      .Hint(Suggest(op, names));
}

int PortNamed(const PlanNode& node, std::string_view name) {
  for (size_t i = 0; i < node.ports.size(); ++i) {
    if (node.ports[i].name == name) return static_cast<int>(i);
  }
  return -1;
}

EvalContext EvalContextOf(OperatorContext& context, const std::string& time_zone,
                          EventTime watermark) {
  EvalContext eval;
  eval.now_us = context.env().NowMicros();
  eval.watermark_us = watermark.us;
  eval.time_zone = time_zone;
  eval.random = [](void* env) { return static_cast<Env*>(env)->Random(); };
  eval.random_state = &context.env();
  return eval;
}

}  // namespace millrace

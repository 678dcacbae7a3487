#include "sql/placed_calls.h"

#include <algorithm>
#include <utility>

#include "plan/micro_batch.h"

namespace millrace::sql {
namespace {

bool SameList(const std::vector<ExpressionPtr>& a, const std::vector<ExpressionPtr>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const ExpressionPtr& x, const ExpressionPtr& y) { return Equal(*x, *y); });
}

}  // namespace

const ModelCalls::Call* ModelCalls::Find(const Model& model,
                                         const std::vector<ExpressionPtr>& arguments) const {
  const auto same = [&](const Call& call) {
    return call.model.get() == &model && SameList(call.arguments, arguments);
  };
  const auto call = std::find_if(calls_.begin(), calls_.end(), same);
  return call == calls_.end() ? nullptr : &*call;
}

ExpressionPtr ModelCalls::ValueOf(const Call& call, Position position) const {
  std::vector<ExpressionPtr> outputs;
  std::vector<SqlField> fields;
  int column = base_ + call.first;
  const bool lists = IsMicroBatch(call.model->config.input, call.arguments);
  for (const SqlField& output : call.model->config.output.columns()) {
    const SqlType type = (lists ? SqlType::Array(output.type) : output.type).AsNullable();
    fields.push_back({output.name, type, {}});
    outputs.push_back(Expression::Column(column++, type, position));
  }
  if (outputs.size() == 1) return outputs[0];
  return Expression::Call("ROW", std::move(outputs), SqlType::Row(std::move(fields)).AsNotNull(),
                          position);
}

ExpressionPtr ModelCalls::Add(std::shared_ptr<const Model> model,
                              std::vector<ExpressionPtr> arguments, Position position) {
  if (earlier_ != nullptr) {
    if (const Call* call = earlier_->Find(*model, arguments))
      return earlier_->ValueOf(*call, position);
  }
  if (const Call* call = Find(*model, arguments)) return ValueOf(*call, position);
  const int first = outputs_;
  outputs_ += model->config.output.size();
  calls_.push_back({std::move(model), std::move(arguments), first, position});
  return ValueOf(calls_.back(), position);
}

ExpressionPtr AggregateCalls::Add(AggregateCall call, Position position) {
  const auto same = [&](const AggregateCall& other) {
    const bool same_filter = call.filter && other.filter ? Equal(*call.filter, *other.filter)
                                                         : call.filter == other.filter;
    return same_filter && other.function == call.function && other.distinct == call.distinct &&
           SameList(other.arguments, call.arguments);
  };
  auto found = std::find_if(calls_.begin(), calls_.end(), same);
  if (found == calls_.end()) {
    calls_.push_back(std::move(call));
    found = calls_.end() - 1;
  }
  return Expression::Column(kAggregateBase + static_cast<int>(found - calls_.begin()), found->type,
                            position);
}

}  // namespace millrace::sql

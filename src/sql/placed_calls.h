#pragma once

#include <memory>
#include <vector>

#include "sql/context.h"

namespace millrace::sql {

/// Model calls of a SELECT that are placed together, each distinct one once. Until the predict
/// nodes stand, output i of all calls together is the column `base` + i.
class ModelCalls {
 public:
  static constexpr int kRowsBase =
      1 << 24;  ///< over the rows of FROM: WHERE, GROUP BY, in aggregates
  static constexpr int kOutputsBase =
      1 << 25;  ///< behind WHERE and the aggregation: select list, HAVING

  struct Call {
    std::shared_ptr<const Model> model;
    std::vector<ExpressionPtr> arguments;
    int first = 0;  ///< of its outputs, counted over all calls
    Position position;
  };

  /// A call that `earlier` already makes is shared with it.
  explicit ModelCalls(int base, const ModelCalls* earlier = nullptr)
      : base_(base), earlier_(earlier) {}

  /// The value of the call: its output, or a ROW of them.
  ExpressionPtr Add(std::shared_ptr<const Model> model, std::vector<ExpressionPtr> arguments,
                    Position position);
  std::vector<Call>& calls() { return calls_; }
  const std::vector<Call>& calls() const { return calls_; }
  int outputs() const { return outputs_; }

 private:
  const Call* Find(const Model& model, const std::vector<ExpressionPtr>& arguments) const;
  ExpressionPtr ValueOf(const Call& call, Position position) const;

  int base_;
  const ModelCalls* earlier_;
  std::vector<Call> calls_;
  int outputs_ = 0;
};

/// The aggregate calls of a SELECT; call i is column `kAggregateBase` + i until the aggregation is
/// placed.
class AggregateCalls {
 public:
  static constexpr int kAggregateBase = 1 << 23;

  ExpressionPtr Add(AggregateCall call, Position position);
  const std::vector<AggregateCall>& calls() const { return calls_; }

 private:
  std::vector<AggregateCall> calls_;
};

}  // namespace millrace::sql

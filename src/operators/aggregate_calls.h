#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <arrow/type_fwd.h>

#include "expr/evaluator.h"
#include "operators/distinct.h"
#include "operators/keyed_windows.h"
#include "operators/row_groups.h"
#include "operators/window_clock.h"
#include "spi/operator_factory.h"

namespace millrace {

/// The aggregate calls of an operator over accumulators in one of its tables.
class AggregateCalls {
 public:
  /// Adds the accumulators' columns to the values of `states[0]`, and the states of DISTINCT calls,
  /// by the key of `states[0]`, behind. kGlobal: the rows bring accumulators, so nothing is
  /// evaluated.
  static Result<AggregateCalls> Make(const OperatorRequest& request,
                                     std::span<const AggregateCall> calls,
                                     std::vector<StateSpec>* states,
                                     AggregatePhase phase = AggregatePhase::kSingle);

  /// Whether `Merge` may be called.
  bool mergeable() const { return mergeable_; }

  /// Evaluates arguments and filters for the next `Update`. Rows that fail go to the dead letters
  /// and leave `batch`.
  Status Evaluate(OperatorContext& context, EventTime watermark, Batch* batch);
  /// Of the evaluated rows, those that the next `Update` has.
  Status Take(const arrow::Int32Array& rows);
  /// Whether there are DISTINCT calls.
  bool has_distinct() const;
  /// Adds the evaluated rows to their slots of `table`. `keys`: the rows' key columns, read where
  /// `has_distinct`. `signs` empty: none is taken back.
  Status Update(OperatorContext& context, KeyedTable& table, const SlotRows& rows,
                std::span<const int8_t> signs, const arrow::ArrayVector& keys);
  /// The values that DISTINCT calls remember of row i of the last `Update` get the timer of a
  /// window that ends at `ends[i]`, or later.
  Status ExpireDistinct(OperatorContext& context, WindowClock& clock, std::span<const int64_t> ends,
                        int64_t delay_us = 0);
  /// The accumulators of `slots`: the columns of every call, one behind the other.
  Result<arrow::ArrayVector> Accumulators(const KeyedTable& table,
                                          std::span<const Slot> slots) const;
  /// Adds row i of such columns to slot i.
  Status Merge(KeyedTable& table, std::span<const Slot> slots,
               std::span<const std::shared_ptr<arrow::Array>> accumulators);
  Result<arrow::ArrayVector> Results(const KeyedTable& table, std::span<const Slot> slots) const;

 private:
  struct BoundCall {
    std::unique_ptr<Aggregator> aggregator;
    int first_column = 0;       ///< of its state
    size_t columns = 0;         ///< of its state
    size_t first_argument = 0;  ///< in the evaluated expressions
    size_t arguments = 0;
    std::optional<size_t> filter;  ///< in the evaluated expressions
    std::optional<Distinct> distinct;
    int distinct_state = -1;
  };

  Status FillSkip(OperatorContext& context, BoundCall& call, size_t rows,
                  std::span<const int8_t> signs, const arrow::ArrayVector& keys,
                  std::span<const ColumnValue> arguments);

  std::vector<BoundCall> calls_;
  std::optional<ExpressionEvaluator> evaluator_;  ///< nothing to evaluate: COUNT(*) only
  std::string time_zone_;
  bool mergeable_ = true;
  std::vector<ColumnValue> values_;
  std::vector<uint8_t> skip_;
};

/// Adds what a local phase gives to its groups: `rows` has a row for each key (and window) of a
/// batch, the number of rows that became one in `counts_column`, the accumulators behind it.
/// `windows`: those of `groups`.
Status MergePartial(const arrow::RecordBatch& rows, int counts_column, const RowGroups& groups,
                    KeyedWindows& windows, AggregateCalls& calls);

/// 1, or -1 for rows that are taken back; empty where the batch has inserts only.
void SignsOf(const Batch& batch, std::vector<int8_t>* signs);

}  // namespace millrace

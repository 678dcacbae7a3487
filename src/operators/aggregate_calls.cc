#include "operators/aggregate_calls.h"

#include <algorithm>
#include <utility>

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/compute/api_vector.h>
#include <arrow/record_batch.h>

#include "operators/make.h"
#include "spi/services.h"

namespace millrace {

Result<AggregateCalls> AggregateCalls::Make(const OperatorRequest& request,
                                            std::span<const AggregateCall> calls,
                                            std::vector<StateSpec>* states, AggregatePhase phase) {
  const Registries& registries = request.services.registries();
  AggregateCalls made;
  made.time_zone_ = request.time_zone;
  const bool takes_back = request.inputs[0].changelog != ChangelogMode::kAppend;
  std::vector<ExpressionPtr> expressions;
  for (const AggregateCall& call : calls) {
    BoundCall& bound = made.calls_.emplace_back();
    ARROW_ASSIGN_OR_RAISE(const auto* spec, registries.aggregates.Get(call.function));
    std::vector<SqlType> types;
    for (const ExpressionPtr& argument : call.arguments) types.push_back(argument->type);
    ARROW_ASSIGN_OR_RAISE(const BoundAggregate function, spec->bind(types, call.distinct));
    const bool retractable = takes_back && function.make_retractable;
    ARROW_ASSIGN_OR_RAISE(bound.aggregator,
                          retractable ? function.make_retractable() : function.make());
    made.mergeable_ = made.mergeable_ && function.mergeable && !retractable && !call.distinct;
    Schema& columns = states->front().value;
    bound.first_column = columns.size();
    for (const SqlType& type : bound.aggregator->StateTypes()) {
      columns.Add(call.name + "." + std::to_string(columns.size()), type);
      ++bound.columns;
    }
    if (phase == AggregatePhase::kGlobal) continue;
    bound.first_argument = expressions.size();
    bound.arguments = call.arguments.size();
    expressions.insert(expressions.end(), call.arguments.begin(), call.arguments.end());
    if (call.filter) {
      bound.filter = expressions.size();
      expressions.push_back(call.filter);
    }
    if (!call.distinct) continue;
    const Schema& keys = states->front().key;
    bound.distinct_state = static_cast<int>(states->size());
    StateSpec state = Distinct::StateOf("distinct " + call.name, keys, types);
    state.group_keys = states->front().group_keys;
    ARROW_ASSIGN_OR_RAISE(bound.distinct, Distinct::Make(state, state.group_keys));
    states->push_back(std::move(state));
  }
  if (!expressions.empty()) {
    ARROW_ASSIGN_OR_RAISE(made.evaluator_, ExpressionEvaluator::Make(request.inputs[0].schema,
                                                                     expressions, registries));
  }
  return made;
}

Status AggregateCalls::Evaluate(OperatorContext& context, EventTime watermark, Batch* batch) {
  if (!evaluator_) return Status::OK();
  const EvalContext eval = EvalContextOf(context, time_zone_, watermark);
  std::vector<RowError> errors;
  ARROW_ASSIGN_OR_RAISE(values_, evaluator_->EvaluateValues(*batch->rows, eval, &errors));
  if (errors.empty()) return Status::OK();
  context.Dead(*batch, errors);
  std::vector<uint8_t> failed(static_cast<size_t>(batch->num_rows()));
  for (const RowError& error : errors) failed[static_cast<size_t>(error.row)] = 1;
  arrow::Int32Builder builder;
  for (size_t i = 0; i < failed.size(); ++i) {
    if (!failed[i]) ARROW_RETURN_NOT_OK(builder.Append(static_cast<int32_t>(i)));
  }
  std::shared_ptr<arrow::Int32Array> good;
  ARROW_RETURN_NOT_OK(builder.Finish(&good));
  ARROW_ASSIGN_OR_RAISE(*batch, batch->Take(*good));
  errors.clear();
  return evaluator_->EvaluateValues(*batch->rows, eval, &errors).Value(&values_);
}

Status AggregateCalls::Take(const arrow::Int32Array& rows) {
  for (ColumnValue& value : values_) {
    if (value.constant) continue;
    ARROW_ASSIGN_OR_RAISE(value.array, arrow::compute::Take(*value.array, rows));
  }
  return Status::OK();
}

bool AggregateCalls::has_distinct() const {
  return std::ranges::any_of(calls_, [](const BoundCall& call) { return !!call.distinct; });
}

Status AggregateCalls::Update(OperatorContext& context, KeyedTable& table, const SlotRows& rows,
                              std::span<const int8_t> signs, const arrow::ArrayVector& keys) {
  for (BoundCall& call : calls_) {
    const auto arguments =
        std::span<const ColumnValue>(values_).subspan(call.first_argument, call.arguments);
    ARROW_RETURN_NOT_OK(FillSkip(context, call, rows.places.size(), signs, keys, arguments));
    ARROW_RETURN_NOT_OK(
        call.aggregator->Update(table, call.first_column, rows, signs, skip_, arguments));
  }
  return Status::OK();
}

Status AggregateCalls::FillSkip(OperatorContext& context, BoundCall& call, size_t rows,
                                std::span<const int8_t> signs, const arrow::ArrayVector& keys,
                                std::span<const ColumnValue> arguments) {
  skip_.clear();
  if (!call.filter && !call.distinct) return Status::OK();
  skip_.assign(rows, 0);
  if (call.filter) {
    const ColumnValue& filter = values_[*call.filter];
    const auto& pass = static_cast<const arrow::BooleanArray&>(*filter.array);
    for (size_t i = 0; i < skip_.size(); ++i) {
      const int64_t row = filter.constant ? 0 : static_cast<int64_t>(i);
      skip_[i] = pass.IsNull(row) || !pass.Value(row);
    }
  }
  if (!call.distinct) return Status::OK();
  return call.distinct->Count(context.table(call.distinct_state), keys, arguments, signs, &skip_);
}

Status AggregateCalls::ExpireDistinct(OperatorContext& context, WindowClock& clock,
                                      std::span<const int64_t> ends, int64_t delay_us) {
  for (BoundCall& call : calls_) {
    if (!call.distinct) continue;
    ARROW_RETURN_NOT_OK(
        call.distinct->Expire(context.timers(), call.distinct_state, clock, ends, delay_us));
  }
  return Status::OK();
}

Result<arrow::ArrayVector> AggregateCalls::Accumulators(const KeyedTable& table,
                                                        std::span<const Slot> slots) const {
  arrow::ArrayVector accumulators;
  for (const BoundCall& call : calls_) {
    for (size_t c = 0; c < call.columns; ++c) {
      ARROW_ASSIGN_OR_RAISE(accumulators.emplace_back(),
                            table.Get(call.first_column + static_cast<int>(c), slots));
    }
  }
  return accumulators;
}

Status AggregateCalls::Merge(KeyedTable& table, std::span<const Slot> slots,
                             std::span<const std::shared_ptr<arrow::Array>> accumulators) {
  for (BoundCall& call : calls_) {
    ARROW_RETURN_NOT_OK(
        call.aggregator->Merge(table, call.first_column, slots, accumulators.first(call.columns)));
    accumulators = accumulators.subspan(call.columns);
  }
  return Status::OK();
}

Result<arrow::ArrayVector> AggregateCalls::Results(const KeyedTable& table,
                                                   std::span<const Slot> slots) const {
  arrow::ArrayVector results;
  for (const BoundCall& call : calls_) {
    ARROW_ASSIGN_OR_RAISE(results.emplace_back(),
                          call.aggregator->Results(table, call.first_column, slots));
  }
  return results;
}

Status MergePartial(const arrow::RecordBatch& rows, int counts_column, const RowGroups& groups,
                    KeyedWindows& windows, AggregateCalls& calls) {
  const auto& counts = static_cast<const arrow::Int64Array&>(*rows.column(counts_column));
  const std::vector<Slot> slots = groups.RowSlots(windows.slots());
  for (size_t i = 0; i < slots.size(); ++i) {
    windows.RowsAt(slots[i]) += counts.Value(static_cast<int64_t>(i));
  }
  return calls.Merge(windows.table(), slots,
                     std::span(rows.columns()).subspan(static_cast<size_t>(counts_column) + 1));
}

void SignsOf(const Batch& batch, std::vector<int8_t>* signs) {
  signs->clear();
  if (!batch.kinds) return;
  for (int64_t i = 0; i < batch.num_rows(); ++i) {
    const auto kind = static_cast<RowKind>(batch.kinds->Value(i));
    signs->push_back(kind == RowKind::kUpdateBefore || kind == RowKind::kDelete ? -1 : 1);
  }
}

}  // namespace millrace

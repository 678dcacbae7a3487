#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/compute/api_vector.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "expr/evaluator.h"
#include "operators/changes.h"
#include "operators/distinct.h"
#include "operators/make.h"
#include "operators/touched_slots.h"
#include "spi/services.h"

namespace millrace {
namespace {

constexpr int kRows = 0;          ///< value column: input rows of the key, retracted ones taken off
constexpr int64_t kEmitted = -1;  ///< in it: the final row of the global aggregate has left
constexpr size_t kFinalSlice = 1024;

/// An aggregate call, bound.
struct BoundCall {
  std::unique_ptr<Aggregator> aggregator;
  int first_column = 0;       ///< of its state
  size_t first_argument = 0;  ///< in the evaluated expressions
  size_t arguments = 0;
  std::optional<size_t> filter;  ///< in the evaluated expressions
  std::optional<Distinct> distinct;
  int distinct_state = -1;
};

/// What is settled when the operator is made.
struct AggregatePlan {
  std::vector<int> keys;  ///< of the input
  Schema key_schema;
  std::vector<StateSpec> states;
  std::vector<BoundCall> calls;
  std::optional<KeyEncoder> encoder;
  std::optional<ExpressionEvaluator> evaluator;  ///< nothing to evaluate: COUNT(*) only
  std::shared_ptr<arrow::Schema> output;
  AggregateConfig::Output mode = AggregateConfig::Output::kChangelog;
  bool upsert = false;
  std::string time_zone;
};

/// Keyed aggregation. Changelog: per batch the change of each key that the batch touched. Final:
/// every key's row at the end of the input. Without keys there is one row, even of no input once
/// that has ended.
class Aggregate final : public Operator {
 public:
  explicit Aggregate(AggregatePlan plan) : plan_(std::move(plan)) {}

  std::vector<StateSpec> States() const override { return plan_.states; }

  Status Open(OperatorContext& context) override {
    context_ = &context;
    table_ = &context.table(0);
    return Status::OK();
  }

  Status ProcessBatch(int, Batch batch, Collector& out) override {
    std::vector<ColumnValue> values;
    ARROW_RETURN_NOT_OK(Evaluate(&batch, &values));
    if (batch.empty()) return Status::OK();
    ARROW_RETURN_NOT_OK(FindSlots(*batch.rows));
    signs_.clear();
    if (batch.kinds) {
      for (int64_t i = 0; i < batch.num_rows(); ++i) {
        const auto kind = static_cast<RowKind>(batch.kinds->Value(i));
        signs_.push_back(kind == RowKind::kUpdateBefore || kind == RowKind::kDelete ? -1 : 1);
      }
    }
    if (plan_.mode == AggregateConfig::Output::kFinal) return Update(*batch.rows, values);

    touched_.Find(slots_);
    KeyChanges changes;
    changes.existed = HaveRows();
    ARROW_ASSIGN_OR_RAISE(changes.before, Results(touched_.slots()));
    ARROW_RETURN_NOT_OK(Update(*batch.rows, values));
    changes.exists = HaveRows();
    ARROW_ASSIGN_OR_RAISE(changes.after, Results(touched_.slots()));
    ARROW_ASSIGN_OR_RAISE(changes.keys, TouchedKeys(*batch.rows));
    ARROW_ASSIGN_OR_RAISE(Batch result, ChangelogOf(changes, plan_.upsert, plan_.output));
    ARROW_RETURN_NOT_OK(EraseEmpty(changes.exists));
    result.ingest_us = batch.ingest_us;
    if (!result.empty()) out.Emit(0, std::move(result));
    return Status::OK();
  }

  Status ProcessWatermark(int, InputTime time, Collector& out) override {
    watermark_ = time.watermark;
    out.Watermark(time);
    return Status::OK();
  }

  Status Finish(int, Collector&) override {
    ending_ = true;
    return Status::OK();
  }

  Result<Step> Run(Collector& out) override {
    if (!ending_) return Step::kIdle;
    if (plan_.keys.empty()) return EmitGlobal(out);
    if (plan_.mode == AggregateConfig::Output::kChangelog) return Step::kIdle;
    // What has left is erased, so that a snapshot in between holds the rest.
    while (table_->size() > 0) {
      if (!out.HasRoom()) return Step::kMore;
      slots_.resize(kFinalSlice);
      uint32_t next = 0;
      slots_.resize(table_->Scan(scanned_, slots_, &next));
      ARROW_RETURN_NOT_OK(EmitFinal(out));
      ARROW_RETURN_NOT_OK(table_->Erase(slots_));
      scanned_ = next;
    }
    return Step::kIdle;
  }

 private:
  // Rows that fail go to the dead letters, and the others are evaluated without them.
  Status Evaluate(Batch* batch, std::vector<ColumnValue>* values) {
    if (!plan_.evaluator) return Status::OK();
    const EvalContext eval = EvalContextOf(*context_, plan_.time_zone, watermark_);
    std::vector<RowError> errors;
    ARROW_ASSIGN_OR_RAISE(*values, plan_.evaluator->EvaluateValues(*batch->rows, eval, &errors));
    if (errors.empty()) return Status::OK();
    context_->Dead(*batch, errors);
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
    return plan_.evaluator->EvaluateValues(*batch->rows, eval, &errors).Value(values);
  }

  Status FindSlots(const arrow::RecordBatch& rows) {
    const auto n = static_cast<size_t>(rows.num_rows());
    slots_.resize(n);
    if (plan_.keys.empty()) {
      ARROW_ASSIGN_OR_RAISE(const Slot slot, GlobalSlot());
      std::fill(slots_.begin(), slots_.end(), slot);
      return Status::OK();
    }
    ARROW_RETURN_NOT_OK(plan_.encoder->Encode(rows, &keys_));
    inserted_.resize(n);
    return table_->FindOrInsert(keys_, slots_, inserted_);
  }

  Result<Slot> GlobalSlot() {
    const auto no_columns = arrow::RecordBatch::Make(arrow::schema({}), 1, arrow::ArrayVector{});
    ARROW_RETURN_NOT_OK(table_->encoder().Encode(*no_columns, &keys_));
    Slot slot = kNoSlot;
    uint8_t inserted = 0;
    ARROW_RETURN_NOT_OK(table_->FindOrInsert(keys_, {&slot, 1}, {&inserted, 1}));
    return slot;
  }

  Status Update(const arrow::RecordBatch& rows, std::span<const ColumnValue> values) {
    FixedColumn& counts = table_->Fixed(kRows);
    for (size_t i = 0; i < slots_.size(); ++i) {
      counts.Mut<int64_t>(slots_[i]) += signs_.empty() ? 1 : signs_[i];
    }
    for (BoundCall& call : plan_.calls) {
      const auto arguments = values.subspan(call.first_argument, call.arguments);
      ARROW_RETURN_NOT_OK(FillSkip(call, rows, values, arguments));
      ARROW_RETURN_NOT_OK(
          call.aggregator->Update(*table_, call.first_column, slots_, signs_, skip_, arguments));
    }
    return Status::OK();
  }

  Status FillSkip(BoundCall& call, const arrow::RecordBatch& rows,
                  std::span<const ColumnValue> values, std::span<const ColumnValue> arguments) {
    skip_.clear();
    if (!call.filter && !call.distinct) return Status::OK();
    skip_.assign(slots_.size(), 0);
    if (call.filter) {
      const ColumnValue& filter = values[*call.filter];
      const auto& pass = static_cast<const arrow::BooleanArray&>(*filter.array);
      for (size_t i = 0; i < skip_.size(); ++i) {
        const int64_t row = filter.constant ? 0 : static_cast<int64_t>(i);
        skip_[i] = pass.IsNull(row) || !pass.Value(row);
      }
    }
    if (!call.distinct) return Status::OK();
    arrow::ArrayVector keys;
    for (const int key : plan_.keys) keys.push_back(rows.column(key));
    return call.distinct->Count(context_->table(call.distinct_state), keys, arguments, signs_,
                                &skip_);
  }

  std::vector<uint8_t> HaveRows() const {
    const FixedColumn& counts = table_->Fixed(kRows);
    std::vector<uint8_t> have;
    for (const Slot slot : touched_.slots()) have.push_back(counts.Get<int64_t>(slot) > 0);
    return have;
  }

  Result<arrow::ArrayVector> Results(std::span<const Slot> slots) const {
    arrow::ArrayVector results;
    for (const BoundCall& call : plan_.calls) {
      ARROW_ASSIGN_OR_RAISE(results.emplace_back(),
                            call.aggregator->Results(*table_, call.first_column, slots));
    }
    return results;
  }

  Result<arrow::ArrayVector> TouchedKeys(const arrow::RecordBatch& rows) const {
    arrow::ArrayVector keys;
    if (plan_.keys.empty()) return keys;
    arrow::Int32Builder builder;
    ARROW_RETURN_NOT_OK(builder.AppendValues(touched_.rows()));
    ARROW_ASSIGN_OR_RAISE(const auto index, builder.Finish());
    for (const int key : plan_.keys) {
      ARROW_ASSIGN_OR_RAISE(keys.emplace_back(), arrow::compute::Take(*rows.column(key), *index));
    }
    return keys;
  }

  Status EraseEmpty(const std::vector<uint8_t>& exist) {
    slots_.clear();
    for (size_t i = 0; i < exist.size(); ++i) {
      if (!exist[i]) slots_.push_back(touched_.slots()[i]);
    }
    return table_->Erase(slots_);
  }

  // The rows of `slots_` as they are now.
  Status EmitFinal(Collector& out) {
    ARROW_ASSIGN_OR_RAISE(const auto keys, table_->Keys(slots_));
    arrow::ArrayVector columns = keys->columns();
    ARROW_ASSIGN_OR_RAISE(const auto results, Results(slots_));
    columns.insert(columns.end(), results.begin(), results.end());
    Batch batch;
    batch.rows =
        arrow::RecordBatch::Make(plan_.output, static_cast<int64_t>(slots_.size()), columns);
    batch.ingest_us = context_->env().NowMicros();
    out.Emit(0, std::move(batch));
    return Status::OK();
  }

  Result<Step> EmitGlobal(Collector& out) {
    const bool said = plan_.mode == AggregateConfig::Output::kChangelog && table_->size() > 0;
    if (said) return Step::kIdle;
    if (!out.HasRoom()) return Step::kMore;
    ARROW_ASSIGN_OR_RAISE(const Slot slot, GlobalSlot());
    if (table_->Fixed(kRows).Get<int64_t>(slot) == kEmitted) return Step::kIdle;
    slots_.assign(1, slot);
    ARROW_RETURN_NOT_OK(EmitFinal(out));
    table_->Fixed(kRows).Mut<int64_t>(slot) = kEmitted;
    return Step::kIdle;
  }

  AggregatePlan plan_;
  OperatorContext* context_ = nullptr;
  KeyedTable* table_ = nullptr;
  EventTime watermark_;
  bool ending_ = false;
  uint32_t scanned_ = 0;
  RowKeys keys_;
  std::vector<Slot> slots_;
  std::vector<uint8_t> inserted_;
  std::vector<int8_t> signs_;  ///< empty: all 1
  std::vector<uint8_t> skip_;
  TouchedSlots touched_;
};

Result<BoundAggregate> Bind(const AggregateCall& call, const Registries& registries) {
  ARROW_ASSIGN_OR_RAISE(const auto* spec, registries.aggregates.Get(call.function));
  std::vector<SqlType> types;
  for (const ExpressionPtr& argument : call.arguments) types.push_back(argument->type);
  return spec->bind(types, call.distinct);
}

}  // namespace

Result<std::unique_ptr<Operator>> MakeAggregate(const OperatorRequest& request) {
  const auto& config = ConfigOf<AggregateConfig>(request.node);
  const Registries& registries = request.services.registries();
  const Schema& input = request.inputs[0].schema;
  const PortPlan& port = request.node.ports[0];
  AggregatePlan plan;
  plan.keys = config.keys;
  plan.mode = config.output;
  plan.upsert = port.changelog == ChangelogMode::kUpsert;
  plan.output = port.schema.ToArrow();
  plan.time_zone = request.time_zone;
  for (size_t i = 0; i < config.keys.size(); ++i) {
    plan.key_schema.Add(config.key_names[i], input.column(config.keys[i]).type);
  }
  StateSpec groups;
  groups.name = "groups";
  groups.key = plan.key_schema;
  groups.group_keys = plan.key_schema.size();
  groups.value.Add("rows", SqlType::BigInt());
  groups.ttl_us = request.state_ttl_us;
  plan.states.push_back(std::move(groups));
  ARROW_ASSIGN_OR_RAISE(plan.encoder, KeyEncoder::Make(input, config.keys));

  std::vector<ExpressionPtr> expressions;
  for (const AggregateCall& call : config.aggregates) {
    BoundCall& bound = plan.calls.emplace_back();
    ARROW_ASSIGN_OR_RAISE(const BoundAggregate function, Bind(call, registries));
    const bool takes_back = request.inputs[0].changelog != ChangelogMode::kAppend;
    ARROW_ASSIGN_OR_RAISE(bound.aggregator, takes_back && function.make_retractable
                                                ? function.make_retractable()
                                                : function.make());
    Schema& columns = plan.states[0].value;
    bound.first_column = columns.size();
    for (const SqlType& type : bound.aggregator->StateTypes()) {
      columns.Add(call.name + "." + std::to_string(columns.size()), type);
    }
    bound.first_argument = expressions.size();
    bound.arguments = call.arguments.size();
    expressions.insert(expressions.end(), call.arguments.begin(), call.arguments.end());
    if (call.filter) {
      bound.filter = expressions.size();
      expressions.push_back(call.filter);
    }
    if (!call.distinct) continue;
    std::vector<SqlType> types;
    for (const ExpressionPtr& argument : call.arguments) types.push_back(argument->type);
    bound.distinct_state = static_cast<int>(plan.states.size());
    plan.states.push_back(Distinct::StateOf("distinct " + call.name, plan.key_schema, types));
    plan.states.back().ttl_us = request.state_ttl_us;
    ARROW_ASSIGN_OR_RAISE(bound.distinct,
                          Distinct::Make(plan.states.back(), plan.key_schema.size()));
  }
  if (!expressions.empty()) {
    ARROW_ASSIGN_OR_RAISE(plan.evaluator,
                          ExpressionEvaluator::Make(input, expressions, registries));
  }
  return std::make_unique<Aggregate>(std::move(plan));
}

}  // namespace millrace

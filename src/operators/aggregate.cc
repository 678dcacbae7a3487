#include <algorithm>
#include <utility>
#include <vector>

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/compute/api_vector.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "operators/aggregate_calls.h"
#include "operators/changes.h"
#include "operators/make.h"
#include "operators/touched_slots.h"

namespace millrace {
namespace {

constexpr int kRows = 0;          ///< value column: input rows of the key, retracted ones taken off
constexpr int64_t kEmitted = -1;  ///< in it: the final row of the global aggregate has left
constexpr size_t kFinalSlice = 1024;

/// What is settled when the operator is made.
struct AggregatePlan {
  std::vector<int> keys;  ///< of the input
  std::vector<StateSpec> states;
  AggregateCalls calls;
  KeyEncoder encoder;
  std::shared_ptr<arrow::Schema> output;
  AggregateConfig::Output mode = AggregateConfig::Output::kChangelog;
  bool upsert = false;
  bool partial = false;  ///< the rows are those of a local phase: keys, count, accumulators
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
    ARROW_RETURN_NOT_OK(plan_.calls.Evaluate(*context_, watermark_, &batch));
    if (batch.empty()) return Status::OK();
    ARROW_RETURN_NOT_OK(FindSlots(*batch.rows));
    SignsOf(batch, &signs_);
    if (plan_.mode == AggregateConfig::Output::kFinal) return Update(*batch.rows);

    touched_.Find(slots_);
    KeyChanges changes;
    changes.existed = HaveRows();
    ARROW_ASSIGN_OR_RAISE(changes.before, plan_.calls.Results(*table_, touched_.slots()));
    ARROW_RETURN_NOT_OK(Update(*batch.rows));
    changes.exists = HaveRows();
    ARROW_ASSIGN_OR_RAISE(changes.after, plan_.calls.Results(*table_, touched_.slots()));
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
  Status FindSlots(const arrow::RecordBatch& rows) {
    const auto n = static_cast<size_t>(rows.num_rows());
    slots_.resize(n);
    if (plan_.keys.empty()) {
      ARROW_ASSIGN_OR_RAISE(const Slot slot, GlobalSlot());
      std::fill(slots_.begin(), slots_.end(), slot);
      return Status::OK();
    }
    ARROW_RETURN_NOT_OK(plan_.encoder.Encode(rows, &keys_));
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

  Status Update(const arrow::RecordBatch& rows) {
    FixedColumn& counts = table_->Fixed(kRows);
    if (plan_.partial) {
      const PartialRows partial(rows, static_cast<int>(plan_.keys.size()));
      for (size_t i = 0; i < slots_.size(); ++i) {
        counts.Mut<int64_t>(slots_[i]) += partial.counts[i];
      }
      return plan_.calls.Merge(*table_, slots_, partial.accumulators);
    }
    for (size_t i = 0; i < slots_.size(); ++i) {
      counts.Mut<int64_t>(slots_[i]) += signs_.empty() ? 1 : signs_[i];
    }
    arrow::ArrayVector keys;
    for (const int key : plan_.keys) keys.push_back(rows.column(key));
    return plan_.calls.Update(*context_, *table_, slots_, signs_, keys);
  }

  std::vector<uint8_t> HaveRows() const {
    const FixedColumn& counts = table_->Fixed(kRows);
    std::vector<uint8_t> have;
    for (const Slot slot : touched_.slots()) have.push_back(counts.Get<int64_t>(slot) > 0);
    return have;
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
    ARROW_ASSIGN_OR_RAISE(const auto results, plan_.calls.Results(*table_, slots_));
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
  TouchedSlots touched_;
};

}  // namespace

Result<std::unique_ptr<Operator>> MakeAggregate(const OperatorRequest& request) {
  const auto& config = ConfigOf<AggregateConfig>(request.node);
  if (config.phase == AggregatePhase::kLocal) return MakeLocalAggregate(request);
  const PortPlan& port = request.node.ports[0];
  StateSpec groups;
  groups.name = "groups";
  for (size_t i = 0; i < config.keys.size(); ++i) {
    groups.key.Add(config.key_names[i], request.inputs[0].schema.column(config.keys[i]).type);
  }
  groups.group_keys = groups.key.size();
  groups.value.Add("rows", SqlType::BigInt());
  std::vector<StateSpec> states = {std::move(groups)};
  ARROW_ASSIGN_OR_RAISE(auto calls,
                        AggregateCalls::Make(request, config.aggregates, &states, config.phase));
  for (StateSpec& state : states) state.ttl_us = request.state_ttl_us;
  ARROW_ASSIGN_OR_RAISE(auto encoder, KeyEncoder::Make(request.inputs[0].schema, config.keys));
  AggregatePlan plan{.keys = config.keys,
                     .states = std::move(states),
                     .calls = std::move(calls),
                     .encoder = std::move(encoder)};
  plan.mode = config.output;
  plan.partial = config.phase == AggregatePhase::kGlobal;
  plan.upsert = port.changelog == ChangelogMode::kUpsert;
  plan.output = port.schema.ToArrow();
  return std::make_unique<Aggregate>(std::move(plan));
}

}  // namespace millrace

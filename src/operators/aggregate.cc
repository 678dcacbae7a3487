#include <algorithm>
#include <utility>
#include <vector>

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "operators/aggregate_calls.h"
#include "operators/changes.h"
#include "operators/keyed_windows.h"
#include "operators/make.h"
#include "operators/row_groups.h"

namespace millrace {
namespace {

constexpr int64_t kEmitted = -1;  ///< rows: the final row of the global aggregate has left
constexpr size_t kFinalSlice = 1024;

/// What is settled when the operator is made.
struct AggregatePlan {
  std::vector<int> keys;  ///< of the input
  std::vector<StateSpec> states;
  AggregateCalls calls;
  RowGroups row_groups;
  KeyedWindows groups;
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
    plan_.groups.Open(*table_);
    return Status::OK();
  }

  Status ProcessBatch(int, Batch batch, Collector& out) override {
    ARROW_RETURN_NOT_OK(plan_.calls.Evaluate(*context_, watermark_, &batch));
    if (batch.empty()) return Status::OK();
    ARROW_RETURN_NOT_OK(FindGroups(*batch.rows));
    SignsOf(batch, &signs_);
    if (plan_.mode == AggregateConfig::Output::kFinal) return Update(*batch.rows);

    const std::span<const Slot> slots = plan_.groups.slots();
    KeyChanges changes;
    changes.existed = HaveRows();
    ARROW_ASSIGN_OR_RAISE(changes.before, plan_.calls.Results(*table_, slots));
    ARROW_RETURN_NOT_OK(Update(*batch.rows));
    changes.exists = HaveRows();
    ARROW_ASSIGN_OR_RAISE(changes.after, plan_.calls.Results(*table_, slots));
    changes.keys = std::move(keys_);
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
  Status FindGroups(const arrow::RecordBatch& rows) {
    ARROW_RETURN_NOT_OK(plan_.row_groups.Find(rows));
    ARROW_ASSIGN_OR_RAISE(keys_, plan_.row_groups.Keys(rows));
    return plan_.groups.FindOrInsert(keys_, plan_.row_groups.size());
  }

  Status Update(const arrow::RecordBatch& rows) {
    const std::span<const Slot> slots = plan_.groups.slots();
    if (plan_.partial) {
      return MergePartial(rows, static_cast<int>(plan_.keys.size()), plan_.row_groups, plan_.groups,
                          plan_.calls);
    }
    plan_.groups.Count(plan_.row_groups.Count(signs_));
    arrow::ArrayVector keys;
    for (const int key : plan_.keys) keys.push_back(rows.column(key));
    return plan_.calls.Update(*context_, *table_, plan_.row_groups.In(slots), signs_, keys);
  }

  std::vector<uint8_t> HaveRows() const {
    const FixedColumn& counts = table_->Fixed(KeyedWindows::kRows);
    std::vector<uint8_t> have;
    for (const Slot slot : plan_.groups.slots()) have.push_back(counts.Get<int64_t>(slot) > 0);
    return have;
  }

  Status EraseEmpty(const std::vector<uint8_t>& exist) {
    slots_.clear();
    for (size_t i = 0; i < exist.size(); ++i) {
      if (!exist[i]) slots_.push_back(plan_.groups.slots()[i]);
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
    ARROW_RETURN_NOT_OK(plan_.groups.FindOrInsert({}, 1));
    const Slot slot = plan_.groups.slots()[0];
    if (plan_.groups.RowsAt(slot) == kEmitted) return Step::kIdle;
    slots_.assign(1, slot);
    ARROW_RETURN_NOT_OK(EmitFinal(out));
    plan_.groups.RowsAt(slot) = kEmitted;
    return Step::kIdle;
  }

  AggregatePlan plan_;
  OperatorContext* context_ = nullptr;
  KeyedTable* table_ = nullptr;
  EventTime watermark_;
  bool ending_ = false;
  uint32_t scanned_ = 0;
  arrow::ArrayVector keys_;  ///< of the batch's groups
  std::vector<Slot> slots_;
  std::vector<int8_t> signs_;  ///< empty: all 1
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
  ARROW_ASSIGN_OR_RAISE(auto row_groups, RowGroups::Make(request.inputs[0].schema, config.keys));
  ARROW_ASSIGN_OR_RAISE(auto by_key, KeyedWindows::Make(states[0]));
  AggregatePlan plan{.keys = config.keys,
                     .states = std::move(states),
                     .calls = std::move(calls),
                     .row_groups = std::move(row_groups),
                     .groups = std::move(by_key)};
  plan.mode = config.output;
  plan.partial = config.phase == AggregatePhase::kGlobal;
  plan.upsert = port.changelog == ChangelogMode::kUpsert;
  plan.output = port.schema.ToArrow();
  return std::make_unique<Aggregate>(std::move(plan));
}

}  // namespace millrace

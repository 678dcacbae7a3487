#include <numeric>
#include <optional>
#include <utility>
#include <vector>

#include <arrow/array.h>
#include <arrow/record_batch.h>

#include "operators/aggregate_calls.h"
#include "operators/changes.h"
#include "operators/keyed_windows.h"
#include "operators/make.h"
#include "operators/row_groups.h"
#include "operators/row_index.h"
#include "operators/window_assigner.h"
#include "state/memory_table.h"

namespace millrace {
namespace {

/// What is settled when the operator is made.
struct LocalPlan {
  std::vector<int> keys;                   ///< of the input
  std::vector<int> carried;                ///< of the input: keys, then the columns of the window
  std::optional<WindowAssigner> assigner;  ///< none: not by window
  AggregateCalls calls;
  std::unique_ptr<MemoryTable> table;  ///< empty between batches
  RowGroups groups;
  KeyedWindows slots;  ///< of the groups
  std::shared_ptr<arrow::Schema> output;
};

/// The first of two phases: the rows of a batch that have the same key (and window) become one,
/// with their number and their accumulators. It keeps nothing, so a barrier finds it empty, and
/// whether a row is late is not its question: the watermark of the other phase may be behind.
class LocalAggregate final : public Operator {
 public:
  explicit LocalAggregate(LocalPlan plan) : plan_(std::move(plan)) {
    plan_.slots.Open(*plan_.table);
  }

  Status Open(OperatorContext& context) override {
    context_ = &context;
    return Status::OK();
  }

  Status ProcessBatch(int, Batch batch, Collector& out) override {
    ARROW_RETURN_NOT_OK(plan_.calls.Evaluate(*context_, watermark_, &batch));
    if (plan_.assigner) ARROW_RETURN_NOT_OK(Assign(&batch));
    if (batch.empty()) return Status::OK();
    ARROW_ASSIGN_OR_RAISE(const arrow::ArrayVector columns, Group(*batch.rows));
    ARROW_RETURN_NOT_OK(plan_.slots.FindOrInsert(columns, plan_.groups.size()));
    plan_.slots.Count(plan_.groups.Count({}));
    const std::span<const Slot> slots = plan_.slots.slots();
    ARROW_RETURN_NOT_OK(
        plan_.calls.Update(*context_, *plan_.table, plan_.groups.In(slots), {}, {}));
    ARROW_ASSIGN_OR_RAISE(Batch result, Groups(*batch.rows));
    result.ingest_us = batch.ingest_us;
    out.Emit(0, std::move(result));
    return plan_.table->Erase(slots);
  }

  Status ProcessWatermark(int, InputTime time, Collector& out) override {
    watermark_ = time.watermark;
    out.Watermark(time);
    return Status::OK();
  }

 private:
  // Leaves out what is in no window.
  Status Assign(Batch* batch) {
    if (batch->empty()) return Status::OK();
    plan_.assigner->Assign(*batch->rows, context_->env().NowMicros(), EventTime::Min(), &assigned_);
    if (assigned_.each_once) return Status::OK();
    context_->Dead(*batch, assigned_.errors);
    const arrow::Int32Array rows = RowIndex(assigned_.rows);
    ARROW_ASSIGN_OR_RAISE(*batch, batch->Take(rows));
    return plan_.calls.Take(rows);
  }

  // Keys, then the window or slice of each group.
  Result<arrow::ArrayVector> Group(const arrow::RecordBatch& rows) {
    RowGroups& groups = plan_.groups;
    ARROW_RETURN_NOT_OK(groups.Find(rows));
    if (plan_.assigner && !assigned_.starts.empty()) groups.SplitBy(assigned_.starts);
    if (plan_.assigner) groups.SplitBy(assigned_.ends);
    ARROW_ASSIGN_OR_RAISE(arrow::ArrayVector columns, groups.Keys(rows));
    if (!plan_.assigner) return columns;
    if (!assigned_.starts.empty()) {
      ARROW_ASSIGN_OR_RAISE(columns.emplace_back(), TimestampsOf(groups.FirstOf(assigned_.starts)));
    }
    ARROW_ASSIGN_OR_RAISE(columns.emplace_back(), TimestampsOf(groups.FirstOf(assigned_.ends)));
    return columns;
  }

  // A row for each group: its first row says key and window.
  Result<Batch> Groups(const arrow::RecordBatch& rows) const {
    arrow::ArrayVector columns;
    for (const int column : plan_.carried) columns.push_back(rows.column(column));
    ARROW_ASSIGN_OR_RAISE(columns, TakeRows(columns, plan_.groups.first_rows()));
    const std::span<const Slot> slots = plan_.slots.slots();
    ARROW_ASSIGN_OR_RAISE(columns.emplace_back(), plan_.table->Get(KeyedWindows::kRows, slots));
    ARROW_ASSIGN_OR_RAISE(const auto accumulators, plan_.calls.Accumulators(*plan_.table, slots));
    columns.insert(columns.end(), accumulators.begin(), accumulators.end());
    Batch batch;
    batch.rows = arrow::RecordBatch::Make(plan_.output, static_cast<int64_t>(slots.size()),
                                          std::move(columns));
    return batch;
  }

  LocalPlan plan_;
  OperatorContext* context_ = nullptr;
  EventTime watermark_;
  AssignedRows assigned_;
};

Result<std::unique_ptr<Operator>> Make(const OperatorRequest& request, const std::vector<int>& keys,
                                       const std::vector<AggregateCall>& calls,
                                       const WindowSpec* window) {
  const Schema& input = request.inputs[0].schema;
  std::vector<int> carried = keys;
  std::optional<WindowAssigner> assigner;
  std::vector<StateSpec> states(1);
  StateSpec& groups = states[0];
  groups.name = "groups";
  for (const int key : keys) groups.key.Add(input.column(key).name, input.column(key).type);
  groups.group_keys = groups.key.size();
  if (window != nullptr) {
    const bool attached = window->kind == WindowSpec::Kind::kAttached;
    if (attached) groups.key.Add("window_start", SqlType::Timestamp(3).AsNotNull());
    groups.key.Add("window_end", SqlType::Timestamp(3).AsNotNull());
    for (const int column : {window->time_column, window->start_column, window->end_column}) {
      if (column >= 0) carried.push_back(column);
    }
    const SqlType& time_type = input.column(window->time_column).type;
    ARROW_ASSIGN_OR_RAISE(auto clock,
                          WindowClock::Make(window->time_column, time_type, request.time_zone));
    assigner.emplace(*window, true, std::move(clock));
  }
  groups.value.Add("rows", SqlType::BigInt());
  ARROW_ASSIGN_OR_RAISE(auto aggregates, AggregateCalls::Make(request, calls, &states));
  ARROW_ASSIGN_OR_RAISE(auto by_key, KeyedWindows::Make(states[0]));
  ARROW_ASSIGN_OR_RAISE(auto row_groups, RowGroups::Make(input, keys));
  const KeyGroupRange one_group{KeyGroup{0}, KeyGroup{0}};
  ARROW_ASSIGN_OR_RAISE(auto table, MemoryTable::Make(states[0], one_group, 1));
  return std::make_unique<LocalAggregate>(
      LocalPlan{.keys = keys,
                .carried = std::move(carried),
                .assigner = std::move(assigner),
                .calls = std::move(aggregates),
                .table = std::move(table),
                .groups = std::move(row_groups),
                .slots = std::move(by_key),
                .output = request.node.ports[0].schema.ToArrow()});
}

}  // namespace

Result<std::unique_ptr<Operator>> MakeLocalAggregate(const OperatorRequest& request) {
  const auto& config = ConfigOf<AggregateConfig>(request.node);
  return Make(request, config.keys, config.aggregates, nullptr);
}

Result<std::unique_ptr<Operator>> MakeLocalWindowAggregate(const OperatorRequest& request) {
  const auto& config = ConfigOf<WindowAggregateConfig>(request.node);
  return Make(request, config.keys, config.aggregates, &config.window);
}

}  // namespace millrace

#include <optional>
#include <utility>
#include <vector>

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/compute/api_vector.h>
#include <arrow/record_batch.h>

#include "base/metrics.h"
#include "operators/aggregate_calls.h"
#include "operators/keyed_windows.h"
#include "operators/make.h"
#include "operators/window_assigner.h"
#include "operators/window_slices.h"

namespace millrace {
namespace {

/// What is settled when the operator is made.
struct WindowAggregatePlan {
  WindowSpec window;
  std::vector<int> keys;  ///< of the input
  std::vector<StateSpec> states;
  AggregateCalls calls;
  WindowAssigner assigner;
  KeyedWindows windows;
  std::optional<WindowSlices> slices;  ///< HOP and CUMULATE of aggregates that can be merged
  int merged_state = -1;
  int late_port = -1;
  std::shared_ptr<arrow::Schema> output;
};

/// Aggregation by key and window: a slot of `windows` for each, or for each slice. Its row leaves
/// at its timer.
class WindowAggregate final : public Operator {
 public:
  explicit WindowAggregate(WindowAggregatePlan plan) : plan_(std::move(plan)) {}

  std::vector<StateSpec> States() const override { return plan_.states; }

  Status Open(OperatorContext& context) override {
    context_ = &context;
    table_ = &context.table(0);
    plan_.windows.Open(*table_);
    if (plan_.slices) plan_.slices->Open(context, plan_.merged_state);
    late_rows_ = context.metrics().counter("late_rows");
    return Status::OK();
  }

  Status ProcessBatch(int, Batch batch, Collector& out) override {
    ARROW_RETURN_NOT_OK(plan_.calls.Evaluate(*context_, watermark_, &batch));
    if (batch.empty()) return Status::OK();
    ARROW_RETURN_NOT_OK(Assign(&batch, out));
    if (batch.empty()) return Status::OK();
    SignsOf(batch, &signs_);
    arrow::ArrayVector columns;
    for (const int key : plan_.keys) columns.push_back(batch.rows->column(key));
    if (!assigned_.starts.empty()) {
      ARROW_ASSIGN_OR_RAISE(columns.emplace_back(), TimestampsOf(assigned_.starts));
    }
    ARROW_ASSIGN_OR_RAISE(columns.emplace_back(), TimestampsOf(assigned_.ends));
    ARROW_RETURN_NOT_OK(plan_.windows.FindOrInsert(columns, assigned_.ends.size()));
    const std::span<const Slot> slots = plan_.windows.slots();
    FixedColumn& counts = table_->Fixed(KeyedWindows::kRows);
    for (size_t i = 0; i < slots.size(); ++i) {
      counts.Mut<int64_t>(slots[i]) += signs_.empty() ? 1 : signs_[i];
    }
    ARROW_RETURN_NOT_OK(plan_.calls.Update(*context_, *table_, slots, signs_, columns));
    return SetTimers(std::move(columns));
  }

  Status ProcessWatermark(int, InputTime time, Collector&) override {
    watermark_ = time.watermark;
    passing_ = time;
    return Status::OK();
  }

  Status OnTimers(const TimerBatch& timers, Collector& out) override {
    if (timers.state != 0) return context_->table(timers.state).Erase(timers.slots);
    ARROW_RETURN_NOT_OK(
        plan_.assigner.clock().Fired(context_->timers(), timers.domain, timers.slots));
    if (plan_.slices) {
      return plan_.slices->Fire(
          timers.slots, plan_.calls,
          [&](const KeyedTable& table, std::span<const Slot> slots, std::span<const int64_t> ends) {
            return Send(table, slots, ends, out);
          });
    }
    ARROW_RETURN_NOT_OK(Send(*table_, timers.slots, {}, out));
    return table_->Erase(timers.slots);
  }

  Result<Step> Run(Collector& out) override {
    if (passing_) out.Watermark(*std::exchange(passing_, {}));
    return Step::kIdle;
  }

 private:
  // Cuts the rows into windows: `assigned_`, by row of the batch.
  Status Assign(Batch* batch, Collector& out) {
    const int64_t now = context_->env().NowMicros();
    plan_.assigner.Assign(*batch->rows, now, watermark_, &assigned_);
    if (assigned_.each_once) return Status::OK();
    if (!assigned_.errors.empty()) context_->Dead(*batch, assigned_.errors);
    if (!assigned_.late.empty()) {
      late_rows_->Add(static_cast<int64_t>(assigned_.late.size()));
      if (plan_.late_port >= 0) {
        ARROW_ASSIGN_OR_RAISE(Batch late, batch->Take(IndexOf(assigned_.late)));
        out.Emit(plan_.late_port, std::move(late));
      }
    }
    const arrow::Int32Array rows = IndexOf(assigned_.rows);
    ARROW_ASSIGN_OR_RAISE(*batch, batch->Take(rows));
    return plan_.calls.Take(rows);
  }

  static arrow::Int32Array IndexOf(const std::vector<int32_t>& rows) {
    return {static_cast<int64_t>(rows.size()), arrow::Buffer::Wrap(rows)};
  }

  // Of the rows that came first in their window or slice. `columns`: keys and windows.
  Status SetTimers(arrow::ArrayVector columns) {
    WindowClock& clock = plan_.assigner.clock();
    const std::span<const Slot> slots = plan_.windows.slots();
    timed_.clear();
    ends_.clear();
    std::vector<int32_t> closed;  // slices of HOP: later windows wait for their rows
    std::vector<int64_t> awaited;
    for (size_t i = 0; i < slots.size(); ++i) {
      if (!plan_.windows.inserted()[i]) continue;
      const int64_t end = assigned_.ends[i];
      if (plan_.slices && plan_.assigner.IsClosed(end, watermark_)) {
        closed.push_back(static_cast<int32_t>(i));
        awaited.push_back(plan_.assigner.FirstOpen(end, watermark_));
      } else {
        timed_.push_back(slots[i]);
        ends_.push_back(end);
      }
    }
    ARROW_RETURN_NOT_OK(clock.Set(context_->timers(), 0, timed_, ends_));
    ARROW_RETURN_NOT_OK(plan_.calls.ExpireDistinct(*context_, clock, assigned_.ends));
    if (closed.empty()) return Status::OK();
    columns.pop_back();
    const arrow::Int32Array rows = IndexOf(closed);
    for (auto& column : columns) {
      ARROW_ASSIGN_OR_RAISE(column, arrow::compute::Take(*column, rows));
    }
    return plan_.slices->Await(columns, awaited);
  }

  // The windows that have rows. `ends`: empty where the last key column says them.
  Status Send(const KeyedTable& table, std::span<const Slot> slots, std::span<const int64_t> ends,
              Collector& out) {
    std::vector<Slot> sent;
    std::vector<int64_t> sent_ends;
    const FixedColumn& counts = const_cast<KeyedTable&>(table).Fixed(KeyedWindows::kRows);
    for (size_t i = 0; i < slots.size(); ++i) {
      if (counts.Get<int64_t>(slots[i]) <= 0) continue;
      sent.push_back(slots[i]);
      if (!ends.empty()) sent_ends.push_back(ends[i]);
    }
    if (sent.empty()) return Status::OK();
    ARROW_ASSIGN_OR_RAISE(const auto keys, table.Keys(sent));
    arrow::ArrayVector columns = keys->columns();
    if (ends.empty()) sent_ends = ValuesOf(*columns.back());
    columns.pop_back();
    std::vector<int64_t> starts;
    if (plan_.window.kind == WindowSpec::Kind::kAttached) {
      starts = ValuesOf(*columns.back());
      columns.pop_back();
    } else {
      for (const int64_t end : sent_ends) starts.push_back(plan_.assigner.times().Start(end));
    }
    ARROW_ASSIGN_OR_RAISE(const auto windows, plan_.assigner.clock().Columns(starts, sent_ends));
    columns.insert(columns.end(), windows.begin(), windows.end());
    ARROW_ASSIGN_OR_RAISE(const auto results, plan_.calls.Results(table, sent));
    columns.insert(columns.end(), results.begin(), results.end());
    Batch batch;
    batch.rows = arrow::RecordBatch::Make(plan_.output, static_cast<int64_t>(sent.size()),
                                          std::move(columns));
    batch.ingest_us = context_->env().NowMicros();
    out.Emit(0, std::move(batch));
    return Status::OK();
  }

  static std::vector<int64_t> ValuesOf(const arrow::Array& column) {
    const auto& times = static_cast<const arrow::TimestampArray&>(column);
    return {times.raw_values(), times.raw_values() + times.length()};
  }

  WindowAggregatePlan plan_;
  OperatorContext* context_ = nullptr;
  KeyedTable* table_ = nullptr;
  std::shared_ptr<Counter> late_rows_;
  EventTime watermark_;
  std::optional<InputTime> passing_;  ///< leaves behind the windows that it closes
  AssignedRows assigned_;
  std::vector<int8_t> signs_;  ///< empty: all 1
  std::vector<Slot> timed_;
  std::vector<int64_t> ends_;
};

}  // namespace

Result<std::unique_ptr<Operator>> MakeWindowAggregate(const OperatorRequest& request) {
  const auto& config = ConfigOf<WindowAggregateConfig>(request.node);
  const WindowSpec& window = config.window;
  if (window.kind == WindowSpec::Kind::kSession) {
    return Error::Internal("no operator for SESSION windows").In(request.node.id);
  }
  const PortPlan& port = request.node.ports[0];
  StateSpec windows;
  windows.name = "windows";
  for (size_t i = 0; i < config.keys.size(); ++i) {
    windows.key.Add(config.key_names[i], request.inputs[0].schema.column(config.keys[i]).type);
  }
  windows.group_keys = windows.key.size();
  if (window.kind == WindowSpec::Kind::kAttached) {
    windows.key.Add("window_start", SqlType::Timestamp(3).AsNotNull());
  }
  windows.key.Add("window_end", SqlType::Timestamp(3).AsNotNull());
  windows.value.Add("rows", SqlType::BigInt());
  std::vector<StateSpec> states = {std::move(windows)};
  ARROW_ASSIGN_OR_RAISE(auto calls, AggregateCalls::Make(request, config.aggregates, &states));
  const SqlType& time_type = port.schema.column(static_cast<int>(config.keys.size()) + 2).type;
  ARROW_ASSIGN_OR_RAISE(auto clock,
                        WindowClock::Make(window.time_column, time_type, request.time_zone));
  const bool shares =
      window.kind == WindowSpec::Kind::kHop || window.kind == WindowSpec::Kind::kCumulate;
  std::optional<WindowSlices> slices;
  if (shares && calls.mergeable()) {
    ARROW_ASSIGN_OR_RAISE(slices, WindowSlices::Make(window, states[0], clock));
    states.push_back(slices->merged());
  }
  ARROW_ASSIGN_OR_RAISE(auto by_key, KeyedWindows::Make(states[0]));
  const int merged_state = static_cast<int>(states.size()) - 1;
  return std::make_unique<WindowAggregate>(
      WindowAggregatePlan{.window = window,
                          .keys = config.keys,
                          .states = std::move(states),
                          .calls = std::move(calls),
                          .assigner = WindowAssigner(window, slices.has_value(), std::move(clock)),
                          .windows = std::move(by_key),
                          .slices = std::move(slices),
                          .merged_state = merged_state,
                          .late_port = PortNamed(request.node, "late"),
                          .output = port.schema.ToArrow()});
}

}  // namespace millrace

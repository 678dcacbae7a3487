#include <optional>
#include <utility>
#include <vector>

#include <arrow/array.h>
#include <arrow/record_batch.h>

#include "operators/aggregate_calls.h"
#include "operators/changes.h"
#include "operators/keyed_windows.h"
#include "operators/late_rows.h"
#include "operators/make.h"
#include "operators/row_groups.h"
#include "operators/row_index.h"
#include "operators/window_assigner.h"
#include "operators/window_slices.h"

namespace millrace {
namespace {

constexpr int kSent = KeyedWindows::kRows + 1;  ///< value column where late rows correct windows

/// What is settled when the operator is made.
struct WindowAggregatePlan {
  WindowSpec window;
  std::vector<int> keys;  ///< of the input
  std::vector<StateSpec> states;
  AggregateCalls calls;
  WindowAssigner assigner;
  RowGroups groups;
  KeyedWindows windows;                ///< of the groups
  std::optional<WindowSlices> slices;  ///< HOP and CUMULATE of aggregates that can be merged
  int merged_state = -1;
  LateRows late;
  int64_t lateness_us = 0;  ///< so long behind its end a window is corrected
  int counts_column = -1;   ///< of the rows of a local phase; their accumulators are behind it
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
    plan_.late.Open(context);
    return Status::OK();
  }

  Status ProcessBatch(int, Batch batch, Collector& out) override {
    ARROW_RETURN_NOT_OK(plan_.calls.Evaluate(*context_, watermark_, &batch));
    if (batch.empty()) return Status::OK();
    ARROW_RETURN_NOT_OK(Assign(&batch, out));
    if (batch.empty()) return Status::OK();
    SignsOf(batch, &signs_);
    ARROW_ASSIGN_OR_RAISE(arrow::ArrayVector columns, Group(*batch.rows));
    ARROW_RETURN_NOT_OK(plan_.windows.FindOrInsert(columns, plan_.groups.size()));
    Corrections corrections;
    if (plan_.lateness_us > 0) {
      ARROW_ASSIGN_OR_RAISE(corrections, BeforeCorrections());
    }
    ARROW_RETURN_NOT_OK(Update(*batch.rows));
    if (!corrections.slots.empty()) {
      ARROW_RETURN_NOT_OK(Correct(std::move(corrections), columns, out));
    }
    return SetTimers(std::move(columns));
  }

  Status ProcessWatermark(int, InputTime time, Collector&) override {
    watermark_ = time.watermark;
    passing_ = time;
    return Status::OK();
  }

  Status OnTimers(const TimerBatch& timers, Collector& out) override {
    if (timers.state != 0) return context_->table(timers.state).Erase(timers.slots);
    ARROW_RETURN_NOT_OK(plan_.assigner.clock().Fired(context_->timers(), timers));
    if (plan_.slices) {
      return plan_.slices->Fire(
          timers.slots, plan_.calls,
          [&](KeyedTable& table, std::span<const Slot> slots, std::span<const int64_t> ends) {
            return Send(table, slots, ends, out);
          });
    }
    if (plan_.lateness_us > 0) return SendOrForget(timers.slots, out);
    ARROW_RETURN_NOT_OK(Send(*table_, timers.slots, {}, out));
    return table_->Erase(timers.slots);
  }

  Result<Step> Run(Collector& out) override {
    if (passing_) out.Watermark(*std::exchange(passing_, {}));
    return Step::kIdle;
  }

 private:
  /// Windows that have been sent, and that late rows change.
  struct Corrections {
    std::vector<Slot> slots;
    std::vector<int32_t> groups;  ///< of the same windows
    KeyChanges changes;
  };

  static EventTime Behind(EventTime watermark, int64_t us) {
    const bool bound = watermark == EventTime::Max() || watermark.us < EventTime::Min().us + us;
    return bound ? watermark : EventTime{watermark.us - us};
  }

  // Cuts the rows into windows: `assigned_`, by row of the batch.
  Status Assign(Batch* batch, Collector& out) {
    const int64_t now = context_->env().NowMicros();
    plan_.assigner.Assign(*batch->rows, now, Behind(watermark_, plan_.lateness_us), &assigned_);
    if (assigned_.each_once) return Status::OK();
    ARROW_RETURN_NOT_OK(plan_.late.Send(*batch, assigned_.late, assigned_.errors, out));
    const arrow::Int32Array rows = RowIndex(assigned_.rows);
    ARROW_ASSIGN_OR_RAISE(*batch, batch->Take(rows));
    return plan_.calls.Take(rows);
  }

  // The rows by key and window: keys and windows of the groups.
  Result<arrow::ArrayVector> Group(const arrow::RecordBatch& rows) {
    RowGroups& groups = plan_.groups;
    ARROW_RETURN_NOT_OK(groups.Find(rows));
    if (!assigned_.starts.empty()) groups.SplitBy(assigned_.starts);
    groups.SplitBy(assigned_.ends);
    ARROW_ASSIGN_OR_RAISE(arrow::ArrayVector columns, groups.Keys(rows));
    if (!assigned_.starts.empty()) {
      ARROW_ASSIGN_OR_RAISE(columns.emplace_back(), TimestampsOf(groups.FirstOf(assigned_.starts)));
    }
    ends_ = groups.FirstOf(assigned_.ends);
    ARROW_ASSIGN_OR_RAISE(columns.emplace_back(), TimestampsOf(ends_));
    return columns;
  }

  // Of the windows of the batch that the watermark has passed.
  Result<Corrections> BeforeCorrections() {
    Corrections found;
    FixedColumn& sent = table_->Fixed(kSent);
    for (size_t i = 0; i < ends_.size(); ++i) {
      if (!plan_.assigner.clock().IsClosed(ends_[i], watermark_)) continue;
      const Slot slot = plan_.windows.slots()[i];
      found.slots.push_back(slot);
      found.groups.push_back(static_cast<int32_t>(i));
      found.changes.existed.push_back(sent.Get<int64_t>(slot) != 0 &&
                                      plan_.windows.RowsAt(slot) > 0);
      sent.Mut<int64_t>(slot) = 1;
    }
    ARROW_ASSIGN_OR_RAISE(found.changes.before, plan_.calls.Results(*table_, found.slots));
    return found;
  }

  Status Correct(Corrections corrections, arrow::ArrayVector columns, Collector& out) {
    KeyChanges& changes = corrections.changes;
    for (const Slot slot : corrections.slots) {
      changes.exists.push_back(plan_.windows.RowsAt(slot) > 0);
    }
    ARROW_ASSIGN_OR_RAISE(changes.after, plan_.calls.Results(*table_, corrections.slots));
    ARROW_ASSIGN_OR_RAISE(changes.keys, TakeRows(columns, corrections.groups));
    ARROW_RETURN_NOT_OK(AddWindowColumns(&changes.keys));
    ARROW_ASSIGN_OR_RAISE(Batch batch, ChangelogOf(changes, false, plan_.output));
    batch.ingest_us = context_->env().NowMicros();
    if (!batch.empty()) out.Emit(0, std::move(batch));
    return Status::OK();
  }

  Status Update(const arrow::RecordBatch& rows) {
    const std::span<const Slot> slots = plan_.windows.slots();
    if (plan_.counts_column >= 0) {
      return MergePartial(rows, plan_.counts_column, plan_.groups, plan_.windows, plan_.calls);
    }
    plan_.windows.Count(plan_.groups.Count(signs_));
    arrow::ArrayVector columns;
    if (plan_.calls.has_distinct()) {
      for (const int key : plan_.keys) columns.push_back(rows.column(key));
      if (!assigned_.starts.empty()) {
        ARROW_ASSIGN_OR_RAISE(columns.emplace_back(), TimestampsOf(assigned_.starts));
      }
      ARROW_ASSIGN_OR_RAISE(columns.emplace_back(), TimestampsOf(assigned_.ends));
    }
    return plan_.calls.Update(*context_, *table_, plan_.groups.In(slots), signs_, columns);
  }

  // Windows leave at their end, and are forgotten when no late row corrects them any more.
  Status SendOrForget(std::span<const Slot> due, Collector& out) {
    FixedColumn& sent = table_->Fixed(kSent);
    std::vector<Slot> ended, over;
    for (const Slot slot : due) {
      (sent.Get<int64_t>(slot) == 0 ? ended : over).push_back(slot);
    }
    ARROW_RETURN_NOT_OK(Send(*table_, ended, {}, out));
    for (const Slot slot : ended) sent.Mut<int64_t>(slot) = 1;
    ARROW_ASSIGN_OR_RAISE(const auto keys, table_->Keys(ended));
    ARROW_RETURN_NOT_OK(plan_.assigner.clock().Set(
        context_->timers(), 0, ended, ValuesOf(*keys->columns().back()), plan_.lateness_us));
    return table_->Erase(over);
  }

  // Of the windows or slices that are new. `columns`: keys and windows of the groups.
  Status SetTimers(arrow::ArrayVector columns) {
    WindowClock& clock = plan_.assigner.clock();
    const std::span<const Slot> slots = plan_.windows.slots();
    std::vector<Slot> timed;
    std::vector<int64_t> timed_ends;
    std::vector<int32_t> closed;  // slices of HOP: later windows wait for their rows
    std::vector<int64_t> awaited;
    std::vector<Slot> corrected;  // windows that begin with a late row
    std::vector<int64_t> corrected_ends;
    for (size_t i = 0; i < slots.size(); ++i) {
      if (!plan_.windows.inserted()[i]) continue;
      const int64_t end = ends_[i];
      if (plan_.slices && clock.IsClosed(end, watermark_)) {
        closed.push_back(static_cast<int32_t>(i));
        awaited.push_back(plan_.assigner.FirstOpen(end, watermark_));
      } else if (plan_.lateness_us > 0 && clock.IsClosed(end, watermark_)) {
        corrected.push_back(slots[i]);
        corrected_ends.push_back(end);
      } else {
        timed.push_back(slots[i]);
        timed_ends.push_back(end);
      }
    }
    ARROW_RETURN_NOT_OK(clock.Set(context_->timers(), 0, timed, timed_ends));
    ARROW_RETURN_NOT_OK(
        clock.Set(context_->timers(), 0, corrected, corrected_ends, plan_.lateness_us));
    ARROW_RETURN_NOT_OK(
        plan_.calls.ExpireDistinct(*context_, clock, assigned_.ends, plan_.lateness_us));
    if (closed.empty()) return Status::OK();
    columns.pop_back();
    ARROW_ASSIGN_OR_RAISE(columns, TakeRows(columns, closed));
    return plan_.slices->Await(columns, awaited);
  }

  // The windows that have rows. `ends`: empty where the last key column says them.
  Status Send(KeyedTable& table, std::span<const Slot> slots, std::span<const int64_t> ends,
              Collector& out) {
    std::vector<Slot> sent;
    std::vector<int64_t> sent_ends;
    const FixedColumn& counts = table.Fixed(KeyedWindows::kRows);
    for (size_t i = 0; i < slots.size(); ++i) {
      if (counts.Get<int64_t>(slots[i]) <= 0) continue;
      sent.push_back(slots[i]);
      if (!ends.empty()) sent_ends.push_back(ends[i]);
    }
    if (sent.empty()) return Status::OK();
    ARROW_ASSIGN_OR_RAISE(const auto keys, table.Keys(sent));
    arrow::ArrayVector columns = keys->columns();
    if (!ends.empty()) {
      ARROW_ASSIGN_OR_RAISE(columns.back(), TimestampsOf(sent_ends));
    }
    ARROW_RETURN_NOT_OK(AddWindowColumns(&columns));
    ARROW_ASSIGN_OR_RAISE(const auto results, plan_.calls.Results(table, sent));
    columns.insert(columns.end(), results.begin(), results.end());
    Batch batch;
    batch.rows = arrow::RecordBatch::Make(plan_.output, static_cast<int64_t>(sent.size()),
                                          std::move(columns));
    batch.ingest_us = context_->env().NowMicros();
    out.Emit(0, std::move(batch));
    return Status::OK();
  }

  // Makes start, end and time of the last column (or two) of the state's keys.
  Status AddWindowColumns(arrow::ArrayVector* columns) {
    const std::vector<int64_t> ends = ValuesOf(*columns->back());
    columns->pop_back();
    std::vector<int64_t> starts;
    if (plan_.window.kind == WindowSpec::Kind::kAttached) {
      starts = ValuesOf(*columns->back());
      columns->pop_back();
    } else {
      for (const int64_t end : ends) starts.push_back(plan_.assigner.times().Start(end));
    }
    ARROW_ASSIGN_OR_RAISE(const auto windows, plan_.assigner.clock().Columns(starts, ends));
    columns->insert(columns->end(), windows.begin(), windows.end());
    return Status::OK();
  }

  static std::vector<int64_t> ValuesOf(const arrow::Array& column) {
    const auto& times = static_cast<const arrow::TimestampArray&>(column);
    return {times.raw_values(), times.raw_values() + times.length()};
  }

  WindowAggregatePlan plan_;
  OperatorContext* context_ = nullptr;
  KeyedTable* table_ = nullptr;
  EventTime watermark_;
  std::optional<InputTime> passing_;  ///< leaves behind the windows that it closes
  AssignedRows assigned_;
  std::vector<int8_t> signs_;  ///< empty: all 1
  std::vector<int64_t> ends_;  ///< of the groups
};

// Of a local phase's output.
int PartialCounts(const WindowAggregateConfig& config) {
  const WindowSpec& window = config.window;
  int column = static_cast<int>(config.keys.size());
  for (const int own : {window.time_column, window.start_column, window.end_column}) {
    column += own >= 0;
  }
  return column;
}

}  // namespace

Result<std::unique_ptr<Operator>> MakeWindowAggregate(const OperatorRequest& request) {
  const auto& config = ConfigOf<WindowAggregateConfig>(request.node);
  const WindowSpec& window = config.window;
  if (config.phase == AggregatePhase::kLocal) return MakeLocalWindowAggregate(request);
  const bool partial = config.phase == AggregatePhase::kGlobal;
  if (window.kind == WindowSpec::Kind::kSession) return MakeSessionAggregate(request);
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
  if (config.allowed_lateness_us > 0) windows.value.Add("sent", SqlType::BigInt());
  std::vector<StateSpec> states = {std::move(windows)};
  ARROW_ASSIGN_OR_RAISE(auto calls,
                        AggregateCalls::Make(request, config.aggregates, &states, config.phase));
  const SqlType& time_type = port.schema.column(static_cast<int>(config.keys.size()) + 2).type;
  ARROW_ASSIGN_OR_RAISE(auto clock,
                        WindowClock::Make(window.time_column, time_type, request.time_zone));
  const bool has_slices =
      window.kind == WindowSpec::Kind::kHop || window.kind == WindowSpec::Kind::kCumulate;
  std::optional<WindowSlices> slices;
  if (has_slices && calls.mergeable() && config.allowed_lateness_us == 0) {
    ARROW_ASSIGN_OR_RAISE(slices, WindowSlices::Make(window, states[0], clock));
    states.push_back(slices->merged());
  }
  ARROW_ASSIGN_OR_RAISE(auto by_key, KeyedWindows::Make(states[0]));
  ARROW_ASSIGN_OR_RAISE(auto groups, RowGroups::Make(request.inputs[0].schema, config.keys));
  const int counts_column = partial ? PartialCounts(config) : -1;
  const int merged_state = static_cast<int>(states.size()) - 1;
  return std::make_unique<WindowAggregate>(
      WindowAggregatePlan{.window = window,
                          .keys = config.keys,
                          .states = std::move(states),
                          .calls = std::move(calls),
                          .assigner = WindowAssigner(window, slices.has_value(), std::move(clock)),
                          .groups = std::move(groups),
                          .windows = std::move(by_key),
                          .slices = std::move(slices),
                          .merged_state = merged_state,
                          .late = LateRows(PortNamed(request.node, "late"), counts_column),
                          .lateness_us = config.allowed_lateness_us,
                          .counts_column = counts_column,
                          .output = port.schema.ToArrow()});
}

}  // namespace millrace

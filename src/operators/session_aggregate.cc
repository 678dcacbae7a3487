#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <arrow/array.h>
#include <arrow/record_batch.h>

#include "operators/aggregate_calls.h"
#include "operators/keyed_windows.h"
#include "operators/late_rows.h"
#include "operators/make.h"
#include "operators/row_index.h"
#include "operators/sessions.h"

namespace millrace {
namespace {

/// What is settled when the operator is made.
struct SessionAggregatePlan {
  std::vector<int> keys;  ///< of the input
  std::vector<StateSpec> states;
  AggregateCalls calls;
  KeyedWindows accumulators;  ///< by key and session
  Sessions sessions;
  LateRows late;
  std::shared_ptr<arrow::Schema> output;
};

/// Aggregation by key and session. Sessions that become one merge their accumulators.
class SessionAggregate final : public Operator {
 public:
  explicit SessionAggregate(SessionAggregatePlan plan) : plan_(std::move(plan)) {}

  std::vector<StateSpec> States() const override { return plan_.states; }

  Status Open(OperatorContext& context) override {
    context_ = &context;
    table_ = &context.table(0);
    plan_.accumulators.Open(*table_);
    plan_.sessions.Open(context, static_cast<int>(plan_.states.size()) - 1);
    plan_.late.Open(context);
    return Status::OK();
  }

  Status ProcessBatch(int, Batch batch, Collector& out) override {
    ARROW_RETURN_NOT_OK(plan_.calls.Evaluate(*context_, watermark_, &batch));
    if (batch.empty()) return Status::OK();
    ARROW_RETURN_NOT_OK(plan_.sessions.Assign(*batch.rows, watermark_, &assigned_));
    if (!assigned_.merges.empty()) ARROW_RETURN_NOT_OK(Merge(*batch.rows));
    RowGroups& groups = plan_.sessions.groups();
    if (!assigned_.each_once) {
      ARROW_RETURN_NOT_OK(plan_.late.Send(batch, assigned_.late, assigned_.errors, out));
      const arrow::Int32Array rows = RowIndex(assigned_.rows);
      ARROW_ASSIGN_OR_RAISE(batch, batch.Take(rows));
      ARROW_RETURN_NOT_OK(plan_.calls.Take(rows));
      if (batch.empty()) return Status::OK();
    }
    SignsOf(batch, &signs_);
    if (assigned_.merges.empty()) {
      groups.Take(assigned_.groups);
    } else {
      ARROW_RETURN_NOT_OK(groups.Find(*batch.rows));
      groups.SplitBy(assigned_.sessions);
    }
    ARROW_ASSIGN_OR_RAISE(arrow::ArrayVector columns, groups.Keys(*batch.rows));
    ARROW_ASSIGN_OR_RAISE(columns.emplace_back(), NumbersOf(groups.FirstOf(assigned_.sessions)));
    ARROW_RETURN_NOT_OK(plan_.accumulators.FindOrInsert(columns, groups.size()));
    plan_.accumulators.Count(groups.Count(signs_));
    return plan_.calls.Update(*context_, *table_, groups.In(plan_.accumulators.slots()), signs_,
                              {});
  }

  Status ProcessWatermark(int, InputTime time, Collector&) override {
    watermark_ = time.watermark;
    passing_ = time;
    return Status::OK();
  }

  Status OnTimers(const TimerBatch& timers, Collector& out) override {
    ARROW_ASSIGN_OR_RAISE(const EndedSessions ended, plan_.sessions.TakeEnded(timers));
    arrow::ArrayVector columns = ended.keys;
    ARROW_ASSIGN_OR_RAISE(columns.emplace_back(), NumbersOf(ended.sessions));
    ARROW_RETURN_NOT_OK(plan_.accumulators.Find(columns, ended.sessions.size()));
    const std::span<const Slot> slots = plan_.accumulators.slots();
    ARROW_RETURN_NOT_OK(Send(ended, slots, out));
    return table_->Erase(slots);
  }

  Result<Step> Run(Collector& out) override {
    if (passing_) out.Watermark(*std::exchange(passing_, {}));
    return Step::kIdle;
  }

 private:
  arrow::ArrayVector KeysOf(const arrow::RecordBatch& rows) const {
    arrow::ArrayVector columns;
    for (const int key : plan_.keys) columns.push_back(rows.column(key));
    return columns;
  }

  // Of the sessions that were there before the batch.
  Status Merge(const arrow::RecordBatch& rows) {
    std::vector<int32_t> key_rows;
    std::vector<int64_t> from, into;
    for (const SessionRows::Merge& merge : assigned_.merges) {
      key_rows.push_back(merge.row);
      from.push_back(merge.from);
      into.push_back(merge.into);
    }
    ARROW_ASSIGN_OR_RAISE(arrow::ArrayVector columns, TakeRows(KeysOf(rows), key_rows));
    ARROW_ASSIGN_OR_RAISE(columns.emplace_back(), NumbersOf(from));
    ARROW_RETURN_NOT_OK(plan_.accumulators.Find(columns, from.size()));
    const std::vector<Slot> found(plan_.accumulators.slots().begin(),
                                  plan_.accumulators.slots().end());
    std::vector<int32_t> stored;
    std::vector<int64_t> targets;
    std::vector<Slot> gone;
    for (size_t i = 0; i < found.size(); ++i) {
      if (found[i] == kNoSlot) continue;
      stored.push_back(static_cast<int32_t>(i));
      targets.push_back(into[i]);
      gone.push_back(found[i]);
    }
    if (gone.empty()) return Status::OK();
    columns.pop_back();
    ARROW_ASSIGN_OR_RAISE(columns, TakeRows(columns, stored));
    ARROW_ASSIGN_OR_RAISE(columns.emplace_back(), NumbersOf(targets));
    ARROW_RETURN_NOT_OK(plan_.accumulators.FindOrInsert(columns, targets.size()));
    const std::span<const Slot> slots = plan_.accumulators.slots();
    for (size_t i = 0; i < slots.size(); ++i) {
      plan_.accumulators.RowsAt(slots[i]) += plan_.accumulators.RowsAt(gone[i]);
    }
    ARROW_ASSIGN_OR_RAISE(const auto accumulators, plan_.calls.Accumulators(*table_, gone));
    ARROW_RETURN_NOT_OK(plan_.calls.Merge(*table_, slots, accumulators));
    return table_->Erase(gone);
  }

  // The sessions that have rows.
  Status Send(const EndedSessions& ended, std::span<const Slot> slots, Collector& out) {
    std::vector<int32_t> rows;
    std::vector<Slot> sent;
    std::vector<int64_t> starts, ends;
    for (size_t i = 0; i < slots.size(); ++i) {
      if (plan_.accumulators.RowsAt(slots[i]) <= 0) continue;
      rows.push_back(static_cast<int32_t>(i));
      sent.push_back(slots[i]);
      starts.push_back(ended.starts[i]);
      ends.push_back(ended.ends[i]);
    }
    if (sent.empty()) return Status::OK();
    ARROW_ASSIGN_OR_RAISE(arrow::ArrayVector columns, TakeRows(ended.keys, rows));
    ARROW_ASSIGN_OR_RAISE(const auto windows, plan_.sessions.clock().Columns(starts, ends));
    columns.insert(columns.end(), windows.begin(), windows.end());
    ARROW_ASSIGN_OR_RAISE(const auto results, plan_.calls.Results(*table_, sent));
    columns.insert(columns.end(), results.begin(), results.end());
    Batch batch;
    batch.rows = arrow::RecordBatch::Make(plan_.output, static_cast<int64_t>(sent.size()),
                                          std::move(columns));
    batch.ingest_us = context_->env().NowMicros();
    out.Emit(0, std::move(batch));
    return Status::OK();
  }

  SessionAggregatePlan plan_;
  OperatorContext* context_ = nullptr;
  KeyedTable* table_ = nullptr;
  EventTime watermark_;
  std::optional<InputTime> passing_;  ///< leaves behind the sessions that it closes
  SessionRows assigned_;
  std::vector<int8_t> signs_;  ///< empty: all 1
};

}  // namespace

Result<std::unique_ptr<Operator>> MakeSessionAggregate(const OperatorRequest& request) {
  const auto& config = ConfigOf<WindowAggregateConfig>(request.node);
  const Schema& input = request.inputs[0].schema;
  const PortPlan& port = request.node.ports[0];
  StateSpec accumulators;
  accumulators.name = "windows";
  for (size_t i = 0; i < config.keys.size(); ++i) {
    accumulators.key.Add(config.key_names[i], input.column(config.keys[i]).type);
  }
  accumulators.group_keys = accumulators.key.size();
  accumulators.key.Add("session", SqlType::BigInt());
  accumulators.value.Add("rows", SqlType::BigInt());
  std::vector<StateSpec> states = {std::move(accumulators)};
  ARROW_ASSIGN_OR_RAISE(auto calls, AggregateCalls::Make(request, config.aggregates, &states));
  if (!calls.mergeable()) {
    return Error::Internal("an aggregation by session was planned with calls that cannot be merged")
        .In(request.node.id);
  }
  const SqlType& time_type = port.schema.column(static_cast<int>(config.keys.size()) + 2).type;
  ARROW_ASSIGN_OR_RAISE(auto clock,
                        WindowClock::Make(config.window.time_column, time_type, request.time_zone));
  ARROW_ASSIGN_OR_RAISE(auto sessions,
                        Sessions::Make(input, config.window, config.keys, std::move(clock)));
  ARROW_ASSIGN_OR_RAISE(auto by_session, KeyedWindows::Make(states[0]));
  states.push_back(sessions.spec());
  return std::make_unique<SessionAggregate>(
      SessionAggregatePlan{.keys = config.keys,
                           .states = std::move(states),
                           .calls = std::move(calls),
                           .accumulators = std::move(by_session),
                           .sessions = std::move(sessions),
                           .late = LateRows(PortNamed(request.node, "late")),
                           .output = port.schema.ToArrow()});
}

}  // namespace millrace

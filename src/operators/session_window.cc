#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "operators/keyed_windows.h"
#include "operators/late_rows.h"
#include "operators/make.h"
#include "operators/row_index.h"
#include "operators/sessions.h"

namespace millrace {
namespace {

constexpr int kCounts = 0;  // the states
constexpr int kStored = 1;
constexpr int kSessionTable = 2;

constexpr int64_t kSlice = 1024;  ///< rows of a batch that leaves

/// What is settled when the operator is made.
struct SessionWindowPlan {
  std::vector<int> keys;  ///< of the input
  std::vector<StateSpec> states;
  KeyedWindows counts;  ///< rows by key and session
  KeyedWindows rows;    ///< by key, session and number
  std::vector<int>
      places;  ///< per input column: of the keys (>= 0) or of the stored values (~place)
  Sessions sessions;
  LateRows late;
  std::shared_ptr<arrow::Schema> output;
};

/// SESSION by itself: a row leaves when its session has ended, which says where that begins and
/// ends. The rows of a session are numbered.
class SessionWindow final : public Operator {
 public:
  explicit SessionWindow(SessionWindowPlan plan) : plan_(std::move(plan)) {}

  std::vector<StateSpec> States() const override { return plan_.states; }

  Status Open(OperatorContext& context) override {
    context_ = &context;
    plan_.counts.Open(context.table(kCounts));
    plan_.rows.Open(context.table(kStored));
    plan_.sessions.Open(context, kSessionTable);
    plan_.late.Open(context);
    return Status::OK();
  }

  Status ProcessBatch(int, Batch batch, Collector& out) override {
    ARROW_RETURN_NOT_OK(plan_.sessions.Assign(*batch.rows, watermark_, &assigned_));
    if (!assigned_.merges.empty()) ARROW_RETURN_NOT_OK(Merge(*batch.rows));
    if (!assigned_.each_once) {
      ARROW_RETURN_NOT_OK(plan_.late.Send(batch, assigned_.late, assigned_.errors, out));
      ARROW_ASSIGN_OR_RAISE(batch, batch.Take(RowIndex(assigned_.rows)));
      if (batch.empty()) return Status::OK();
    }
    arrow::ArrayVector values;
    for (size_t c = 0; c < plan_.places.size(); ++c) {
      if (plan_.places[c] < 0) values.push_back(batch.rows->column(static_cast<int>(c)));
    }
    return Put(KeysOf(*batch.rows), assigned_.sessions, values);
  }

  Status ProcessWatermark(int, InputTime time, Collector&) override {
    watermark_ = time.watermark;
    passing_ = time;
    return Status::OK();
  }

  Status OnTimers(const TimerBatch& timers, Collector& out) override {
    ARROW_ASSIGN_OR_RAISE(const EndedSessions ended, plan_.sessions.TakeEnded(timers));
    ARROW_ASSIGN_OR_RAISE(const Taken taken, Take(ended.keys, ended.sessions));
    std::vector<int64_t> starts, ends;
    for (const int32_t session : taken.sessions) {
      starts.push_back(ended.starts[static_cast<size_t>(session)]);
      ends.push_back(ended.ends[static_cast<size_t>(session)]);
    }
    ARROW_ASSIGN_OR_RAISE(const auto windows, plan_.sessions.clock().Columns(starts, ends));
    arrow::ArrayVector columns;
    for (const int place : plan_.places) {
      columns.push_back(place >= 0 ? taken.keys[static_cast<size_t>(place)]
                                   : taken.values[static_cast<size_t>(~place)]);
    }
    columns.insert(columns.end(), windows.begin(), windows.end());
    const auto rows = static_cast<int64_t>(starts.size());
    Batch all;
    all.rows = arrow::RecordBatch::Make(plan_.output, rows, std::move(columns));
    all.ingest_us = context_->env().NowMicros();
    for (int64_t at = 0; at < rows; at += kSlice) {
      out.Emit(0, all.Slice(at, std::min(kSlice, rows - at)));
    }
    return Status::OK();
  }

  Result<Step> Run(Collector& out) override {
    if (passing_) out.Watermark(*std::exchange(passing_, {}));
    return Step::kIdle;
  }

 private:
  /// All rows of some sessions.
  struct Taken {
    std::vector<int32_t> sessions;  ///< which of them each row is of
    arrow::ArrayVector keys;
    arrow::ArrayVector values;
  };

  arrow::ArrayVector KeysOf(const arrow::RecordBatch& rows) const {
    arrow::ArrayVector columns;
    for (const int key : plan_.keys) columns.push_back(rows.column(key));
    return columns;
  }

  // Rows go behind those of their sessions.
  Status Put(arrow::ArrayVector columns, const std::vector<int64_t>& sessions,
             const arrow::ArrayVector& values) {
    ARROW_ASSIGN_OR_RAISE(columns.emplace_back(), NumbersOf(sessions));
    ARROW_RETURN_NOT_OK(plan_.counts.FindOrInsert(columns, sessions.size()));
    std::vector<int64_t> numbers;
    for (const Slot slot : plan_.counts.slots()) numbers.push_back(plan_.counts.RowsAt(slot)++);
    ARROW_ASSIGN_OR_RAISE(columns.emplace_back(), NumbersOf(numbers));
    ARROW_RETURN_NOT_OK(plan_.rows.FindOrInsert(columns, sessions.size()));
    for (size_t c = 0; c < values.size(); ++c) {
      ARROW_RETURN_NOT_OK(
          plan_.rows.table().Set(static_cast<int>(c), plan_.rows.slots(), *values[c]));
    }
    return Status::OK();
  }

  // The rows leave the state; sessions that are not in it have none.
  Result<Taken> Take(const arrow::ArrayVector& keys, const std::vector<int64_t>& sessions) {
    arrow::ArrayVector columns = keys;
    ARROW_ASSIGN_OR_RAISE(columns.emplace_back(), NumbersOf(sessions));
    ARROW_RETURN_NOT_OK(plan_.counts.Find(columns, sessions.size()));
    Taken taken;
    std::vector<Slot> counted;
    std::vector<int64_t> numbers;
    for (size_t i = 0; i < sessions.size(); ++i) {
      const Slot slot = plan_.counts.slots()[i];
      if (slot == kNoSlot) continue;
      counted.push_back(slot);
      for (int64_t n = 0; n < plan_.counts.RowsAt(slot); ++n) {
        taken.sessions.push_back(static_cast<int32_t>(i));
        numbers.push_back(n);
      }
    }
    ARROW_RETURN_NOT_OK(plan_.counts.table().Erase(counted));
    ARROW_ASSIGN_OR_RAISE(columns, TakeRows(columns, taken.sessions));
    taken.keys.assign(columns.begin(), columns.end() - 1);
    ARROW_ASSIGN_OR_RAISE(columns.emplace_back(), NumbersOf(numbers));
    ARROW_RETURN_NOT_OK(plan_.rows.Find(columns, numbers.size()));
    const KeyedTable& table = plan_.rows.table();
    for (int c = 0; c < plan_.states[kStored].value.size(); ++c) {
      ARROW_ASSIGN_OR_RAISE(taken.values.emplace_back(), table.Get(c, plan_.rows.slots()));
    }
    ARROW_RETURN_NOT_OK(plan_.rows.table().Erase(plan_.rows.slots()));
    return taken;
  }

  Status Merge(const arrow::RecordBatch& rows) {
    std::vector<int32_t> key_rows;
    std::vector<int64_t> from;
    for (const SessionRows::Merge& merge : assigned_.merges) {
      key_rows.push_back(merge.row);
      from.push_back(merge.from);
    }
    ARROW_ASSIGN_OR_RAISE(const auto keys, TakeRows(KeysOf(rows), key_rows));
    ARROW_ASSIGN_OR_RAISE(const Taken taken, Take(keys, from));
    if (taken.sessions.empty()) return Status::OK();
    std::vector<int64_t> into;
    for (const int32_t merge : taken.sessions) {
      into.push_back(assigned_.merges[static_cast<size_t>(merge)].into);
    }
    return Put(taken.keys, into, taken.values);
  }

  SessionWindowPlan plan_;
  OperatorContext* context_ = nullptr;
  EventTime watermark_;
  std::optional<InputTime> passing_;  ///< leaves behind the rows of the sessions that it closes
  SessionRows assigned_;
};

}  // namespace

Result<std::unique_ptr<Operator>> MakeSessionWindow(const OperatorRequest& request) {
  const auto& config = ConfigOf<WindowConfig>(request.node);
  const Schema& input = request.inputs[0].schema;
  const Schema& output = request.node.ports[0].schema;
  ARROW_ASSIGN_OR_RAISE(
      auto clock, WindowClock::Make(config.window.time_column,
                                    output.column(output.size() - 1).type, request.time_zone));
  ARROW_ASSIGN_OR_RAISE(auto sessions,
                        Sessions::Make(input, config.window, config.keys, std::move(clock)));
  StateSpec counts;
  counts.name = "counts";
  counts.key = sessions.spec().key;
  counts.group_keys = counts.key.size();
  counts.key.Add("session", SqlType::BigInt());
  counts.value.Add("rows", SqlType::BigInt());
  StateSpec rows;
  rows.name = "rows";
  rows.key = counts.key;
  rows.group_keys = counts.group_keys;
  rows.key.Add("number", SqlType::BigInt());
  std::vector<int> places;
  for (int c = 0; c < input.size(); ++c) {
    const auto key = std::find(config.keys.begin(), config.keys.end(), c);
    if (key != config.keys.end()) {
      places.push_back(static_cast<int>(key - config.keys.begin()));
    } else {
      places.push_back(~rows.value.size());
      rows.value.Add(input.column(c).name, input.column(c).type);
    }
  }
  ARROW_ASSIGN_OR_RAISE(auto by_session, KeyedWindows::Make(counts));
  ARROW_ASSIGN_OR_RAISE(auto by_number, KeyedWindows::Make(rows));
  std::vector<StateSpec> states = {std::move(counts), std::move(rows), sessions.spec()};
  return std::make_unique<SessionWindow>(
      SessionWindowPlan{.keys = config.keys,
                        .states = std::move(states),
                        .counts = std::move(by_session),
                        .rows = std::move(by_number),
                        .places = std::move(places),
                        .sessions = std::move(sessions),
                        .late = LateRows(PortNamed(request.node, "late")),
                        .output = output.ToArrow()});
}

}  // namespace millrace

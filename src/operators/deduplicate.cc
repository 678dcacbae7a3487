#include <algorithm>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include <arrow/array.h>
#include <arrow/array/util.h>
#include <arrow/builder.h>
#include <arrow/compute/api_vector.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "base/metrics.h"
#include "operators/changes.h"
#include "operators/closing_windows.h"
#include "operators/make.h"
#include "operators/touched_slots.h"

namespace millrace {
namespace {

/// When the row of a key leaves.
enum class Leaving {
  kAtOnce,     ///< append-only: the first by arrival
  kChanges,    ///< at once, and each row that takes its place
  kWhenFirst,  ///< when the watermark says that no earlier one comes: the first by rowtime
  kAtWindowEnd,
};

/// What is settled when the operator is made.
struct DeduplicatePlan {
  std::vector<int> keys;
  StateSpec state;
  KeyEncoder encoder;
  std::vector<int> places;  ///< per input column: of the key columns (>= 0), the values (~place)
  Leaving leaving = Leaving::kAtOnce;
  bool keep_last = false;
  bool upsert = false;   ///< without the row before
  int time_column = -1;  ///< of the input
  int time_value = -1;   ///< the same in the state
  std::optional<ClosingWindows> windows;
  int late_port = -1;
  std::shared_ptr<arrow::Schema> output;
};

/// One row of each key.
class Deduplicate final : public Operator {
 public:
  explicit Deduplicate(DeduplicatePlan plan) : plan_(std::move(plan)) {}

  std::vector<StateSpec> States() const override { return {plan_.state}; }

  Status Open(OperatorContext& context) override {
    context_ = &context;
    table_ = &context.table(0);
    late_rows_ = context.metrics().counter("late_rows");
    return Status::OK();
  }

  Status ProcessBatch(int, Batch batch, Collector& out) override {
    ARROW_RETURN_NOT_OK(TakeLate(&batch, out));
    if (batch.empty()) return Status::OK();
    ARROW_RETURN_NOT_OK(plan_.encoder.Encode(*batch.rows, &keys_));
    slots_.resize(static_cast<size_t>(batch.num_rows()));
    inserted_.resize(slots_.size());
    ARROW_RETURN_NOT_OK(table_->FindOrInsert(keys_, slots_, inserted_));
    touched_.Find(slots_);
    ARROW_RETURN_NOT_OK(FindWinners(*batch.rows));
    if (winners_.empty()) return Status::OK();
    FindDeleted(batch);
    ARROW_ASSIGN_OR_RAISE(const arrow::ArrayVector rows, TakeRows(*batch.rows));
    if (plan_.leaving != Leaving::kWhenFirst && plan_.leaving != Leaving::kAtWindowEnd) {
      ARROW_ASSIGN_OR_RAISE(Batch result, Changes(rows));
      result.ingest_us = batch.ingest_us;
      if (!result.empty()) out.Emit(0, std::move(result));
    } else {
      ARROW_RETURN_NOT_OK(context_->timers().Set(TimeDomain::kEvent, 0, slots_, times_));
    }
    return deleted_.empty() ? Store(rows) : StoreAndErase(rows);
  }

  Status ProcessWatermark(int, InputTime time, Collector&) override {
    watermark_ = time.watermark;
    passing_ = time;
    return Status::OK();
  }

  Status OnTimers(const TimerBatch& timers, Collector& out) override {
    ARROW_ASSIGN_OR_RAISE(const auto keys, table_->Keys(timers.slots));
    Batch batch;
    ARROW_ASSIGN_OR_RAISE(const auto columns, RowsAt(keys->columns(), timers.slots));
    batch.rows = arrow::RecordBatch::Make(plan_.output, keys->num_rows(), columns);
    batch.ingest_us = context_->env().NowMicros();
    out.Emit(0, std::move(batch));
    if (plan_.leaving == Leaving::kAtWindowEnd) return table_->Erase(timers.slots);
    return Forget(timers.slots);
  }

  Result<Step> Run(Collector& out) override {
    if (passing_) out.Watermark(*std::exchange(passing_, {}));
    return Step::kIdle;
  }

 private:
  // Rows whose time is over. `closes_` is then of the others.
  Status TakeLate(Batch* batch, Collector& out) {
    Batch late;
    if (plan_.windows) {
      ARROW_ASSIGN_OR_RAISE(auto split, plan_.windows->TakeLate(batch, watermark_));
      closes_ = std::move(split.closes_us);
      late = std::move(split.late);
    } else if (plan_.leaving == Leaving::kWhenFirst) {
      ARROW_ASSIGN_OR_RAISE(late, TakeEarlier(batch));
    }
    if (late.rows == nullptr) return Status::OK();
    late_rows_->Add(late.num_rows());
    if (plan_.late_port >= 0) out.Emit(plan_.late_port, std::move(late));
    return Status::OK();
  }

  // Takes out what is before the watermark, as Flink does: a row at it may still be the first.
  Result<Batch> TakeEarlier(Batch* batch) const {
    const std::vector<int64_t> times = TimesOf(*batch->rows->column(plan_.time_column));
    arrow::Int32Builder late, good;
    for (size_t i = 0; i < times.size(); ++i) {
      const bool earlier = times[i] < watermark_.us;
      ARROW_RETURN_NOT_OK((earlier ? late : good).Append(static_cast<int32_t>(i)));
    }
    if (late.length() == 0) return Batch{};
    std::shared_ptr<arrow::Int32Array> late_rows, good_rows;
    ARROW_RETURN_NOT_OK(late.Finish(&late_rows));
    ARROW_RETURN_NOT_OK(good.Finish(&good_rows));
    ARROW_ASSIGN_OR_RAISE(Batch result, batch->Take(*late_rows));
    ARROW_ASSIGN_OR_RAISE(*batch, batch->Take(*good_rows));
    return result;
  }

  static std::vector<int64_t> TimesOf(const arrow::Array& column) {
    const auto& values = static_cast<const arrow::TimestampArray&>(column);
    std::vector<int64_t> times;
    times.reserve(static_cast<size_t>(values.length()));
    for (int64_t i = 0; i < values.length(); ++i) {
      times.push_back(values.IsNull(i) ? EventTime::Min().us : values.Value(i));
    }
    return times;
  }

  // The rows that take the place of their key's row: `winners_`, their `slots_` and `existed_`;
  // `times_`: when they leave.
  Status FindWinners(const arrow::RecordBatch& rows) {
    const size_t keys = touched_.slots().size();
    best_.assign(keys, -1);
    best_times_.assign(keys, 0);
    std::vector<int64_t> row_times;
    if (plan_.time_column >= 0) row_times = TimesOf(*rows.column(plan_.time_column));
    const auto existed = [&](size_t key) {
      return inserted_[static_cast<size_t>(touched_.rows()[key])] == 0;
    };
    for (size_t key = 0; key < keys; ++key) {
      if (plan_.time_value < 0 || !existed(key)) continue;
      const FixedColumn& stored = table_->Fixed(plan_.time_value);
      const Slot slot = touched_.slots()[key];
      best_times_[key] = stored.IsNull(slot) ? EventTime::Min().us : stored.Get<int64_t>(slot);
    }
    for (size_t i = 0; i < slots_.size(); ++i) {
      const size_t key = touched_.place(i);
      const bool has_row = best_[key] >= 0 || existed(key);
      const int64_t time = row_times.empty() ? 0 : row_times[i];
      if (has_row && !Replaces(time, best_times_[key])) continue;
      best_[key] = static_cast<int32_t>(i);
      best_times_[key] = time;
    }
    winners_.clear();
    existed_.clear();
    slots_.clear();
    times_.clear();
    for (size_t key = 0; key < keys; ++key) {
      if (best_[key] < 0) continue;
      winners_.push_back(best_[key]);
      existed_.push_back(existed(key));
      slots_.push_back(touched_.slots()[key]);
      times_.push_back(plan_.windows ? closes_[static_cast<size_t>(best_[key])] : best_times_[key]);
    }
    return Status::OK();
  }

  // Which of the winners delete their key's row: `exists_`, and the `deleted_` slots.
  void FindDeleted(const Batch& batch) {
    exists_.assign(winners_.size(), 1);
    deleted_.clear();
    if (!batch.kinds) return;
    for (size_t i = 0; i < winners_.size(); ++i) {
      if (static_cast<RowKind>(batch.kinds->Value(winners_[i])) != RowKind::kDelete) continue;
      exists_[i] = 0;
      deleted_.push_back(slots_[i]);
    }
  }

  // Of equal times the first row stays the first, and the last becomes the last.
  bool Replaces(int64_t time, int64_t best) const {
    return plan_.keep_last ? time >= best : time < best;
  }

  Result<arrow::ArrayVector> TakeRows(const arrow::RecordBatch& rows) const {
    arrow::Int32Builder builder;
    ARROW_RETURN_NOT_OK(builder.AppendValues(winners_));
    ARROW_ASSIGN_OR_RAISE(const auto index, builder.Finish());
    arrow::ArrayVector columns;
    for (const auto& column : rows.columns()) {
      ARROW_ASSIGN_OR_RAISE(columns.emplace_back(), arrow::compute::Take(*column, *index));
    }
    return columns;
  }

  Result<Batch> Changes(const arrow::ArrayVector& rows) const {
    const bool append = plan_.leaving == Leaving::kAtOnce;
    if (!append && !plan_.upsert) {
      KeyChanges changes;
      arrow::ArrayVector keys;
      for (const int key : plan_.keys) keys.push_back(rows[static_cast<size_t>(key)]);
      ARROW_ASSIGN_OR_RAISE(changes.before, RowsAt(keys, slots_));
      changes.after = rows;
      changes.existed = existed_;
      changes.exists = exists_;
      return ChangelogOf(changes, false, plan_.output);
    }
    Batch batch;
    batch.rows = arrow::RecordBatch::Make(plan_.output, static_cast<int64_t>(slots_.size()), rows);
    if (append) return batch;
    arrow::Int8Builder kinds;
    for (const uint8_t existed : existed_) {
      const RowKind kind = existed ? RowKind::kUpdateAfter : RowKind::kInsert;
      ARROW_RETURN_NOT_OK(kinds.Append(static_cast<int8_t>(kind)));
    }
    ARROW_RETURN_NOT_OK(kinds.Finish(&batch.kinds));
    return batch;
  }

  /// The rows of `slots`, in the input's columns.
  Result<arrow::ArrayVector> RowsAt(const arrow::ArrayVector& keys,
                                    std::span<const Slot> slots) const {
    arrow::ArrayVector columns;
    for (const int place : plan_.places) {
      if (place >= 0) {
        columns.push_back(keys[static_cast<size_t>(place)]);
      } else {
        ARROW_ASSIGN_OR_RAISE(columns.emplace_back(), table_->Get(~place, slots));
      }
    }
    return columns;
  }

  Status Store(const arrow::ArrayVector& rows) {
    if (plan_.upsert) {
      if (plan_.time_value < 0) return Status::OK();
      return table_->Set(plan_.time_value, slots_, *rows[static_cast<size_t>(plan_.time_column)]);
    }
    if (plan_.leaving == Leaving::kAtOnce) return Status::OK();
    for (size_t c = 0; c < plan_.places.size(); ++c) {
      if (plan_.places[c] >= 0) continue;
      ARROW_RETURN_NOT_OK(table_->Set(~plan_.places[c], slots_, *rows[c]));
    }
    return Status::OK();
  }

  Status StoreAndErase(const arrow::ArrayVector& rows) {
    arrow::Int32Builder builder;
    std::vector<Slot> living;
    for (size_t i = 0; i < slots_.size(); ++i) {
      if (!exists_[i]) continue;
      living.push_back(slots_[i]);
      ARROW_RETURN_NOT_OK(builder.Append(static_cast<int32_t>(i)));
    }
    ARROW_ASSIGN_OR_RAISE(const auto index, builder.Finish());
    arrow::ArrayVector stored;
    for (const auto& column : rows) {
      ARROW_ASSIGN_OR_RAISE(stored.emplace_back(), arrow::compute::Take(*column, *index));
    }
    slots_ = std::move(living);
    ARROW_RETURN_NOT_OK(Store(stored));
    return table_->Erase(deleted_);
  }

  /// Of a row that has left its key is kept, and the time NULL, before which no other row is.
  Status Forget(std::span<const Slot> slots) {
    for (const int place : plan_.places) {
      if (place >= 0) continue;
      const auto& type = plan_.state.value.column(~place).type;
      ARROW_ASSIGN_OR_RAISE(
          const auto nulls,
          arrow::MakeArrayOfNull(type.ToArrow(), static_cast<int64_t>(slots.size())));
      ARROW_RETURN_NOT_OK(table_->Set(~place, slots, *nulls));
    }
    return Status::OK();
  }

  DeduplicatePlan plan_;
  OperatorContext* context_ = nullptr;
  KeyedTable* table_ = nullptr;
  EventTime watermark_;
  std::optional<InputTime> passing_;  ///< leaves behind the rows that it lets go
  std::shared_ptr<Counter> late_rows_;
  RowKeys keys_;
  std::vector<Slot> slots_;
  std::vector<uint8_t> inserted_;
  TouchedSlots touched_;
  std::vector<int64_t> closes_;
  std::vector<int32_t> best_;  ///< row of the batch per key; -1: the one before stays
  std::vector<int64_t> best_times_;
  std::vector<int32_t> winners_;
  std::vector<uint8_t> existed_, exists_;
  std::vector<Slot> deleted_;
  std::vector<int64_t> times_;
};

/// Which columns the state holds.
void AddValues(const Schema& input, DeduplicatePlan* plan) {
  Schema& values = plan->state.value;
  const bool whole = plan->leaving != Leaving::kAtOnce && !plan->upsert;
  for (int c = 0; c < input.size(); ++c) {
    const auto key = std::find(plan->keys.begin(), plan->keys.end(), c);
    if (key != plan->keys.end()) {
      plan->places.push_back(static_cast<int>(key - plan->keys.begin()));
      continue;
    }
    plan->places.push_back(~values.size());
    if (c == plan->time_column) plan->time_value = values.size();
    if (whole || c == plan->time_column) values.Add(input.column(c).name, input.column(c).type);
  }
}

}  // namespace

Result<std::unique_ptr<Operator>> MakeDeduplicate(const OperatorRequest& request) {
  const auto& config = ConfigOf<DeduplicateConfig>(request.node);
  const PortPlan& input = request.inputs[0];
  const PortPlan& port = request.node.ports[0];
  const bool newest = config.keep_last && config.time_column < 0 && config.window_end < 0 &&
                      port.changelog == ChangelogMode::kRetract;
  if (input.changelog != ChangelogMode::kAppend &&
      !(newest && input.changelog == ChangelogMode::kUpsert)) {
    return Error::Internal(
               "a deduplication was planned over a changelog; a Top-N of one row is not")
        .In(request.node.id);
  }
  ARROW_ASSIGN_OR_RAISE(auto encoder, KeyEncoder::Make(input.schema, config.keys));
  DeduplicatePlan plan{.keys = config.keys, .encoder = std::move(encoder)};
  plan.state.name = "rows";
  plan.state.key = plan.encoder.key_schema();
  plan.state.group_keys = plan.state.key.size();
  plan.keep_last = config.keep_last;
  plan.time_column = config.time_column;
  if (config.window_end >= 0) {
    plan.leaving = Leaving::kAtWindowEnd;
    ARROW_ASSIGN_OR_RAISE(plan.windows, ClosingWindows::Make(config.window_end, config.window_local,
                                                             request.time_zone));
  } else if (port.changelog != ChangelogMode::kAppend) {
    plan.leaving = Leaving::kChanges;
    plan.upsert = port.changelog == ChangelogMode::kUpsert;
  } else if (config.keep_last) {
    return Error::Internal("the last rows of keys were planned as append-only").In(request.node.id);
  } else if (config.time_column >= 0) {
    plan.leaving = Leaving::kWhenFirst;
  }
  if (plan.leaving != Leaving::kAtWindowEnd) plan.state.ttl_us = request.state_ttl_us;
  AddValues(input.schema, &plan);
  plan.late_port = PortNamed(request.node, "late");
  plan.output = port.schema.ToArrow();
  return std::make_unique<Deduplicate>(std::move(plan));
}

}  // namespace millrace

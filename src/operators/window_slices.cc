#include "operators/window_slices.h"

#include <limits>
#include <utility>

#include <arrow/array.h>
#include <arrow/record_batch.h>

#include "operators/row_index.h"

namespace millrace {
namespace {

constexpr int kRows = KeyedWindows::kRows;

std::vector<int64_t> ValuesOf(const arrow::Array& column) {
  const auto& times = static_cast<const arrow::TimestampArray&>(column);
  return {times.raw_values(), times.raw_values() + times.length()};
}

}  // namespace

WindowSlices::WindowSlices(const WindowSpec& window, StateSpec slices, KeyedWindows by_end,
                           KeyedWindows by_start, WindowClock clock)
    : window_(window),
      times_(window),
      spec_(std::move(slices)),
      slices_(std::move(by_end)),
      merged_(std::move(by_start)),
      clock_(std::move(clock)) {}

Result<WindowSlices> WindowSlices::Make(const WindowSpec& window, const StateSpec& slices,
                                        WindowClock clock) {
  ARROW_ASSIGN_OR_RAISE(auto by_end, KeyedWindows::Make(slices));
  ARROW_ASSIGN_OR_RAISE(auto by_start, KeyedWindows::Make(slices));
  return WindowSlices(window, slices, std::move(by_end), std::move(by_start), std::move(clock));
}

StateSpec WindowSlices::merged() const {
  StateSpec spec = spec_;
  spec.name = "merged";
  return spec;
}

void WindowSlices::Open(OperatorContext& context, int merged_state) {
  context_ = &context;
  slices_.Open(context.table(0));
  merged_.Open(context.table(merged_state));
}

Status WindowSlices::Fire(std::span<const Slot> due, AggregateCalls& calls, const Send& send) {
  ARROW_ASSIGN_OR_RAISE(const auto due_keys, slices_.table().Keys(due));
  const std::vector<int64_t> ends = ValuesOf(*due_keys->columns().back());
  pending_.clear();
  for (size_t i = 0; i < due.size(); ++i) pending_[ends[i]].push_back(due[i]);
  while (!pending_.empty()) {
    const auto earliest = pending_.extract(pending_.begin());
    const int64_t end = earliest.key();
    const std::vector<Slot>& slices = earliest.mapped();
    ARROW_ASSIGN_OR_RAISE(const auto keys, slices_.table().Keys(slices));
    arrow::ArrayVector columns = keys->columns();
    columns.pop_back();
    ARROW_RETURN_NOT_OK(window_.kind == WindowSpec::Kind::kHop
                            ? FireHop(std::move(columns), slices.size(), end, calls, send)
                            : FireCumulate(std::move(columns), slices, end, calls, send));
  }
  return Status::OK();
}

Status WindowSlices::Await(const arrow::ArrayVector& keys, std::span<const int64_t> ends) {
  if (ends.empty()) return Status::OK();
  const int64_t last_pending =
      pending_.empty() ? std::numeric_limits<int64_t>::min() : pending_.rbegin()->first;
  arrow::ArrayVector columns = keys;
  ARROW_ASSIGN_OR_RAISE(columns.emplace_back(), TimestampsOf(ends));
  ARROW_RETURN_NOT_OK(slices_.FindOrInsert(columns, ends.size()));
  std::vector<Slot> slots;
  std::vector<int64_t> awaited;
  for (size_t i = 0; i < ends.size(); ++i) {
    if (!slices_.inserted()[i]) continue;
    const Slot slot = slices_.slots()[i];
    if (ends[i] <= last_pending) {
      pending_[ends[i]].push_back(slot);
      continue;
    }
    slots.push_back(slot);
    awaited.push_back(ends[i]);
  }
  return clock_.Set(context_->timers(), 0, slots, awaited);
}

Status WindowSlices::Merge(std::span<const Slot> from, std::span<const Slot> to,
                           AggregateCalls& calls) {
  for (size_t i = 0; i < from.size(); ++i) {
    merged_.RowsAt(to[i]) += slices_.table().Fixed(kRows).Get<int64_t>(from[i]);
  }
  ARROW_ASSIGN_OR_RAISE(const auto accumulators, calls.Accumulators(slices_.table(), from));
  return calls.Merge(merged_.table(), to, accumulators);
}

Status WindowSlices::FireHop(arrow::ArrayVector columns, size_t n, int64_t end,
                             AggregateCalls& calls, const Send& send) {
  const std::vector<int64_t> ends(n, end);
  ARROW_ASSIGN_OR_RAISE(columns.emplace_back(), TimestampsOf(ends));
  ARROW_RETURN_NOT_OK(merged_.FindOrInsert(columns, n));
  const std::vector<Slot> windows(merged_.slots().begin(), merged_.slots().end());
  std::vector<uint8_t> goes_on(n);
  std::vector<std::pair<size_t, Slot>> kept;  // slices of the next window, too
  std::vector<Slot> gone, from, to;
  const int64_t oldest = window_.size_us - window_.step_us;
  for (int64_t back = oldest; back >= 0; back -= window_.step_us) {
    ARROW_ASSIGN_OR_RAISE(columns.back(), TimestampsOf(std::vector<int64_t>(n, end - back)));
    ARROW_RETURN_NOT_OK(slices_.Find(columns, n));
    from.clear();
    to.clear();
    for (size_t i = 0; i < n; ++i) {
      const Slot slice = slices_.slots()[i];
      if (slice == kNoSlot) continue;
      const bool has_rows = slices_.table().Fixed(kRows).Get<int64_t>(slice) != 0;
      if (back == oldest) {
        gone.push_back(slice);
      } else {
        kept.emplace_back(i, slice);
        goes_on[i] |= has_rows;
      }
      if (!has_rows) continue;
      from.push_back(slice);
      to.push_back(windows[i]);
    }
    ARROW_RETURN_NOT_OK(Merge(from, to, calls));
  }
  ARROW_RETURN_NOT_OK(send(merged_.table(), windows, ends));
  ARROW_RETURN_NOT_OK(merged_.table().Erase(windows));

  std::vector<int32_t> rows;
  for (size_t i = 0; i < n; ++i) {
    if (goes_on[i]) rows.push_back(static_cast<int32_t>(i));
  }
  columns.pop_back();
  ARROW_ASSIGN_OR_RAISE(const auto keys, TakeRows(columns, rows));
  ARROW_RETURN_NOT_OK(Await(keys, std::vector<int64_t>(rows.size(), end + window_.step_us)));
  for (const auto& [i, slice] : kept) {
    if (!goes_on[i]) gone.push_back(slice);
  }
  return slices_.table().Erase(gone);
}

Status WindowSlices::FireCumulate(arrow::ArrayVector keys, std::span<const Slot> due, int64_t end,
                                  AggregateCalls& calls, const Send& send) {
  const std::vector<int64_t> starts(due.size(), times_.Start(end));
  arrow::ArrayVector columns = keys;
  ARROW_ASSIGN_OR_RAISE(columns.emplace_back(), TimestampsOf(starts));
  ARROW_RETURN_NOT_OK(merged_.FindOrInsert(columns, due.size()));
  const std::vector<Slot> windows(merged_.slots().begin(), merged_.slots().end());
  ARROW_RETURN_NOT_OK(Merge(due, windows, calls));
  ARROW_RETURN_NOT_OK(send(merged_.table(), windows, std::vector<int64_t>(due.size(), end)));
  std::vector<int32_t> rows;
  std::vector<Slot> gone;
  const bool last = times_.LastEnd(end) == end;
  for (size_t i = 0; i < windows.size(); ++i) {
    if (last || merged_.RowsAt(windows[i]) == 0) {
      gone.push_back(windows[i]);
    } else {
      rows.push_back(static_cast<int32_t>(i));
    }
  }
  ARROW_ASSIGN_OR_RAISE(keys, TakeRows(keys, rows));
  ARROW_RETURN_NOT_OK(Await(keys, std::vector<int64_t>(rows.size(), end + window_.step_us)));
  ARROW_RETURN_NOT_OK(merged_.table().Erase(gone));
  return slices_.table().Erase(due);
}

}  // namespace millrace

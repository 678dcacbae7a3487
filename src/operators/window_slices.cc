#include "operators/window_slices.h"

#include <algorithm>
#include <numeric>
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
  return window_.kind == WindowSpec::Kind::kHop ? FireHop(due, calls, send)
                                                : FireCumulate(due, calls, send);
}

Status WindowSlices::Await(const arrow::ArrayVector& keys, std::span<const int64_t> ends) {
  if (ends.empty()) return Status::OK();
  arrow::ArrayVector columns = keys;
  ARROW_ASSIGN_OR_RAISE(columns.emplace_back(), TimestampsOf(ends));
  ARROW_RETURN_NOT_OK(slices_.FindOrInsert(columns, ends.size()));
  std::vector<Slot> slots;
  std::vector<int64_t> awaited;
  for (size_t i = 0; i < ends.size(); ++i) {
    if (!slices_.inserted()[i]) continue;
    slots.push_back(slices_.slots()[i]);
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

Status WindowSlices::FireHop(std::span<const Slot> due, AggregateCalls& calls, const Send& send) {
  const size_t n = due.size();
  ARROW_ASSIGN_OR_RAISE(const auto due_keys, slices_.table().Keys(due));
  arrow::ArrayVector columns = due_keys->columns();
  const std::vector<int64_t> ends = ValuesOf(*columns.back());
  ARROW_RETURN_NOT_OK(merged_.FindOrInsert(columns, n));
  const std::vector<Slot> windows(merged_.slots().begin(), merged_.slots().end());
  std::vector<uint8_t> goes_on(n);
  std::vector<std::pair<size_t, Slot>> kept;  // slices of the next window, too
  std::vector<Slot> gone, from, to;
  std::vector<int64_t> slice_ends(n);
  const int64_t oldest = window_.size_us - window_.step_us;
  for (int64_t back = oldest; back >= 0; back -= window_.step_us) {
    for (size_t i = 0; i < n; ++i) slice_ends[i] = ends[i] - back;
    ARROW_ASSIGN_OR_RAISE(columns.back(), TimestampsOf(slice_ends));
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
  std::vector<int64_t> next;
  for (size_t i = 0; i < n; ++i) {
    if (!goes_on[i]) continue;
    rows.push_back(static_cast<int32_t>(i));
    next.push_back(ends[i] + window_.step_us);
  }
  columns.pop_back();
  ARROW_ASSIGN_OR_RAISE(const auto keys, TakeRows(columns, rows));
  ARROW_RETURN_NOT_OK(Await(keys, next));
  for (const auto& [i, slice] : kept) {
    if (!goes_on[i]) gone.push_back(slice);
  }
  std::sort(gone.begin(), gone.end());
  gone.erase(std::unique(gone.begin(), gone.end()), gone.end());
  return slices_.table().Erase(gone);
}

Status WindowSlices::FireCumulate(std::span<const Slot> due, AggregateCalls& calls,
                                  const Send& send) {
  ARROW_ASSIGN_OR_RAISE(const auto due_keys, slices_.table().Keys(due));
  arrow::ArrayVector columns = due_keys->columns();
  const std::vector<int64_t> ends = ValuesOf(*columns.back());
  columns.pop_back();
  std::vector<int32_t> order(due.size());
  std::iota(order.begin(), order.end(), 0);
  const auto end_of = [&](int32_t i) { return ends[static_cast<size_t>(i)]; };
  std::stable_sort(order.begin(), order.end(),
                   [&](int32_t a, int32_t b) { return end_of(a) < end_of(b); });
  for (auto from = order.begin(); from != order.end();) {
    const int64_t end = end_of(*from);
    const auto to = std::find_if(from, order.end(), [&](int32_t i) { return end_of(i) != end; });
    const std::vector<int32_t> rows(from, to);
    std::vector<Slot> slots;
    for (const int32_t row : rows) slots.push_back(due[static_cast<size_t>(row)]);
    ARROW_ASSIGN_OR_RAISE(auto keys, TakeRows(columns, rows));
    ARROW_RETURN_NOT_OK(FireEnd(std::move(keys), slots, end, calls, send));
    from = to;
  }
  return Status::OK();
}

Status WindowSlices::FireEnd(arrow::ArrayVector keys, std::span<const Slot> due, int64_t end,
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

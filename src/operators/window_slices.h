#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <vector>

#include <arrow/type_fwd.h>

#include "operators/aggregate_calls.h"
#include "operators/keyed_windows.h"
#include "operators/window_clock.h"
#include "operators/window_time.h"
#include "plan/nodes.h"

namespace millrace {

/// HOP and CUMULATE over slices that their windows share, as Flink's slice-shared aggregation: a
/// row is added to one slice, and a window merges its slices when its time comes. A slice has the
/// timer of the window that ends with it. After a window the next one of its key gets a timer, on
/// a slice without rows where there is none, until no rows are left.
class WindowSlices {
 public:
  /// Windows that are over: `slots` of `table`, which has their accumulators, and their ends.
  using Send = std::function<Status(KeyedTable& table, std::span<const Slot> slots,
                                    std::span<const int64_t> ends)>;

  /// `slices`: their state, by key and end.
  static Result<WindowSlices> Make(const WindowSpec& window, const StateSpec& slices,
                                   WindowClock clock);

  /// The state of merged slices. HOP: empty between calls; CUMULATE: by key and start, what the
  /// windows have in common.
  StateSpec merged() const;
  void Open(OperatorContext& context, int merged_state);

  /// The windows that end with the slices `due`, and those of the same keys between them, in order
  /// of their ends.
  Status Fire(std::span<const Slot> due, AggregateCalls& calls, const Send& send);
  /// Sees that windows `ends[i]` of the keys fire.
  Status Await(const arrow::ArrayVector& keys, std::span<const int64_t> ends);

 private:
  WindowSlices(const WindowSpec& window, StateSpec slices, KeyedWindows by_end,
               KeyedWindows by_start, WindowClock clock);

  // The windows of `n` keys that have the same end.
  Status FireHop(arrow::ArrayVector keys, size_t n, int64_t end, AggregateCalls& calls,
                 const Send& send);
  Status FireCumulate(arrow::ArrayVector keys, std::span<const Slot> due, int64_t end,
                      AggregateCalls& calls, const Send& send);
  /// Adds slice `from[i]` to merged row `to[i]`.
  Status Merge(std::span<const Slot> from, std::span<const Slot> to, AggregateCalls& calls);

  WindowSpec window_;
  WindowTimes times_;
  StateSpec spec_;
  KeyedWindows slices_;
  KeyedWindows merged_;
  WindowClock clock_;
  std::map<int64_t, std::vector<Slot>> pending_;  ///< slices whose windows this call has to fire
  OperatorContext* context_ = nullptr;
};

}  // namespace millrace

#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <arrow/type_fwd.h>

#include "operators/keyed_windows.h"
#include "operators/row_groups.h"
#include "operators/window_clock.h"
#include "plan/nodes.h"
#include "spi/operator.h"

namespace millrace {

/// The rows of a batch by session.
struct SessionRows {
  struct Merge {
    int32_t row = 0;  ///< of the key, in the batch
    size_t key = 0;
    int64_t from = 0, into = 0;
  };

  std::vector<int32_t> rows;      ///< of the batch, those that are in a session
  std::vector<int64_t> sessions;  ///< of `rows`
  /// Of `rows` by key and session, numbered in the order in which they come first; only where there
  /// are no merges.
  std::vector<uint32_t> groups;
  std::vector<Merge> merges;  ///< sessions that the rows have joined; `into` is not joined again
  std::vector<int32_t> late;  ///< their sessions would have closed already
  std::vector<RowError> errors;
  bool each_once = false;  ///< `rows` is 0, 1, 2 …: the whole batch
};

/// Sessions that have ended: a row of `keys` and an element of the others each.
struct EndedSessions {
  arrow::ArrayVector keys;
  std::vector<int64_t> sessions;
  std::vector<int64_t> starts, ends;
};

/// The open sessions of each key, as Flink merges them: a row is a session from its time to a gap
/// behind it, and sessions that meet are one. A session is named by the time of the row that began
/// it; within a key no two have one name. A key's timer is that of its first session to end.
class Sessions {
 public:
  /// `keys`: of `input`.
  static Result<Sessions> Make(const Schema& input, const WindowSpec& window,
                               const std::vector<int>& keys, WindowClock clock);

  const StateSpec& spec() const { return spec_; }
  void Open(OperatorContext& context, int state);
  WindowClock& clock() { return clock_; }
  /// The rows of the last `Assign` by key.
  RowGroups& groups() { return groups_; }

  /// Adds the rows to their sessions.
  Status Assign(const arrow::RecordBatch& rows, EventTime watermark, SessionRows* out);
  /// Takes the sessions out that have ended at a timer: that of slot i of the state at
  /// `times_us[i]`.
  Result<EndedSessions> TakeEnded(const TimerBatch& timers);

 private:
  static constexpr uint32_t kNoGroup = 0xffffffff;

  struct Span {
    int64_t start, end, name;
  };
  static constexpr Span kEmpty{0, -1, 0};
  struct Session : Span {
    uint32_t group = kNoGroup;  ///< in the batch
  };
  using OpenSessions = std::vector<Session>;  ///< at least one between calls

  Sessions(StateSpec spec, RowGroups groups, KeyedWindows slots, const WindowSpec& window,
           WindowClock clock);

  Status Load(std::span<const Slot> slots);
  /// Of the keys whose `changed_` is set; those without sessions are forgotten.
  Status Store(std::span<const Slot> slots);
  static int64_t FirstEnd(const OpenSessions& open);
  void Put(Session& session, int32_t row, SessionRows* out);
  /// Adds a row within the only session of its key: most rows are.
  bool Extend(size_t key, int64_t time, int32_t row, SessionRows* out);
  /// False where the row is late.
  bool Add(size_t key, int64_t time, int32_t row, EventTime watermark, SessionRows* out);
  static void FollowMerges(std::span<const uint32_t> keys, SessionRows* out);

  StateSpec spec_;
  RowGroups groups_;    ///< the rows by key
  KeyedWindows slots_;  ///< of the groups
  int time_column_;
  int64_t gap_us_;
  WindowClock clock_;
  OperatorContext* context_ = nullptr;
  int state_ = 0;
  KeyedTable* table_ = nullptr;
  std::vector<OpenSessions> open_;  ///< per key of the batch
  std::vector<uint8_t> changed_;    ///< per key of the batch
  uint32_t next_group_ = 0;
};

}  // namespace millrace

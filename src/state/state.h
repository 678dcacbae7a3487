#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/ids.h"
#include "types/batch.h"
#include "types/row_keys.h"
#include "types/schema.h"
#include "types/time.h"

namespace millrace {

/// A row of a keyed table. Valid until the next call into the operator (see
/// `KeyedTable::generations`); never stored.
enum class Slot : uint32_t {};
constexpr Slot kNoSlot{std::numeric_limits<uint32_t>::max()};

enum class StateKind : uint8_t { kTable, kLog, kItems, kBroadcast };

/// What an operator remembers, declared. A snapshot part is {node, state name, key group} of this
/// version.
struct StateSpec {
  std::string name;
  int version = 1;
  StateKind kind = StateKind::kTable;
  Schema key;          ///< kTable, kLog
  int group_keys = 1;  ///< leading key columns that choose the key group
  Schema value;
  /// Of tables and logs, as Flink's `table.exec.state.ttl`: so long after its last write, in
  /// processing time, a row is as if it were not there; it is removed bit by bit. `size` may still
  /// count it.
  std::optional<int64_t> ttl_us;
  /// Of items: on a rescale they are dealt out one by one. Else a list stays together, in its
  /// order, for what comes later in it may rest on what comes before.
  bool one_by_one = false;
};

/// A fixed-width value column of a table: pages of raw values, copied when written while a snapshot
/// holds them. Resolves a slot to its address without virtual calls; `T` is the column's Arrow C
/// type (BOOLEAN: bool). `Mut` leaves the null bit alone.
class FixedColumn {
 public:
  virtual ~FixedColumn() = default;

  static constexpr int kPageShift = 10;  ///< slots per page: 1024 values, 8 KB of int64
  static constexpr uint32_t kPageMask = (1u << kPageShift) - 1;

  template <class T>
  const T& Get(Slot slot) const {
    const uint32_t s = Raw(slot);
    return reinterpret_cast<const T*>(pages_[s >> kPageShift])[s & kPageMask];
  }
  /// For writing: makes the page private to the table first.
  template <class T>
  T& Mut(Slot slot) {
    const uint32_t s = Raw(slot);
    if (!IsWritten(s)) OnFirstWrite(s);
    return reinterpret_cast<T*>(pages_[s >> kPageShift])[s & kPageMask];
  }

  bool IsNull(Slot slot) const {
    const uint32_t s = Raw(slot);
    return (NullByte(s) >> (s & 7)) & 1;
  }
  void SetNull(Slot slot, bool null) {
    const uint32_t s = Raw(slot);
    if (IsNull(slot) == null) return;
    if (!IsWritten(s)) OnFirstWrite(s);
    NullByte(s) ^= static_cast<uint8_t>(1u << (s & 7));
  }

 protected:
  explicit FixedColumn(int width) : null_bits_(static_cast<uint32_t>(width) << kPageShift) {}
  bool IsWritten(uint32_t s) const { return (written_[s >> 6] >> (s & 63)) & 1; }
  /// Makes the page private, marks the slot as written and tells the table.
  virtual void OnFirstWrite(uint32_t s) = 0;

  uint8_t& NullByte(uint32_t s) const {
    return reinterpret_cast<uint8_t*>(pages_[s >> kPageShift])[null_bits_ + ((s & kPageMask) >> 3)];
  }

  const uint32_t null_bits_;  ///< bytes of values in a page; a bit per slot follows, 1: null
  std::vector<char*> pages_;
  std::vector<uint64_t> written_;  ///< a bit per slot: written since the last snapshot
};

/// Values by key. New rows start as zero (fixed columns, not null) and NULL (others).
class KeyedTable {
 public:
  virtual ~KeyedTable() = default;
  virtual const KeyEncoder& encoder() const = 0;
  /// `inserted[i]`: the key was new. Slots of one call are valid together.
  virtual Status FindOrInsert(const RowKeys& keys, std::span<Slot> slots,
                              std::span<uint8_t> inserted) = 0;
  virtual Status Find(const RowKeys& keys,
                      std::span<Slot> slots) const = 0;  ///< kNoSlot where absent
  virtual FixedColumn& Fixed(int column) = 0;
  virtual const FixedColumn& Fixed(int column) const = 0;
  /// Values of any type, gathered and scattered by slot.
  virtual Result<std::shared_ptr<arrow::Array>> Get(int column,
                                                    std::span<const Slot> slots) const = 0;
  virtual Status Set(int column, std::span<const Slot> slots, const arrow::Array& values) = 0;
  virtual Status Erase(std::span<const Slot> slots) = 0;
  /// The key columns of slots.
  virtual Result<std::shared_ptr<arrow::RecordBatch>> Keys(std::span<const Slot> slots) const = 0;
  virtual int64_t size() const = 0;
  /// By slot: how many rows have left it. While that stays, so does the row: such a slot is valid
  /// in later calls, too. Empty where slots end with the call. Valid until a row is inserted.
  virtual std::span<const uint32_t> generations() const = 0;
  /// Live slots from `from` on, at most `out.size()`; returns how many, and sets `next` (0: no
  /// more).
  virtual size_t Scan(uint32_t from, std::span<Slot> out, uint32_t* next) const = 0;
  virtual int64_t memory_bytes() const = 0;
};

struct TimeRange {
  EventTime from, to;  ///< inclusive
};

/// Many rows per key, ordered by time.
class KeyedLog {
 public:
  virtual ~KeyedLog() = default;
  virtual Status Append(const RowKeys& keys, std::span<const EventTime> times,
                        const arrow::RecordBatch& rows) = 0;
  /// Rows of each key within its range, at most `max_rows`; `probe[i]`: which key row i answers.
  /// `resume` is 0 at first and after the last row; the log must not change between the calls.
  virtual Status Range(const RowKeys& keys, std::span<const TimeRange> ranges, size_t max_rows,
                       std::vector<int32_t>* probe, std::shared_ptr<arrow::RecordBatch>* rows,
                       uint64_t* resume) = 0;
  /// Forgets the rows before `time`, and keys without rows. Rows before it that come later may be
  /// forgotten at once.
  virtual Status TrimBefore(EventTime time) = 0;
};

/// Not keyed: requests in flight, splits, committables. Dealt out on a rescale (`ItemShare`). A
/// restore keeps the order of the items and numbers them anew, from 1: an id does not outlive the
/// task.
class ItemList {
 public:
  virtual ~ItemList() = default;
  virtual Status Put(uint64_t id, Batch rows, std::string header) = 0;
  virtual Status Remove(uint64_t id) = 0;
  virtual Status ForEach(const std::function<Status(uint64_t id, const Batch& rows,
                                                    const std::string& header)>& visit) = 0;
};

/// Timers of the rows of a table: one per slot and domain; setting again moves it, erasing the row
/// removes it.
class TimerSet {
 public:
  virtual ~TimerSet() = default;
  static constexpr int64_t kNone = std::numeric_limits<int64_t>::max();  ///< removes the timer
  virtual Status Set(TimeDomain domain, int state, std::span<const Slot> slots,
                     std::span<const int64_t> times_us) = 0;
};

struct TimerBatch {
  TimeDomain domain = TimeDomain::kEvent;
  int state = 0;  ///< index of the table in `Operator::States()`
  std::span<const Slot> slots;
  std::span<const int64_t> times_us;
};

/// Names a piece of a snapshot. No group: items, of which every instance writes a part of the same
/// name. Broadcast tables have groups of their own, which instance 0 writes.
struct PartId {
  NodeId node;
  std::string state;
  std::optional<KeyGroup> group;
  bool everywhere = false;  ///< of a broadcast table: every instance has it

  auto operator<=>(const PartId&) const = default;
};

/// The state of one operator instance at one moment. Outlives its store.
class StateSnapshot {
 public:
  virtual ~StateSnapshot() = default;
  virtual std::vector<PartId> parts() const = 0;
  /// When the part last changed. Where it is the same in two snapshots of one store, `Write` gives
  /// the same rows for both; it only grows. It means nothing in another store: a restore counts
  /// anew. 0: unknown.
  virtual uint64_t PartVersion(const PartId& part) const = 0;
  /// The part as an Arrow IPC stream. Any thread, any number of times.
  virtual Status Write(const PartId& part, std::string* out) const = 0;
};

/// The items of a restored part that this subtask keeps: all of them where the subtask that wrote
/// it is `index` modulo `of`; after a rescale, where the state is dealt out one by one, those whose
/// number, counted from 0 over all parts given for it, is. All by default.
struct ItemShare {
  int index = 0;
  int of = 1;
  int written_by = 0;
  bool rescaled = false;
};

/// All declared state of one operator instance. One thread at a time.
class StateStore {
 public:
  virtual ~StateStore() = default;
  /// Merges a part of a key group that this instance owns, of a list (one part or several, of which
  /// `share` is kept), or of a broadcast table, whichever subtask wrote it. Refuses an unknown
  /// state, another version, a foreign key group and damaged bytes, and says which.
  virtual Status RestorePart(const PartId& part, int version, std::string_view bytes,
                             ItemShare share = {}) = 0;
  /// A call into the operator begins, at processing time `now_us`, which never goes back: slots of
  /// earlier calls end, rows whose TTL is over are gone, and a backend on disk keeps its memory
  /// bound.
  virtual Status BeginCall(int64_t now_us) = 0;
  virtual KeyedTable& table(int state) = 0;
  virtual KeyedLog& log(int state) = 0;
  virtual ItemList& items(int state) = 0;
  virtual TimerSet& timers() = 0;
  /// Timers due at or before `time`, at most `max`, removed as they are handed out. Empty: none is
  /// due.
  virtual Result<size_t> PopDue(TimeDomain domain, int64_t time_us, size_t max, int* state,
                                std::vector<Slot>* slots, std::vector<int64_t>* times_us) = 0;
  /// Time of the earliest processing-time timer; `TimerSet::kNone` where there is none.
  virtual int64_t NextProcessingTimer() const = 0;
  /// Copies references only; pages written later are copied first. Takes milliseconds for a
  /// gigabyte.
  virtual Result<std::unique_ptr<StateSnapshot>> Freeze() = 0;
  virtual int64_t memory_bytes() const = 0;
};

/// The default backend: pages in memory. Fails where a key has a type that cannot be one.
Result<std::unique_ptr<StateStore>> MakeMemoryStateStore(NodeId node, std::vector<StateSpec> specs,
                                                         int subtask, int parallelism,
                                                         int max_parallelism);

struct RocksOptions {
  std::string folder;  ///< local; a store has a folder of its own in it, removed with the store
  int64_t memory_bytes = int64_t{64} << 20;  ///< about: rows in use, and what RocksDB caches
};

/// The backend for state beyond memory: tables keep the rows in use in memory and the others in
/// RocksDB, logs are in RocksDB, lists and broadcast tables in memory. The same snapshots. Slots of
/// a table stay in memory until `BeginCall`.
Result<std::unique_ptr<StateStore>> MakeRocksStateStore(NodeId node, std::vector<StateSpec> specs,
                                                        int subtask, int parallelism,
                                                        int max_parallelism,
                                                        const RocksOptions& options);

}  // namespace millrace

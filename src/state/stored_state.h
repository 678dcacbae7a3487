#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "state/part.h"
#include "state/state.h"
#include "types/key_group.h"

namespace millrace {

/// A state at one moment. Immutable; thread-safe; outlives what it was frozen from.
class FrozenState {
 public:
  virtual ~FrozenState() = default;
  /// Those that may hold rows. Not asked of a state without groups, whose group is 0.
  virtual std::vector<KeyGroup> groups() const = 0;
  /// As `StateSnapshot::PartVersion`.
  virtual uint64_t version(KeyGroup group) const = 0;
  virtual Status Write(const PartHeader& header, KeyGroup group, std::string* out) const = 0;
};

/// What a store asks of each of its states, whatever keeps it.
class StoredState {
 public:
  virtual ~StoredState() = default;
  /// As `StateStore::BeginCall`.
  virtual Status BeginCall(int64_t now_us) = 0;
  virtual Result<std::shared_ptr<const FrozenState>> Freeze() = 0;
  /// Adds the rows of a part.
  virtual Status Restore(const PartHeader& expected, std::string_view bytes, ItemShare share) = 0;
  virtual int64_t memory_bytes() const = 0;
};

class StoredTable : public StoredState, public KeyedTable {
 public:
  virtual Status SetTimers(TimeDomain domain, std::span<const Slot> slots,
                           std::span<const int64_t> times_us) = 0;
  /// `TimerSet::kNone` where there is none.
  virtual int64_t NextTimer(TimeDomain domain) = 0;
  /// Takes out at most `max` timers at or before `time_us`, in time order; none only when none is
  /// due.
  virtual Status PopDue(TimeDomain domain, int64_t time_us, size_t max, std::vector<Slot>* slots,
                        std::vector<int64_t>* times_us) = 0;
  int64_t memory_bytes() const override = 0;
};

class StoredLog : public StoredState, public KeyedLog {};

/// What makes the keyed states of a backend.
struct Backend {
  std::function<Result<std::unique_ptr<StoredTable>>(const StateSpec&, KeyGroupRange,
                                                     int max_parallelism)>
      table;
  std::function<Result<std::unique_ptr<StoredLog>>(const StateSpec&, KeyGroupRange,
                                                   int max_parallelism)>
      log;
  std::function<int64_t()> shared_bytes = [] { return int64_t{0}; };  ///< memory beyond the states'
};

/// A store over a backend; lists and broadcast tables are in memory with any.
Result<std::unique_ptr<StateStore>> MakeStore(NodeId node, std::vector<StateSpec> specs,
                                              int subtask, int parallelism, int max_parallelism,
                                              const Backend& backend);

}  // namespace millrace

#include <algorithm>
#include <variant>

#include "base/suggest.h"
#include "state/memory_items.h"
#include "state/memory_log.h"
#include "state/memory_table.h"
#include "state/part.h"
#include "state/state.h"
#include "types/key_group.h"

namespace millrace {
namespace {

using FrozenState =
    std::variant<std::shared_ptr<const FrozenTable>, std::shared_ptr<const FrozenLog>, Items>;

class MemorySnapshot final : public StateSnapshot {
 public:
  void Add(PartHeader header, FrozenState state) {
    states_.push_back({std::move(header), std::move(state)});
  }

  std::vector<PartId> parts() const override {
    std::vector<PartId> ids;
    for (const auto& [header, state] : states_) {
      if (header.spec.kind == StateKind::kItems || header.spec.kind == StateKind::kBroadcast) {
        ids.push_back({header.node, header.spec.name, std::nullopt});
        continue;
      }
      const FrozenKeys& keys = KeysOf(state);
      for (KeyGroup g = keys.range().first; g <= keys.range().last; g = KeyGroup{Raw(g) + 1}) {
        if (keys.HasRows(g)) ids.push_back({header.node, header.spec.name, g});
      }
    }
    return ids;
  }

  Status Write(const PartId& part, std::string* out) const override {
    for (const auto& [found, state] : states_) {
      if (found.spec.name != part.state) continue;
      PartHeader header = found;
      header.group = part.group;
      const KeyGroup group = part.group.value_or(KeyGroup{0});
      if (const auto* table = std::get_if<std::shared_ptr<const FrozenTable>>(&state)) {
        return (*table)->Write(header, group, out);
      }
      if (const auto* log = std::get_if<std::shared_ptr<const FrozenLog>>(&state)) {
        return (*log)->Write(header, group, out);
      }
      return WriteItems(header, std::get<Items>(state), out);
    }
    return Error::Internal("no such part in the snapshot")
        .In(Describe(part.node, part.state, part.group));
  }

 private:
  static const FrozenKeys& KeysOf(const FrozenState& state) {
    if (const auto* log = std::get_if<std::shared_ptr<const FrozenLog>>(&state)) {
      return *(*log)->keys;
    }
    return *std::get<std::shared_ptr<const FrozenTable>>(state)->keys;
  }

  std::vector<std::pair<PartHeader, FrozenState>> states_;
};

class MemoryStore final : public StateStore, public TimerSet {
 public:
  MemoryStore(NodeId node, int subtask, int parallelism, int max_parallelism)
      : node_(std::move(node)),
        subtask_(subtask),
        max_parallelism_(max_parallelism),
        range_(KeyGroupRangeOf(subtask, parallelism, max_parallelism)) {}

  Status Add(StateSpec spec) {
    State& state = states_.emplace_back();
    state.spec = std::move(spec);
    switch (state.spec.kind) {
      case StateKind::kTable: {
        ARROW_ASSIGN_OR_RAISE(state.table, MemoryTable::Make(state.spec, range_, max_parallelism_));
        break;
      }
      case StateKind::kBroadcast: {
        // One group, so that every instance owns every key.
        const KeyGroupRange all{KeyGroup{0}, KeyGroup{0}};
        ARROW_ASSIGN_OR_RAISE(state.table, MemoryTable::Make(state.spec, all, 1));
        break;
      }
      case StateKind::kLog: {
        ARROW_ASSIGN_OR_RAISE(state.log, MemoryLog::Make(state.spec, range_, max_parallelism_));
        break;
      }
      case StateKind::kItems:
        state.items = std::make_unique<MemoryItems>();
        break;
    }
    return Status::OK();
  }

  Status RestorePart(const PartId& part, int version, std::string_view bytes,
                     ItemShare share) override {
    const std::string where = Describe(node_, part.state, part.group);
    const auto found = std::find_if(states_.begin(), states_.end(), [&](const State& state) {
      return state.spec.name == part.state;
    });
    if (found == states_.end()) {
      std::vector<std::string> names;
      for (const State& state : states_) names.push_back(state.spec.name);
      return Error::User("the operator has no state '" + part.state + "'")
          .In(where)
          .Hint(Suggest(part.state, names));
    }
    if (version != found->spec.version) {
      return Error::User("the state was written as version " + std::to_string(version) +
                         ", this Millrace reads version " + std::to_string(found->spec.version))
          .In(where)
          .Hint("restore with the Millrace that wrote it, or without this state");
    }
    const bool grouped =
        found->spec.kind == StateKind::kTable || found->spec.kind == StateKind::kLog;
    if (grouped != part.group.has_value()) {
      return Error::Internal(grouped ? "the part needs a key group" : "the part has no key group")
          .In(where);
    }
    if (grouped && !range_.Contains(*part.group)) {
      return Error::Internal("the key group belongs to another instance; this one owns " +
                             std::to_string(Raw(range_.first)) + " to " +
                             std::to_string(Raw(range_.last)))
          .In(where);
    }
    const PartHeader expected = HeaderOf(found->spec, part.group);
    if (found->table) return found->table->Restore(expected, bytes);
    if (found->log) return found->log->Restore(expected, bytes);
    return found->items->Restore(expected, bytes, share);
  }

  KeyedTable& table(int state) override { return *At(state).table; }
  KeyedLog& log(int state) override { return *At(state).log; }
  ItemList& items(int state) override { return *At(state).items; }
  TimerSet& timers() override { return *this; }

  Status Set(TimeDomain domain, int state, std::span<const Slot> slots,
             std::span<const int64_t> times_us) override {
    At(state).table->SetTimers(domain, slots, times_us);
    return Status::OK();
  }

  Result<size_t> PopDue(TimeDomain domain, int64_t time_us, size_t max, int* state,
                        std::vector<Slot>* slots, std::vector<int64_t>* times_us) override {
    slots->clear();
    times_us->clear();
    TimerQueue* earliest = nullptr;
    int64_t first = TimerSet::kNone;
    int64_t second = TimerSet::kNone;  // of the other tables: the slice ends there
    for (size_t i = 0; i < states_.size(); ++i) {
      if (!states_[i].table) continue;
      TimerQueue& queue = states_[i].table->timers(domain);
      const int64_t next = queue.Next();
      if (next < first) {
        second = first;
        first = next;
        earliest = &queue;
        *state = static_cast<int>(i);
      } else {
        second = std::min(second, next);
      }
    }
    if (earliest) earliest->PopDue(std::min(time_us, second), max, slots, times_us);
    return slots->size();
  }

  int64_t NextProcessingTimer() const override {
    int64_t next = TimerSet::kNone;
    for (const State& state : states_) {
      if (state.table) {
        next = std::min(next, state.table->timers(TimeDomain::kProcessing).Next());
      }
    }
    return next;
  }

  Result<std::unique_ptr<StateSnapshot>> Freeze() override {
    auto snapshot = std::make_unique<MemorySnapshot>();
    for (State& state : states_) {
      PartHeader header = HeaderOf(state.spec, std::nullopt);
      if (state.spec.kind == StateKind::kBroadcast && subtask_ > 0) continue;
      if (state.table) {
        snapshot->Add(std::move(header), state.table->Freeze());
      } else if (state.log) {
        snapshot->Add(std::move(header), state.log->Freeze());
      } else {
        snapshot->Add(std::move(header), state.items->items());
      }
    }
    return snapshot;
  }

  int64_t memory_bytes() const override {
    int64_t bytes = 0;
    for (const State& state : states_) {
      if (state.table) bytes += state.table->memory_bytes();
      if (state.log) bytes += state.log->memory_bytes();
      if (state.items) bytes += state.items->memory_bytes();
    }
    return bytes;
  }

 private:
  /// One of the three.
  struct State {
    StateSpec spec;
    std::unique_ptr<MemoryTable> table;
    std::unique_ptr<MemoryLog> log;
    std::unique_ptr<MemoryItems> items;
  };

  State& At(int state) { return states_[static_cast<size_t>(state)]; }
  PartHeader HeaderOf(const StateSpec& spec, std::optional<KeyGroup> group) const {
    return {node_, spec, group, max_parallelism_};
  }

  const NodeId node_;
  const int subtask_, max_parallelism_;
  const KeyGroupRange range_;
  std::vector<State> states_;
};

}  // namespace

Result<std::unique_ptr<StateStore>> MakeMemoryStateStore(NodeId node, std::vector<StateSpec> specs,
                                                         int subtask, int parallelism,
                                                         int max_parallelism) {
  auto store =
      std::make_unique<MemoryStore>(std::move(node), subtask, parallelism, max_parallelism);
  for (StateSpec& spec : specs) ARROW_RETURN_NOT_OK(store->Add(std::move(spec)));
  return store;
}

}  // namespace millrace

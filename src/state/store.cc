#include <algorithm>

#include "base/suggest.h"
#include "state/memory_items.h"
#include "state/memory_log.h"
#include "state/memory_table.h"
#include "state/stored_state.h"

namespace millrace {
namespace {

/// Into how many parts a broadcast table is cut, so that a small change leaves most of them as they
/// are in the checkpoint before.
constexpr int kBroadcastGroups = 64;

class Snapshot final : public StateSnapshot {
 public:
  void Add(PartHeader header, std::shared_ptr<const FrozenState> state) {
    states_.push_back({std::move(header), std::move(state)});
  }

  std::vector<PartId> parts() const override {
    std::vector<PartId> ids;
    for (const auto& [header, state] : states_) {
      if (header.spec.kind == StateKind::kItems) {
        ids.push_back({header.node, header.spec.name, std::nullopt});
        continue;
      }
      const bool everywhere = header.spec.kind == StateKind::kBroadcast;
      for (const KeyGroup group : state->groups()) {
        ids.push_back({header.node, header.spec.name, group, everywhere});
      }
    }
    return ids;
  }

  uint64_t PartVersion(const PartId& part) const override {
    const auto found = Find(part);
    return found == states_.end() ? 0 : found->second->version(GroupOf(part));
  }

  Status Write(const PartId& part, std::string* out) const override {
    const auto found = Find(part);
    if (found == states_.end()) {
      return Error::Internal("no such part in the snapshot")
          .In(Describe(part.node, part.state, part.group));
    }
    PartHeader header = found->first;
    header.group = part.group;
    return found->second->Write(header, GroupOf(part), out);
  }

 private:
  using States = std::vector<std::pair<PartHeader, std::shared_ptr<const FrozenState>>>;

  States::const_iterator Find(const PartId& part) const {
    return std::find_if(states_.begin(), states_.end(),
                        [&](const auto& state) { return state.first.spec.name == part.state; });
  }
  static KeyGroup GroupOf(const PartId& part) { return part.group.value_or(KeyGroup{0}); }

  States states_;
};

class Store final : public StateStore, public TimerSet {
 public:
  Store(NodeId node, int subtask, int parallelism, int max_parallelism,
        std::function<int64_t()> shared_bytes)
      : node_(std::move(node)),
        shared_bytes_(std::move(shared_bytes)),
        subtask_(subtask),
        max_parallelism_(max_parallelism),
        range_(KeyGroupRangeOf(subtask, parallelism, max_parallelism)) {}

  Status Add(StateSpec spec, const Backend& backend) {
    State state{std::move(spec), nullptr, nullptr, nullptr, nullptr};
    switch (state.spec.kind) {
      case StateKind::kTable: {
        ARROW_ASSIGN_OR_RAISE(auto table, backend.table(state.spec, range_, max_parallelism_));
        state.table = table.get();
        state.stored = std::move(table);
        break;
      }
      case StateKind::kBroadcast: {
        const KeyGroupRange all{KeyGroup{0}, KeyGroup{kBroadcastGroups - 1}};
        ARROW_ASSIGN_OR_RAISE(auto table, MemoryTable::Make(state.spec, all, kBroadcastGroups));
        state.table = table.get();
        state.stored = std::move(table);
        break;
      }
      case StateKind::kLog: {
        ARROW_ASSIGN_OR_RAISE(auto log, backend.log(state.spec, range_, max_parallelism_));
        state.log = log.get();
        state.stored = std::move(log);
        break;
      }
      case StateKind::kItems: {
        auto items = std::make_unique<MemoryItems>(state.spec.one_by_one);
        state.items = items.get();
        state.stored = std::move(items);
        break;
      }
    }
    states_.push_back(std::move(state));
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
    if (version > found->spec.version) {
      return Error::User("the state was written as version " + std::to_string(version) +
                         ", this Millrace reads version " + std::to_string(found->spec.version))
          .In(where)
          .Hint("restore with the Millrace that wrote it, or without this state");
    }
    const bool grouped = found->spec.kind != StateKind::kItems;
    const bool everywhere = found->spec.kind == StateKind::kBroadcast;
    if (grouped != part.group.has_value()) {
      return Error::Internal(grouped ? "the part needs a key group" : "the part has no key group")
          .In(where);
    }
    if (grouped && !everywhere && !range_.Contains(*part.group)) {
      return Error::Internal("the key group belongs to another instance; this one owns " +
                             std::to_string(Raw(range_.first)) + " to " +
                             std::to_string(Raw(range_.last)))
          .In(where);
    }
    return found->stored->Restore(HeaderOf(found->spec, part.group), bytes, share);
  }

  Status BeginCall(int64_t now_us) override {
    for (State& state : states_) ARROW_RETURN_NOT_OK(state.stored->BeginCall(now_us));
    return Status::OK();
  }

  KeyedTable& table(int state) override { return *At(state).table; }
  KeyedLog& log(int state) override { return *At(state).log; }
  ItemList& items(int state) override { return *At(state).items; }
  TimerSet& timers() override { return *this; }

  Status Set(TimeDomain domain, int state, std::span<const Slot> slots,
             std::span<const int64_t> times_us) override {
    return At(state).table->SetTimers(domain, slots, times_us);
  }

  Result<size_t> PopDue(TimeDomain domain, int64_t time_us, size_t max, int* state,
                        std::vector<Slot>* slots, std::vector<int64_t>* times_us) override {
    slots->clear();
    times_us->clear();
    StoredTable* earliest = nullptr;
    int64_t first = TimerSet::kNone;
    int64_t second = TimerSet::kNone;  // of the other tables: the slice ends there
    for (size_t i = 0; i < states_.size(); ++i) {
      if (states_[i].table == nullptr) continue;
      const int64_t next = states_[i].table->NextTimer(domain);
      if (next < first) {
        second = first;
        first = next;
        earliest = states_[i].table;
        *state = static_cast<int>(i);
      } else {
        second = std::min(second, next);
      }
    }
    if (earliest != nullptr && first <= time_us) {
      ARROW_RETURN_NOT_OK(
          earliest->PopDue(domain, std::min(time_us, second), max, slots, times_us));
    }
    return slots->size();
  }

  int64_t NextProcessingTimer() const override {
    int64_t next = TimerSet::kNone;
    for (const State& state : states_) {
      if (state.table != nullptr) {
        next = std::min(next, state.table->NextTimer(TimeDomain::kProcessing));
      }
    }
    return next;
  }

  Result<std::unique_ptr<StateSnapshot>> Freeze() override {
    auto snapshot = std::make_unique<Snapshot>();
    for (State& state : states_) {
      if (state.spec.kind == StateKind::kBroadcast && subtask_ > 0) continue;
      ARROW_ASSIGN_OR_RAISE(auto frozen, state.stored->Freeze());
      snapshot->Add(HeaderOf(state.spec, std::nullopt), std::move(frozen));
    }
    return snapshot;
  }

  int64_t memory_bytes() const override {
    int64_t bytes = shared_bytes_();
    for (const State& state : states_) bytes += state.stored->memory_bytes();
    return bytes;
  }

 private:
  struct State {
    StateSpec spec;
    std::unique_ptr<StoredState> stored;
    // What it is: one of these.
    StoredTable* table;
    StoredLog* log;
    MemoryItems* items;
  };

  State& At(int state) { return states_[static_cast<size_t>(state)]; }
  PartHeader HeaderOf(const StateSpec& spec, std::optional<KeyGroup> group) const {
    const bool everywhere = spec.kind == StateKind::kBroadcast;
    return {node_, spec, group, everywhere ? kBroadcastGroups : max_parallelism_};
  }

  const NodeId node_;
  const std::function<int64_t()> shared_bytes_;
  const int subtask_, max_parallelism_;
  const KeyGroupRange range_;
  std::vector<State> states_;
};

}  // namespace

Result<std::unique_ptr<StateStore>> MakeStore(NodeId node, std::vector<StateSpec> specs,
                                              int subtask, int parallelism, int max_parallelism,
                                              const Backend& backend) {
  auto store = std::make_unique<Store>(std::move(node), subtask, parallelism, max_parallelism,
                                       backend.shared_bytes);
  for (StateSpec& spec : specs) ARROW_RETURN_NOT_OK(store->Add(std::move(spec), backend));
  return store;
}

Result<std::unique_ptr<StateStore>> MakeMemoryStateStore(NodeId node, std::vector<StateSpec> specs,
                                                         int subtask, int parallelism,
                                                         int max_parallelism) {
  return MakeStore(std::move(node), std::move(specs), subtask, parallelism, max_parallelism,
                   {MemoryTable::Make, MemoryLog::Make});
}

}  // namespace millrace

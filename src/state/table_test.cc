#include <unistd.h>

#include <algorithm>
#include <map>
#include <optional>
#include <random>
#include <thread>

#include <arrow/array/util.h>
#include <arrow/buffer.h>
#include <arrow/builder.h>
#include <arrow/io/memory.h>
#include <arrow/ipc/reader.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <gmock/gmock.h>

#include "base/env.h"
#include "state/state.h"
#include "state/test_rows.h"
#include "types/shared_buffer.h"

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr int kMaxParallelism = 16;

StateSpec Accounts() {
  StateSpec spec;
  spec.name = "accounts";
  spec.key.Add("id", SqlType::BigInt());
  spec.key.Add("kind", SqlType::String());
  spec.value.Add("n", SqlType::BigInt());
  spec.value.Add("text", SqlType::String());
  spec.value.Add("flag", SqlType::Boolean());
  spec.value.Add(
      "tags",
      SqlType::Array(SqlType::Row({{"a", SqlType::Int(), {}}, {"b", SqlType::String(), {}}})));
  return spec;
}

Schema KeySchema() { return Accounts().key; }

/// Of each backend.
class TableTest : public testing::TestWithParam<TestBackend> {
 protected:
  static std::unique_ptr<StateStore> NewStore(std::vector<StateSpec> specs) {
    return MakeTestStore(GetParam(), std::move(specs), 0, 1, kMaxParallelism);
  }
};

INSTANTIATE_TEST_SUITE_P(All, TableTest, testing::Values(TestBackend::kMemory, TestBackend::kRocks),
                         [](const auto& info) { return NameOf(info.param); });

std::string Text(const arrow::Array& array, int64_t row) {
  return array.GetScalar(row).ValueOrDie()->ToString();
}

struct ModelRow {
  std::string n = "0", text = "null", flag = "false", tags = "null";
  int64_t event = TimerSet::kNone, processing = TimerSet::kNone;
  bool operator==(const ModelRow&) const = default;
};
using Model = std::map<std::pair<int64_t, std::string>, ModelRow>;

// What a store holds, without its timers.
Model ContentOf(StateStore& store) {
  Model model;
  KeyedTable& table = store.table(0);
  std::vector<Slot> slots(100);
  uint32_t from = 0;
  do {
    slots.resize(100);
    slots.resize(table.Scan(from, slots, &from));
    const auto keys = table.Keys(slots).ValueOrDie();
    arrow::ArrayVector values;
    for (int c = 0; c < 4; ++c) values.push_back(table.Get(c, slots).ValueOrDie());
    for (size_t i = 0; i < slots.size(); ++i) {
      const auto row = static_cast<int64_t>(i);
      const auto id = static_cast<const arrow::Int64Array&>(*keys->column(0)).Value(row);
      const auto kind = static_cast<const arrow::StringArray&>(*keys->column(1)).GetString(row);
      model[{id, kind}] = {Text(*values[0], row), Text(*values[1], row), Text(*values[2], row),
                           Text(*values[3], row)};
    }
  } while (from != 0);
  return model;
}

// Takes out all timers, in the order in which they fire.
void TakeTimers(StateStore& store, Model* model) {
  for (const auto domain : {TimeDomain::kEvent, TimeDomain::kProcessing}) {
    int64_t last = std::numeric_limits<int64_t>::min();
    int state = -1;
    std::vector<Slot> slots;
    std::vector<int64_t> times;
    while (store.PopDue(domain, TimerSet::kNone - 1, 7, &state, &slots, &times).ValueOrDie() > 0) {
      const auto keys = store.table(state).Keys(slots).ValueOrDie();
      for (size_t i = 0; i < slots.size(); ++i) {
        const auto row = static_cast<int64_t>(i);
        EXPECT_GE(times[i], last);
        last = times[i];
        ModelRow& found =
            model->at({static_cast<const arrow::Int64Array&>(*keys->column(0)).Value(row),
                       static_cast<const arrow::StringArray&>(*keys->column(1)).GetString(row)});
        (domain == TimeDomain::kEvent ? found.event : found.processing) = times[i];
      }
    }
  }
}

/// Applies seeded random operations to a table and to a map.
class TableModel {
 public:
  explicit TableModel(uint64_t seed) : random_(seed) {}

  void Step(StateStore& store) {
    ASSERT_STATUS_OK(store.BeginCall(1));
    const auto keys = RandomKeys();
    KeyedTable& table = store.table(0);
    const auto rows = RowsOf(KeySchema(), Json(keys));
    const RowKeys encoded = KeysOf(table.encoder(), *rows);
    if (Below(5) == 0) return Erase(table, keys, encoded);
    const std::vector<Slot> slots = SlotsOf(table, encoded);
    for (const auto& key : keys) model_.try_emplace(key);
    switch (Below(5)) {
      case 0:
        for (size_t i = 0; i < keys.size(); ++i) {
          auto& n = table.Fixed(0).Mut<int64_t>(slots[i]);
          n += 3;
          table.Fixed(0).SetNull(slots[i], false);
          model_[keys[i]].n = std::to_string(n);
        }
        break;
      case 1:
        return SetTimers(store, keys, slots);
      default:
        SetColumn(table, keys, slots);
    }
  }

  const Model& model() const { return model_; }
  uint64_t Below(uint64_t n) { return random_() % n; }

 private:
  using Key = std::pair<int64_t, std::string>;

  std::vector<Key> RandomKeys() {
    std::vector<Key> keys;
    for (uint64_t n = 1 + Below(40); n > 0; --n) {
      keys.emplace_back(static_cast<int64_t>(Below(900)),
                        std::vector<std::string>{"", "x", "a longer kind"}[Below(3)]);
    }
    return keys;
  }

  static std::string Json(const std::vector<Key>& keys) {
    std::string json;
    for (const auto& [id, kind] : keys) {
      json += (json.empty() ? "[" : ",") + ("[" + std::to_string(id)) + ",\"" + kind + "\"]";
    }
    return json + "]";
  }

  void Erase(KeyedTable& table, const std::vector<Key>& keys, const RowKeys& encoded) {
    std::vector<Slot> slots(keys.size());
    ASSERT_STATUS_OK(table.Find(encoded, slots));
    for (size_t i = 0; i < keys.size(); ++i)
      EXPECT_EQ(slots[i] != kNoSlot, model_.contains(keys[i]));
    std::erase(slots, kNoSlot);
    ASSERT_STATUS_OK(table.Erase(slots));
    for (const auto& key : keys) model_.erase(key);
  }

  void SetTimers(StateStore& store, const std::vector<Key>& keys, const std::vector<Slot>& slots) {
    const bool event = Below(2) == 0;
    std::vector<int64_t> times;
    for (size_t i = 0; i < keys.size(); ++i) {
      times.push_back(Below(4) == 0 ? TimerSet::kNone : static_cast<int64_t>(Below(50)) - 25);
      ModelRow& row = model_[keys[i]];
      (event ? row.event : row.processing) = times.back();
    }
    const auto domain = event ? TimeDomain::kEvent : TimeDomain::kProcessing;
    ASSERT_STATUS_OK(store.timers().Set(domain, 0, slots, times));
  }

  void SetColumn(KeyedTable& table, const std::vector<Key>& keys, const std::vector<Slot>& slots) {
    const auto c = static_cast<int>(Below(4));
    std::string json;
    for (size_t i = 0; i < keys.size(); ++i) {
      json += (json.empty() ? "[" : ",") + (Below(5) == 0 ? "null" : RandomValue(c));
    }
    const auto type = Accounts().value.column(c).type.ToArrow();
    const auto values = arrow::json::ArrayFromJSONString(type, json + "]").ValueOrDie();
    ASSERT_STATUS_OK(table.Set(c, slots, *values));
    for (size_t i = 0; i < keys.size(); ++i) {
      ModelRow& row = model_[keys[i]];
      std::string* const cells[] = {&row.n, &row.text, &row.flag, &row.tags};
      *cells[c] = Text(*values, static_cast<int64_t>(i));
    }
  }

  std::string RandomValue(int column) {
    switch (column) {
      case 0:
        return std::to_string(Below(1000));
      case 1:
        return "\"" + std::string(Below(10) == 0 ? 400 + Below(300) : Below(30), 't') + "\"";
      case 2:
        return Below(2) == 0 ? "true" : "false";
      default: {
        std::string list;
        for (uint64_t n = Below(3); n > 0; --n) {
          list += (list.empty() ? "" : ",") + ("[" + std::to_string(Below(9))) + ", null]";
        }
        return "[" + list + "]";
      }
    }
  }

  std::mt19937_64 random_;
  Model model_;
};

// P2, S13: the table agrees with a map through thousands of operations; snapshots are written on
// another thread while it changes, and restored at other parallelisms.
class TableModelTest : public testing::TestWithParam<std::tuple<TestBackend, uint64_t>> {};

TEST_P(TableModelTest, AgreesWithAMapAndItsSnapshotsStandStill) {
  const auto [backend, seed] = GetParam();
  TableModel model(seed);
  auto store = MakeTestStore(backend, {Accounts()}, 0, 1, kMaxParallelism);
  for (int round = 0; round < 12; ++round) {
    for (uint64_t n = model.Below(100); n > 0; --n) model.Step(*store);
    const Model frozen = model.model();
    const auto snapshot = store->Freeze().ValueOrDie();
    std::vector<WrittenPart> parts;
    std::thread writer([&] { parts = WriteAll(*snapshot); });
    for (int n = 0; n < 30; ++n) model.Step(*store);
    writer.join();
    const int parallelism = 1 + static_cast<int>(model.Below(4));
    // Each backend's snapshots into each.
    const auto other = round == 5 ? TestBackend::kRocks : TestBackend::kMemory;
    Model restored;
    for (const auto& task : RestoreAt(other, parallelism, kMaxParallelism, {Accounts()}, parts)) {
      Model share = ContentOf(*task);
      TakeTimers(*task, &share);
      restored.merge(share);
    }
    ASSERT_EQ(restored, frozen) << "round " << round << ", parallelism " << parallelism;
  }
  Model content = ContentOf(*store);
  TakeTimers(*store, &content);
  EXPECT_EQ(content, model.model());
}

INSTANTIATE_TEST_SUITE_P(Seeds, TableModelTest,
                         testing::Combine(testing::Values(TestBackend::kMemory,
                                                          TestBackend::kRocks),
                                          testing::Range(uint64_t{1}, uint64_t{9})));

TEST_P(TableTest, GivesOneSlotToEqualKeysOfABatch) {
  auto store = NewStore({Accounts()});
  KeyedTable& table = store->table(0);
  const RowKeys keys =
      KeysOf(table.encoder(), *RowsOf(KeySchema(), R"([[1,"a"],[null,"a"],[1,"a"],[null,"a"]])"));
  std::vector<Slot> slots(4);
  std::vector<uint8_t> inserted(4);
  ASSERT_STATUS_OK(table.FindOrInsert(keys, slots, inserted));
  EXPECT_THAT(inserted, ElementsAre(1, 1, 0, 0));
  EXPECT_EQ(slots[0], slots[2]);
  EXPECT_EQ(slots[1], slots[3]);
  EXPECT_EQ(table.size(), 2);
}

TEST_P(TableTest, ReusesErasedSlotsAsNew) {
  auto store = NewStore({Accounts()});
  KeyedTable& table = store->table(0);
  const auto first = SlotsOf(table, KeysOf(table.encoder(), *RowsOf(KeySchema(), R"([[1,"a"]])")));
  table.Fixed(0).Mut<int64_t>(first[0]) = 7;
  table.Fixed(2).SetNull(first[0], true);
  const int64_t due = 5;
  ASSERT_STATUS_OK(store->timers().Set(TimeDomain::kEvent, 0, first, {&due, 1}));
  ASSERT_STATUS_OK(table.Erase(first));
  const auto second = SlotsOf(table, KeysOf(table.encoder(), *RowsOf(KeySchema(), R"([[2,"b"]])")));
  EXPECT_EQ(second, first);
  EXPECT_EQ(table.Fixed(0).Get<int64_t>(second[0]), 0);
  EXPECT_FALSE(table.Fixed(2).IsNull(second[0]));
  int state;
  std::vector<Slot> slots;
  std::vector<int64_t> times;
  EXPECT_EQ(store->PopDue(TimeDomain::kEvent, 100, 10, &state, &slots, &times).ValueOrDie(), 0u);
}

TEST(MemoryTable, GenerationsTellWhetherASlotKeepsItsRow) {
  auto store = MakeTestStore(TestBackend::kMemory, {Accounts()}, 0, 1, kMaxParallelism);
  KeyedTable& table = store->table(0);
  const auto find = [&](const std::string& keys) {
    return SlotsOf(table, KeysOf(table.encoder(), *RowsOf(KeySchema(), keys)));
  };
  const auto slots = find(R"([[1,"a"],[2,"a"]])");
  const auto generation = [&](size_t i) { return table.generations()[Raw(slots[i])]; };
  const uint32_t first = generation(0), second = generation(1);
  ASSERT_STATUS_OK(table.Erase(std::span(slots).first(1)));
  EXPECT_EQ(find(R"([[3,"a"]])")[0], slots[0]);
  EXPECT_NE(generation(0), first);
  EXPECT_EQ(generation(1), second);
}

TEST_P(TableTest, StateOfErasedAndNewKeysStaysBounded) {
  auto store = NewStore({Accounts()});
  KeyedTable& table = store->table(0);
  int64_t before = 0;
  for (int64_t id = 0; id < 20000; ++id) {
    const auto slots = SlotsOf(
        table,
        KeysOf(table.encoder(), *RowsOf(KeySchema(), "[[" + std::to_string(id) + R"(,"kind"]])")));
    const int64_t due = id;
    ASSERT_STATUS_OK(store->timers().Set(TimeDomain::kEvent, 0, slots, {&due, 1}));
    ASSERT_STATUS_OK(table.Erase(slots));
    if (id == 2000) before = table.memory_bytes();
  }
  EXPECT_LE(table.memory_bytes(), before + before / 10);
}

// So many rows that slots are given out in runs of a key group, and holes that are used again.
TEST_P(TableTest, OfManyRowsIsTheSameAfterARestore) {
  auto store = MakeTestStore(GetParam(), {Accounts()}, 0, 1, kMaxParallelism);
  ASSERT_STATUS_OK(store->BeginCall(1));
  KeyedTable& table = store->table(0);
  const auto keys = [&](int64_t from, int64_t to, int64_t step) {
    std::string json;
    for (int64_t id = from; id < to; id += step) {
      json += (json.empty() ? "[[" : ",[") + std::to_string(id) + R"(,"a"])";
    }
    return KeysOf(table.encoder(), *RowsOf(KeySchema(), json + "]"));
  };
  const auto write = [&](int64_t from, int64_t to) {
    const auto slots = SlotsOf(table, keys(from, to, 1));
    for (size_t i = 0; i < slots.size(); ++i) {
      table.Fixed(0).Mut<int64_t>(slots[i]) = from + static_cast<int64_t>(i);
    }
  };
  write(0, 8000);
  ASSERT_STATUS_OK(table.Erase(SlotsOf(table, keys(0, 8000, 3))));
  write(8000, 9000);
  EXPECT_EQ(table.size(), 8000 - 2667 + 1000);
  const Model before = ContentOf(*store);
  EXPECT_EQ(before.size(), 6333u);
  EXPECT_EQ(before.at({8123, "a"}).n, "8123");
  const auto parts = WriteAll(*store->Freeze().ValueOrDie());
  for (const int parallelism : {1, 3}) {
    Model after;
    for (const auto& task :
         RestoreAt(GetParam(), parallelism, kMaxParallelism, {Accounts()}, parts)) {
      after.merge(ContentOf(*task));
    }
    EXPECT_TRUE(after == before) << parallelism;
  }
}

TEST(MemoryTable, RefusesAKeyThatWasRestoredBefore) {
  const auto store = MakeTestStore(TestBackend::kMemory, {Accounts()}, 0, 1, kMaxParallelism);
  KeyedTable& table = store->table(0);
  SlotsOf(table, KeysOf(table.encoder(), *RowsOf(KeySchema(), R"([[1,"a"]])")));
  const WrittenPart part = WriteAll(*store->Freeze().ValueOrDie())[0];
  const auto other = MakeTestStore(TestBackend::kMemory, {Accounts()}, 0, 1, kMaxParallelism);
  ASSERT_STATUS_OK(other->RestorePart(part.id, 1, part.bytes));
  const Status again = other->RestorePart(part.id, 1, part.bytes);
  EXPECT_EQ(InfoOf(again).error_class, ErrorClass::kData);
  EXPECT_NE(again.message().find("restored before"), std::string::npos) << again.message();
}

TEST_P(TableTest, PopsTimersOfSeveralTablesInTimeOrder) {
  StateSpec other = Accounts();
  other.name = "other";
  auto store = NewStore({Accounts(), other});
  const auto set = [&](int state, const std::string& keys, std::vector<int64_t> times) {
    KeyedTable& table = store->table(state);
    const auto slots = SlotsOf(table, KeysOf(table.encoder(), *RowsOf(KeySchema(), keys)));
    ASSERT_STATUS_OK(store->timers().Set(TimeDomain::kProcessing, state, slots, times));
  };
  set(0, R"([[1,"a"],[2,"a"],[3,"a"]])", {10, 30, 50});
  set(1, R"([[1,"a"],[2,"a"]])", {20, 60});
  set(0, R"([[1,"a"]])", {5});  // moves it
  set(0, R"([[2,"a"]])", {90});
  set(0, R"([[2,"a"]])", {40});
  std::vector<std::pair<int, int64_t>> fired;
  int state;
  std::vector<Slot> slots;
  std::vector<int64_t> times;
  EXPECT_EQ(store->NextProcessingTimer(), 5);
  while (store->PopDue(TimeDomain::kProcessing, 50, 10, &state, &slots, &times).ValueOrDie() > 0) {
    for (const int64_t time : times) fired.emplace_back(state, time);
  }
  EXPECT_THAT(fired,
              ElementsAre(std::pair(0, 5), std::pair(1, 20), std::pair(0, 40), std::pair(0, 50)));
  EXPECT_EQ(store->NextProcessingTimer(), 60);
}

TEST_P(TableTest, BroadcastTablesAreWrittenOnceAndRestoredEverywhere) {
  StateSpec rules = Accounts();
  rules.kind = StateKind::kBroadcast;
  std::vector<WrittenPart> parts;
  for (int subtask = 0; subtask < 2; ++subtask) {
    auto store = MakeTestStore(GetParam(), {rules}, subtask, 2, kMaxParallelism);
    KeyedTable& table = store->table(0);
    SlotsOf(table, KeysOf(table.encoder(), *RowsOf(KeySchema(), R"([[1,"a"],[2,"b"],[3,"c"]])")));
    for (WrittenPart& part : WriteAll(*store->Freeze().ValueOrDie()))
      parts.push_back(std::move(part));
  }
  EXPECT_LE(parts.size(), 3u);
  for (const WrittenPart& part : parts) EXPECT_TRUE(part.id.everywhere);
  for (const auto& store : RestoreAt(GetParam(), 3, kMaxParallelism, {rules}, parts)) {
    EXPECT_EQ(store->table(0).size(), 3);
  }
}

// M5: a model that does not change stays in the checkpoint before.
TEST_P(TableTest, PartsOfABroadcastTableChangeOneByOne) {
  StateSpec rules = Accounts();
  rules.kind = StateKind::kBroadcast;
  rules.group_keys = 2;
  auto store = NewStore({rules});
  KeyedTable& table = store->table(0);
  const auto add = [&](const char* rows) {
    SlotsOf(table, KeysOf(table.encoder(), *RowsOf(KeySchema(), rows)));
    return store->Freeze().ValueOrDie();
  };
  const auto before = add(R"([[1,"a"],[1,"b"],[1,"c"],[1,"d"]])");
  const auto after = add(R"([[1,"e"]])");
  ASSERT_GT(before->parts().size(), 1u);
  int same = 0;
  for (const PartId& part : before->parts()) {
    same += before->PartVersion(part) == after->PartVersion(part);
  }
  EXPECT_GE(same, static_cast<int>(before->parts().size()) - 1);
}

TEST_P(TableTest, SharedBytesAreKeptWithoutACopy) {
  auto store = NewStore({Accounts()});
  KeyedTable& table = store->table(0);
  const auto slots = SlotsOf(table, KeysOf(table.encoder(), *RowsOf(KeySchema(), R"([[1,"a"]])")));
  std::shared_ptr<arrow::Buffer> bytes = arrow::Buffer::FromString(std::string(1 << 20, 'x'));
  const auto offsets = arrow::Buffer::FromVector(std::vector<int32_t>{0, 1 << 20});
  ASSERT_STATUS_OK(
      table.Set(1, slots, arrow::StringArray(1, offsets, std::make_shared<SharedBuffer>(bytes))));
  EXPECT_EQ(bytes.use_count(), 2);
  EXPECT_GT(store->memory_bytes(), 1 << 20);
  const auto parts = WriteAll(*store->Freeze().ValueOrDie());
  ASSERT_STATUS_OK(table.Set(1, slots, *arrow::MakeArrayOfNull(arrow::utf8(), 1).ValueOrDie()));
  EXPECT_EQ(bytes.use_count(), 1);
  const auto again = RestoreAt(GetParam(), 1, kMaxParallelism, {Accounts()}, parts);
  KeyedTable& restored = again[0]->table(0);
  const auto found =
      SlotsOf(restored, KeysOf(restored.encoder(), *RowsOf(KeySchema(), R"([[1,"a"]])")));
  EXPECT_EQ(Text(*restored.Get(1, found).ValueOrDie(), 0), bytes->ToString());
}

// Arrow's columns of bytes end at 2 GB, which a few models have.
TEST_P(TableTest, LargeRowsAreWrittenInBatchesOfTheirOwn) {
  auto store = NewStore({Accounts()});
  KeyedTable& table = store->table(0);
  const auto keys = KeysOf(table.encoder(), *RowsOf(KeySchema(), R"([[1,"a"],[1,"b"],[1,"c"]])"));
  const auto slots = SlotsOf(table, keys);
  arrow::StringBuilder texts;
  for (const char c : {'x', 'y', 'z'}) ASSERT_STATUS_OK(texts.Append(std::string(40 << 20, c)));
  ASSERT_STATUS_OK(table.Set(1, slots, *texts.Finish().ValueOrDie()));
  const auto parts = WriteAll(*store->Freeze().ValueOrDie());
  ASSERT_EQ(parts.size(), 1u);
  arrow::io::BufferReader input(std::make_shared<arrow::Buffer>(parts[0].bytes));
  const auto reader = arrow::ipc::RecordBatchStreamReader::Open(&input).ValueOrDie();
  EXPECT_EQ(reader->ToRecordBatches().ValueOrDie().size(), 3u);
  const auto again = RestoreAt(GetParam(), 1, kMaxParallelism, {Accounts()}, parts);
  KeyedTable& restored = again[0]->table(0);
  const auto found = restored.Get(1, SlotsOf(restored, keys)).ValueOrDie();
  for (int64_t row = 0; row < 3; ++row) EXPECT_EQ(Text(*found, row).size(), size_t{40} << 20);
}

// P2: what did not change keeps its version, whatever was read; every kind of write shows.
TEST_P(TableTest, VersionsOfPartsTellWhatChanged) {
  const std::string all = R"([[1,"a"],[2,"a"],[3,"a"],[4,"a"],[5,"a"],[6,"a"]])";
  auto store = NewStore({Accounts()});
  KeyedTable& table = store->table(0);
  const RowKeys keys = KeysOf(table.encoder(), *RowsOf(KeySchema(), all));
  std::vector<Slot> slots = SlotsOf(table, keys);
  const PartId changing{"node", "accounts", KeyGroupOf(keys.group_hashes[0], kMaxParallelism)};

  auto before = store->Freeze().ValueOrDie();
  const auto changed = [&] {
    auto after = store->Freeze().ValueOrDie();
    std::vector<PartId> ids;
    for (const PartId& id : after->parts()) {
      EXPECT_GE(after->PartVersion(id), before->PartVersion(id));
      if (after->PartVersion(id) != before->PartVersion(id)) ids.push_back(id);
    }
    before = std::move(after);
    return ids;
  };
  const auto text = arrow::json::ArrayFromJSONString(arrow::utf8(), R"(["x"])").ValueOrDie();
  const std::span<const Slot> first(slots.data(), 1);
  const int64_t due = 5;
  int state;
  std::vector<Slot> due_slots;
  std::vector<int64_t> due_times;
  std::vector<uint8_t> inserted(slots.size());

  EXPECT_TRUE(changed().empty());
  ASSERT_STATUS_OK(table.FindOrInsert(keys, slots, inserted));
  ASSERT_STATUS_OK(table.Find(keys, slots));
  ASSERT_EQ(table.Get(1, slots).ValueOrDie()->length(), 6);
  EXPECT_TRUE(changed().empty());
  table.Fixed(0).Mut<int64_t>(slots[0]) = 1;
  EXPECT_THAT(changed(), ElementsAre(changing));
  table.Fixed(2).SetNull(slots[0], true);
  EXPECT_THAT(changed(), ElementsAre(changing));
  ASSERT_STATUS_OK(table.Set(1, first, *text));
  EXPECT_THAT(changed(), ElementsAre(changing));
  ASSERT_STATUS_OK(store->timers().Set(TimeDomain::kEvent, 0, first, {&due, 1}));
  EXPECT_THAT(changed(), ElementsAre(changing));
  ASSERT_EQ(store->PopDue(TimeDomain::kEvent, 9, 9, &state, &due_slots, &due_times).ValueOrDie(),
            1u);
  EXPECT_THAT(changed(), ElementsAre(changing));
  ASSERT_STATUS_OK(table.Erase(first));
  SlotsOf(table, keys);
  EXPECT_THAT(changed(), ElementsAre(changing));
  EXPECT_TRUE(changed().empty());
}

struct BadRestore {
  const char* name;
  PartId part;
  int version;
  size_t cut;  ///< bytes that are missing at the end
  int parallelism;
  const char* message;
};

class BadRestoreTest : public testing::TestWithParam<BadRestore> {};

TEST_P(BadRestoreTest, IsRefusedWithItsReason) {
  auto written = MakeTestStore(TestBackend::kMemory, {Accounts()}, 0, 1, kMaxParallelism);
  KeyedTable& table = written->table(0);
  SlotsOf(table, KeysOf(table.encoder(), *RowsOf(KeySchema(), R"([[1,"a"]])")));
  WrittenPart part = WriteAll(*written->Freeze().ValueOrDie()).at(0);
  PartId id = GetParam().part;
  if (!id.group) id.group = part.id.group;
  part.bytes.resize(part.bytes.size() - std::min(part.bytes.size(), GetParam().cut));
  const int last = GetParam().parallelism - 1;
  // The instance that does not own the group, where there is one.
  const int subtask =
      SubtaskOf(*id.group, GetParam().parallelism, kMaxParallelism) == last ? 0 : last;
  auto store =
      MakeMemoryStateStore("node", {Accounts()}, subtask, GetParam().parallelism, kMaxParallelism)
          .ValueOrDie();
  const Status status = store->RestorePart(id, GetParam().version, part.bytes);
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(Describe(status), HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    All, BadRestoreTest,
    testing::Values(
        BadRestore{"state", {"node", "acounts", {}}, 1, 0, 1, "did you mean 'accounts'"},
        BadRestore{"version", {"node", "accounts", {}}, 2, 0, 1, "written as version 2"},
        BadRestore{"group", {"node", "accounts", {}}, 1, 0, 2, "belongs to another instance"},
        BadRestore{
            "other_group", {"node", "accounts", KeyGroup{0}}, 1, 0, 1, "it is of node 'node'"},
        BadRestore{"short", {"node", "accounts", {}}, 1, 200, 1, "is damaged"},
        BadRestore{"empty", {"node", "accounts", {}}, 1, 1 << 20, 1, "is damaged"}),
    [](const auto& info) { return info.param.name; });

// What version 2 of a state reads of version 1, whose row is {id 1; small 7, text "a", ratio 0.5}.
struct Change {
  const char* name;
  std::vector<SqlField> key;
  std::vector<SqlField> value;
  int version;
  const char* row;  ///< the values then, or part of the error
};

class ChangeTest : public testing::TestWithParam<Change> {};

TEST_P(ChangeTest, OfTheDeclaredColumns) {
  StateSpec first;
  first.name = "things";
  first.key.Add("id", SqlType::BigInt());
  first.value.Add("small", SqlType::Int());
  first.value.Add("text", SqlType::String());
  first.value.Add("ratio", SqlType::Float());
  auto written = MakeTestStore(TestBackend::kMemory, {first}, 0, 1, kMaxParallelism);
  KeyedTable& table = written->table(0);
  const auto slots = SlotsOf(table, KeysOf(table.encoder(), *RowsOf(first.key, "[[1]]")));
  const auto values = RowsOf(first.value, R"([[7, "a", 0.5]])");
  for (int c = 0; c < 3; ++c) ASSERT_STATUS_OK(table.Set(c, slots, *values->column(c)));
  const WrittenPart part = WriteAll(*written->Freeze().ValueOrDie()).at(0);

  const Change& change = GetParam();
  StateSpec second = first;
  second.version = change.version;
  second.key = Schema(change.key);
  second.value = Schema(change.value);
  auto store = MakeTestStore(TestBackend::kMemory, {second}, 0, 1, kMaxParallelism);
  const Status status = store->RestorePart(part.id, 1, part.bytes);
  if (!status.ok()) {
    EXPECT_THAT(Describe(status), HasSubstr(change.row));
    EXPECT_EQ(InfoOf(status).error_class, ErrorClass::kUser);
    return;
  }
  std::vector<Slot> found(2);
  uint32_t next = 0;
  found.resize(store->table(0).Scan(0, found, &next));
  ASSERT_EQ(found.size(), 1u);
  std::string row;
  for (int c = 0; c < second.value.size(); ++c) {
    row += (c == 0 ? "" : ", ") + Text(*store->table(0).Get(c, found).ValueOrDie(), 0);
  }
  EXPECT_EQ(row, change.row);
}

const std::vector<SqlField> kIdKey = {{"id", SqlType::BigInt(), {}}};

INSTANTIATE_TEST_SUITE_P(
    All, ChangeTest,
    testing::Values(
        Change{"kept",
               kIdKey,
               {{"text", SqlType::String(), {}}, {"small", SqlType::Int(), {}}},
               2,
               "a, 7"},
        Change{"added",
               kIdKey,
               {{"small", SqlType::Int(), {}},
                {"count", SqlType::BigInt(), {}},
                {"note", SqlType::String(), {}},
                {"sure", SqlType::Boolean(), {}}},
               2,
               "7, 0, null, false"},
        Change{"wider",
               kIdKey,
               {{"small", SqlType::BigInt(), {}}, {"ratio", SqlType::Double(), {}}},
               2,
               "7, 0.5"},
        Change{"narrower",
               kIdKey,
               {{"small", SqlType::SmallInt(), {}}},
               2,
               "node 'node', state 'things'"},
        Change{"other_type",
               kIdKey,
               {{"text", SqlType::Int(), {}}},
               2,
               "version 1 of the state has the column 'text' as string instead of int32, which "
               "version 2 of the job cannot read"},
        Change{
            "other_key", {{"id", SqlType::Int(), {}}}, {}, 2, "has the key column 'id' as int64"},
        Change{"more_key",
               {{"id", SqlType::BigInt(), {}}, {"kind", SqlType::Int(), {}}},
               {},
               2,
               "lacks the key column 'kind'"},
        Change{
            "renamed_key", {{"name", SqlType::BigInt(), {}}}, {}, 2, "lacks the key column 'name'"},
        Change{"undeclared",
               kIdKey,
               {{"small", SqlType::Int(), {}}},
               1,
               "columns of the state have changed"}),
    [](const auto& info) { return info.param.name; });

TEST_P(TableTest, RefusesAKeyThatBelongsToAnotherInstance) {
  auto store = MakeTestStore(GetParam(), {Accounts()}, 1, 2, kMaxParallelism);
  KeyedTable& table = store->table(0);
  std::string json = "[[0,\"a\"]";
  for (int id = 1; id < 30; ++id) json += ",[" + std::to_string(id) + ",\"a\"]";
  const RowKeys keys = KeysOf(table.encoder(), *RowsOf(KeySchema(), json + "]"));
  std::vector<Slot> slots(keys.hashes.size());
  std::vector<uint8_t> inserted(slots.size());
  EXPECT_THAT(table.FindOrInsert(keys, slots, inserted).message(),
              HasSubstr("owns groups 8 to 15"));
}

// P2: Flink's table.exec.state.ttl: writes keep a row, reads do not.
class TtlTest : public TableTest {
 protected:
  static constexpr int64_t kTtl = 1000;

  static StateSpec Spec() {
    StateSpec spec = Accounts();
    spec.ttl_us = kTtl;
    return spec;
  }
  RowKeys Keys(const std::string& json) {
    return KeysOf(store_->table(0).encoder(), *RowsOf(KeySchema(), json));
  }
  bool Has(const std::string& json) {
    Slot slot;
    EXPECT_TRUE(store_->table(0).Find(Keys(json), {&slot, 1}).ok());
    return slot != kNoSlot;
  }
  void Begin(int64_t now) { ASSERT_STATUS_OK(store_->BeginCall(now)); }

  std::unique_ptr<StateStore> store_ = NewStore({Spec()});
};

INSTANTIATE_TEST_SUITE_P(All, TtlTest, testing::Values(TestBackend::kMemory, TestBackend::kRocks),
                         [](const auto& info) { return NameOf(info.param); });

TEST_P(TtlTest, ARowIsGoneSoLongAfterItsLastWrite) {
  KeyedTable& table = store_->table(0);
  Begin(5000);
  SlotsOf(table, Keys(R"([[1,"a"],[2,"a"],[3,"a"]])"));
  Begin(5600);
  const auto written = SlotsOf(table, Keys(R"([[1,"a"]])"));
  table.Fixed(0).Mut<int64_t>(written[0]) = 41;
  SlotsOf(table, Keys(R"([[2,"a"]])"));  // no write
  Begin(5900);
  ++table.Fixed(0).Mut<int64_t>(SlotsOf(table, Keys(R"([[1,"a"]])"))[0]);
  const auto text = arrow::json::ArrayFromJSONString(arrow::utf8(), R"(["x"])").ValueOrDie();
  ASSERT_STATUS_OK(table.Set(1, SlotsOf(table, Keys(R"([[3,"a"]])")), *text));
  Begin(5999);
  EXPECT_TRUE(Has(R"([[2,"a"]])"));
  Begin(6000);
  EXPECT_FALSE(Has(R"([[2,"a"]])"));
  Begin(6899);
  EXPECT_TRUE(Has(R"([[1,"a"]])"));
  EXPECT_TRUE(Has(R"([[3,"a"]])"));
  Begin(6900);
  EXPECT_FALSE(Has(R"([[1,"a"]])"));
  EXPECT_FALSE(Has(R"([[3,"a"]])"));
  EXPECT_TRUE(ContentOf(*store_).empty());
}

TEST_P(TtlTest, ARowBeginsAnewWhenItIsOver) {
  KeyedTable& table = store_->table(0);
  Begin(5000);
  // So many that the sweep of one call does not come to all.
  std::string json = R"([[0,"a"])";
  for (int id = 1; id < 3000; ++id) json += ",[" + std::to_string(id) + R"(,"a"])";
  const RowKeys all = Keys(json + "]");
  auto slots = SlotsOf(table, all);
  const std::vector<int64_t> due(slots.size(), 7000);
  for (const Slot slot : slots) table.Fixed(0).Mut<int64_t>(slot) = 9;
  ASSERT_STATUS_OK(store_->timers().Set(TimeDomain::kProcessing, 0, slots, due));
  Begin(6500);
  std::vector<uint8_t> inserted(slots.size());
  ASSERT_STATUS_OK(table.FindOrInsert(all, slots, inserted));
  EXPECT_EQ(std::count(inserted.begin(), inserted.end(), 1), 3000);
  for (const Slot slot : slots) ASSERT_EQ(table.Fixed(0).Get<int64_t>(slot), 0);
  int state;
  std::vector<Slot> popped;
  std::vector<int64_t> times;
  EXPECT_EQ(store_->PopDue(TimeDomain::kProcessing, 9999, 10, &state, &popped, &times).ValueOrDie(),
            0u);
}

TEST_P(TtlTest, ATimerOfARowThatIsOverDoesNotFire) {
  KeyedTable& table = store_->table(0);
  Begin(5000);
  const auto slots = SlotsOf(table, Keys(R"([[1,"a"],[2,"a"]])"));
  const std::vector<int64_t> due = {6100, 6200};
  ASSERT_STATUS_OK(store_->timers().Set(TimeDomain::kProcessing, 0, slots, due));
  Begin(5500);
  table.Fixed(0).Mut<int64_t>(SlotsOf(table, Keys(R"([[2,"a"]])"))[0]) = 1;
  Begin(6300);
  int state;
  std::vector<Slot> popped;
  std::vector<int64_t> times;
  ASSERT_EQ(store_->PopDue(TimeDomain::kProcessing, 6300, 10, &state, &popped, &times).ValueOrDie(),
            1u);
  EXPECT_EQ(times[0], 6200);
}

TEST_P(TtlTest, TheTimeOfTheLastWriteIsInTheSnapshot) {
  Begin(5000);
  SlotsOf(store_->table(0), Keys(R"([[1,"a"]])"));
  Begin(5500);
  SlotsOf(store_->table(0), Keys(R"([[2,"a"]])"));
  const auto parts = WriteAll(*store_->Freeze().ValueOrDie());
  for (const auto backend : {TestBackend::kMemory, TestBackend::kRocks}) {
    store_ = MakeTestStore(backend, {Spec()}, 0, 1, kMaxParallelism);
    Begin(5600);
    for (const WrittenPart& part : parts) {
      ASSERT_STATUS_OK(store_->RestorePart(part.id, 1, part.bytes));
    }
    Begin(6100);
    EXPECT_FALSE(Has(R"([[1,"a"]])"));
    EXPECT_TRUE(Has(R"([[2,"a"]])"));
  }
  // A TTL may come and go with a setting: what was written without one begins to age.
  auto without = MakeTestStore(GetParam(), {Accounts()}, 0, 1, kMaxParallelism);
  for (const WrittenPart& part : parts) {
    ASSERT_STATUS_OK(without->RestorePart(part.id, 1, part.bytes));
  }
  EXPECT_EQ(without->table(0).size(), 2);
  store_ = NewStore({Spec()});
  Begin(7000);
  for (const WrittenPart& part : WriteAll(*without->Freeze().ValueOrDie())) {
    ASSERT_STATUS_OK(store_->RestorePart(part.id, 1, part.bytes));
  }
  Begin(7999);
  EXPECT_TRUE(Has(R"([[1,"a"]])"));
  Begin(8000);
  EXPECT_FALSE(Has(R"([[1,"a"]])"));
}

TEST(Ttl, RowsThatNobodyAsksForAreRemovedBitByBit) {
  StateSpec spec = Accounts();
  spec.ttl_us = 1000;
  auto store = MakeTestStore(TestBackend::kMemory, {spec}, 0, 1, kMaxParallelism);
  KeyedTable& table = store->table(0);
  ASSERT_STATUS_OK(store->BeginCall(1));
  std::string json = R"([[0,"a"])";
  for (int id = 1; id < 5000; ++id) json += ",[" + std::to_string(id) + R"(,"a"])";
  SlotsOf(table, KeysOf(table.encoder(), *RowsOf(KeySchema(), json + "]")));
  ASSERT_STATUS_OK(store->BeginCall(2000));
  EXPECT_GT(table.size(), 3000);
  for (int64_t now = 2001; table.size() > 0; ++now) {
    ASSERT_LT(now, 3000) << table.size() << " rows are left after half a TTL";
    ASSERT_STATUS_OK(store->BeginCall(now));
  }
}

// Rows beyond memory are all found, and the folder goes with the last user.
TEST(Rocks, KeepsMoreThanItsMemoryHolds) {
  const auto env = MakeSystemEnv();
  const RocksOptions options{testing::TempDir() + "rocks-" + std::to_string(::getpid()), 1 << 20};
  auto store =
      MakeRocksStateStore("node", {Accounts()}, 0, 1, kMaxParallelism, options).ValueOrDie();
  KeyedTable& table = store->table(0);
  constexpr int64_t kRows = 40'000;
  const auto keys = [&](int64_t from) {
    std::string json;
    for (int64_t id = from; id < from + 1000; ++id) {
      json += (json.empty() ? "[[" : ",[") + std::to_string(id) + R"(,"a kind of account"])";
    }
    return KeysOf(table.encoder(), *RowsOf(KeySchema(), json + "]"));
  };
  for (int pass = 0; pass < 2; ++pass) {
    for (int64_t from = 0; from < kRows; from += 1000) {
      ASSERT_STATUS_OK(store->BeginCall(1));
      EXPECT_LE(table.memory_bytes(), 700'000);
      const auto slots = SlotsOf(table, keys(from));
      for (size_t i = 0; i < slots.size(); ++i) {
        auto& n = table.Fixed(0).Mut<int64_t>(slots[i]);
        ASSERT_EQ(n, pass == 0 ? 0 : from + static_cast<int64_t>(i));
        n = from + static_cast<int64_t>(i);
      }
    }
  }
  EXPECT_EQ(table.size(), kRows);
  auto snapshot = store->Freeze().ValueOrDie();
  store.reset();
  EXPECT_FALSE(env->files().List(options.folder).ValueOrDie().empty());
  int64_t restored = 0;
  for (const auto& task :
       RestoreAt(TestBackend::kMemory, 1, kMaxParallelism, {Accounts()}, WriteAll(*snapshot))) {
    restored += task->table(0).size();
  }
  EXPECT_EQ(restored, kRows);
  snapshot.reset();
  EXPECT_TRUE(env->files().List(options.folder).ValueOrDie().empty());
  ASSERT_STATUS_OK(env->files().Remove(options.folder));
}

}  // namespace
}  // namespace millrace

#include <map>
#include <random>
#include <thread>

#include <arrow/type.h>
#include <gmock/gmock.h>

#include "state/state.h"
#include "state/test_rows.h"

namespace millrace {
namespace {

constexpr int kMaxParallelism = 16;

StateSpec Readings() {
  StateSpec spec;
  spec.name = "readings";
  spec.kind = StateKind::kLog;
  spec.key.Add("sensor", SqlType::BigInt());
  spec.value.Add("v", SqlType::Int());
  spec.value.Add("note", SqlType::String());
  return spec;
}

using Model = std::map<int64_t, std::multimap<int64_t, std::string>>;

KeyEncoder Encoder() { return KeyEncoder::Make(Readings().key, {0}).ValueOrDie(); }

std::string RowText(const arrow::RecordBatch& rows, int64_t row) {
  std::string text;
  for (const auto& column : rows.columns())
    text += column->GetScalar(row).ValueOrDie()->ToString() + "|";
  return text;
}

std::string KeyJson(const std::vector<int64_t>& ids) {
  std::string json;
  for (const int64_t id : ids) json += (json.empty() ? "[[" : ",[") + std::to_string(id) + "]";
  return json + "]";
}

// All rows within `range` of each of `ids`, in pages.
std::vector<std::pair<int64_t, std::string>> RangeOf(KeyedLog& log, const std::vector<int64_t>& ids,
                                                     TimeRange range, size_t page) {
  std::vector<std::pair<int64_t, std::string>> found;
  const RowKeys keys = KeysOf(Encoder(), *RowsOf(Readings().key, KeyJson(ids)));
  const std::vector<TimeRange> ranges(ids.size(), range);
  std::vector<int32_t> probe;
  std::shared_ptr<arrow::RecordBatch> rows;
  uint64_t resume = 0;
  do {
    const Status status = log.Range(keys, ranges, page, &probe, &rows, &resume);
    EXPECT_TRUE(status.ok()) << status.ToString();
    EXPECT_LE(rows->num_rows(), static_cast<int64_t>(page));
    for (size_t i = 0; i < probe.size(); ++i) {
      found.emplace_back(ids[static_cast<size_t>(probe[i])],
                         RowText(*rows, static_cast<int64_t>(i)));
    }
  } while (resume != 0);
  return found;
}

std::vector<std::pair<int64_t, std::string>> RangeOf(const Model& model,
                                                     const std::vector<int64_t>& ids,
                                                     TimeRange range) {
  std::vector<std::pair<int64_t, std::string>> found;
  for (const int64_t id : ids) {
    if (!model.contains(id)) continue;
    const auto& rows = model.at(id);
    for (auto it = rows.lower_bound(range.from.us); it != rows.upper_bound(range.to.us); ++it) {
      found.emplace_back(id, it->second);
    }
  }
  return found;
}

class LogModelTest : public testing::TestWithParam<std::tuple<TestBackend, uint64_t>> {};

// S13, P2: as the table's, for rows in time order.
TEST_P(LogModelTest, AgreesWithAMapAndItsSnapshotsStandStill) {
  const auto [backend, seed] = GetParam();
  std::mt19937_64 random(seed);
  const auto below = [&](uint64_t n) { return static_cast<int64_t>(random() % n); };
  auto store = MakeTestStore(backend, {Readings()}, 0, 1, kMaxParallelism);
  Model model;
  int64_t now = 0;
  const auto step = [&] {
    if (below(6) == 0) {
      now += below(15);
      ASSERT_STATUS_OK(store->log(0).TrimBefore({now}));
      for (auto& [id, rows] : model) rows.erase(rows.begin(), rows.lower_bound(now));
      return;
    }
    std::vector<int64_t> ids;
    std::vector<EventTime> times;
    std::string json;
    for (int64_t n = 1 + below(50); n > 0; --n) {
      ids.push_back(below(30));
      times.push_back({now + below(40)});
      json += (json.empty() ? "[[" : ",[") + std::to_string(below(1000)) +
              (below(2) ? ",null]" : ",\"n\"]");
    }
    const auto rows = RowsOf(Readings().value, json + "]");
    ASSERT_STATUS_OK(store->log(0).Append(KeysOf(Encoder(), *RowsOf(Readings().key, KeyJson(ids))),
                                          times, *rows));
    for (size_t i = 0; i < ids.size(); ++i) {
      model[ids[i]].emplace(times[i].us, RowText(*rows, static_cast<int64_t>(i)));
    }
  };
  std::vector<int64_t> all;
  for (int64_t id = 0; id < 30; ++id) all.push_back(id);
  for (int round = 0; round < 15; ++round) {
    for (int n = 0; n < 20; ++n) step();
    const int64_t from = now + below(30);
    const TimeRange range{{from}, {from + below(40)}};
    ASSERT_EQ(RangeOf(store->log(0), all, range, 1 + static_cast<size_t>(below(40))),
              RangeOf(model, all, range));
    const Model frozen = model;
    const auto snapshot = store->Freeze().ValueOrDie();
    std::vector<WrittenPart> parts;
    std::thread writer([&] { parts = WriteAll(*snapshot); });
    for (int n = 0; n < 20; ++n) step();
    writer.join();
    const int parallelism = 1 + static_cast<int>(below(4));
    const auto other = round == 5 ? TestBackend::kRocks : TestBackend::kMemory;
    const auto stores = RestoreAt(other, parallelism, kMaxParallelism, {Readings()}, parts);
    for (const int64_t id : all) {
      std::vector<std::pair<int64_t, std::string>> restored;
      for (const auto& task : stores) {
        for (auto& row : RangeOf(task->log(0), {id}, {EventTime::Min(), EventTime::Max()}, 100)) {
          restored.push_back(std::move(row));
        }
      }
      ASSERT_EQ(restored, RangeOf(frozen, {id}, {EventTime::Min(), EventTime::Max()}));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, LogModelTest,
                         testing::Combine(testing::Values(TestBackend::kMemory,
                                                          TestBackend::kRocks),
                                          testing::Range(uint64_t{1}, uint64_t{7})));

class LogTest : public testing::TestWithParam<TestBackend> {};

INSTANTIATE_TEST_SUITE_P(All, LogTest, testing::Values(TestBackend::kMemory, TestBackend::kRocks),
                         [](const auto& info) { return NameOf(info.param); });

constexpr TimeRange kAlways{EventTime::Min(), EventTime::Max()};

// P2: with a TTL, a row is seen so long after it came; the snapshot says when that was.
TEST_P(LogTest, RowsAreGoneWhenTheirTtlIsOver) {
  StateSpec spec = Readings();
  spec.ttl_us = 1000;
  auto store = MakeTestStore(GetParam(), {spec}, 0, 1, kMaxParallelism);
  const auto keys = KeysOf(Encoder(), *RowsOf(Readings().key, "[[1],[1],[2]]"));
  const auto rows = RowsOf(Readings().value, R"([[1,"a"],[2,"b"],[3,"c"]])");
  const std::vector<EventTime> times = {{30}, {10}, {20}};
  for (const int64_t now : {5000, 5600}) {
    ASSERT_STATUS_OK(store->BeginCall(now));
    ASSERT_STATUS_OK(store->log(0).Append(keys, times, *rows));
  }
  const auto count = [](StateStore& of) { return RangeOf(of.log(0), {1, 2}, kAlways, 10).size(); };
  EXPECT_EQ(count(*store), 6u);
  const auto parts = WriteAll(*store->Freeze().ValueOrDie());
  ASSERT_STATUS_OK(store->BeginCall(6000));
  EXPECT_EQ(count(*store), 3u);
  ASSERT_STATUS_OK(store->BeginCall(6599));
  ASSERT_STATUS_OK(store->log(0).Append(keys, times, *rows));
  ASSERT_STATUS_OK(store->BeginCall(6600));
  EXPECT_EQ(count(*store), 3u);
  ASSERT_STATUS_OK(store->BeginCall(8000));
  EXPECT_EQ(count(*store), 0u);
  for (const auto& restored : RestoreAt(GetParam(), 1, kMaxParallelism, {spec}, parts)) {
    ASSERT_STATUS_OK(restored->BeginCall(6000));
    EXPECT_EQ(count(*restored), 3u);
  }
}

// P2: only the groups that got or lost rows are new.
TEST_P(LogTest, VersionsOfPartsTellWhatChanged) {
  auto store = MakeTestStore(GetParam(), {Readings()}, 0, 1, kMaxParallelism);
  const auto all = KeysOf(Encoder(), *RowsOf(Readings().key, "[[1],[2],[3],[4],[5],[6]]"));
  const auto rows =
      RowsOf(Readings().value, R"([[1,"a"],[2,"b"],[3,"c"],[4,"d"],[5,"e"],[6,"f"]])");
  const std::vector<EventTime> times(6, EventTime{100});
  ASSERT_STATUS_OK(store->log(0).Append(all, times, *rows));
  auto before = store->Freeze().ValueOrDie();
  const auto changed = [&] {
    auto after = store->Freeze().ValueOrDie();
    size_t count = 0;
    for (const PartId& id : after->parts()) {
      count += after->PartVersion(id) != before->PartVersion(id);
    }
    before = std::move(after);
    return count;
  };
  EXPECT_EQ(RangeOf(store->log(0), {1, 2, 3}, kAlways, 10).size(), 3u);
  ASSERT_STATUS_OK(store->log(0).TrimBefore({100}));
  EXPECT_EQ(changed(), 0u);
  const std::vector<EventTime> later = {EventTime{200}};
  ASSERT_STATUS_OK(store->log(0).Append(KeysOf(Encoder(), *RowsOf(Readings().key, "[[3]]")), later,
                                        *rows->Slice(0, 1)));
  EXPECT_EQ(changed(), 1u);
  EXPECT_EQ(changed(), 0u);
  ASSERT_STATUS_OK(store->log(0).TrimBefore({101}));
  EXPECT_GT(changed(), 0u);
}

TEST(MemoryLog, MemoryOfTrimmedRowsIsUsedAgain) {
  auto store = MakeTestStore(TestBackend::kMemory, {Readings()}, 0, 1, kMaxParallelism);
  const auto keys = KeysOf(Encoder(), *RowsOf(Readings().key, "[[1],[2],[3]]"));
  const auto rows = RowsOf(Readings().value, R"([[1,"a"],[2,"b"],[3,"c"]])");
  int64_t before = 0;
  for (int64_t t = 0; t < 20000; ++t) {
    const std::vector<EventTime> times(3, EventTime{t});
    ASSERT_STATUS_OK(store->log(0).Append(keys, times, *rows));
    ASSERT_STATUS_OK(store->log(0).TrimBefore({t - 10}));
    if (t == 1000) before = store->memory_bytes();
  }
  EXPECT_LE(store->memory_bytes(), before + before / 10);
}

}  // namespace
}  // namespace millrace

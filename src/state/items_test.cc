#include <arrow/type.h>
#include <gmock/gmock.h>

#include "state/state.h"
#include "state/test_rows.h"

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::Pair;

StateSpec Requests() {
  StateSpec spec;
  spec.name = "requests";
  spec.kind = StateKind::kItems;
  return spec;
}

std::vector<std::pair<uint64_t, std::string>> HeadersOf(StateStore& store) {
  std::vector<std::pair<uint64_t, std::string>> found;
  const Status status =
      store.items(0).ForEach([&](uint64_t id, const Batch&, const std::string& header) {
        found.emplace_back(id, header);
        return Status::OK();
      });
  EXPECT_TRUE(status.ok());
  return found;
}

std::unique_ptr<StateStore> NewStore() {
  return MakeMemoryStateStore("node", {Requests()}, 0, 1, 128).ValueOrDie();
}

TEST(MemoryItems, KeepsRowsKindsAndHeaders) {
  Schema schema;
  schema.Add("a", SqlType::Int());
  auto store = NewStore();
  Batch batch{RowsOf(schema, "[[1],[2]]"), nullptr, 77};
  batch.kinds = std::static_pointer_cast<arrow::Int8Array>(
      arrow::json::ArrayFromJSONString(arrow::int8(), "[0, 3]").ValueOrDie());
  ASSERT_STATUS_OK(store->items(0).Put(5, batch, "with kinds"));
  ASSERT_STATUS_OK(store->items(0).Put(6, {RowsOf(schema, "[[3]]"), nullptr, 0}, "inserts"));
  ASSERT_STATUS_OK(store->items(0).Put(7, {}, std::string("no\0rows", 7)));
  const auto restored = RestoreAt(TestBackend::kMemory, 1, 128, {Requests()},
                                  WriteAll(*store->Freeze().ValueOrDie()));
  EXPECT_THAT(HeadersOf(*restored[0]), ElementsAre(Pair(1, "with kinds"), Pair(2, "inserts"),
                                                   Pair(3, std::string("no\0rows", 7))));
  std::vector<Batch> rows;
  ASSERT_STATUS_OK(restored[0]->items(0).ForEach([&](uint64_t, const Batch& b, const std::string&) {
    rows.push_back(b);
    return Status::OK();
  }));
  EXPECT_TRUE(rows[0].rows->Equals(*batch.rows));
  EXPECT_TRUE(rows[0].kinds->Equals(*batch.kinds));
  EXPECT_EQ(rows[0].ingest_us, 77);
  EXPECT_EQ(rows[1].kinds, nullptr);
  EXPECT_EQ(rows[2].rows, nullptr);
}

TEST(MemoryItems, ASnapshotDoesNotSeeLaterChanges) {
  auto store = NewStore();
  ASSERT_STATUS_OK(store->items(0).Put(1, {}, "one"));
  const auto snapshot = store->Freeze().ValueOrDie();
  ASSERT_STATUS_OK(store->items(0).Put(1, {}, "changed"));
  ASSERT_STATUS_OK(store->items(0).Put(2, {}, "two"));
  const auto restored = RestoreAt(TestBackend::kMemory, 1, 128, {Requests()}, WriteAll(*snapshot));
  EXPECT_THAT(HeadersOf(*restored[0]), ElementsAre(Pair(1, "one")));
}

/// Lists of five items of three subtasks, as two have them after a restore.
std::vector<std::vector<std::string>> Rescaled(const StateSpec& spec) {
  std::vector<WrittenPart> parts;
  for (int subtask = 0; subtask < 3; ++subtask) {
    auto store = MakeMemoryStateStore("node", {spec}, subtask, 3, 128).ValueOrDie();
    for (uint64_t id = 1; id <= 5; ++id) {
      const std::string header = std::to_string(subtask) + "/" + std::to_string(id);
      EXPECT_TRUE(store->items(0).Put(id, {}, header).ok());
    }
    parts.push_back(WriteAll(*store->Freeze().ValueOrDie()).at(0));
  }
  std::vector<std::vector<std::string>> dealt;
  for (const auto& store : RestoreAt(TestBackend::kMemory, 2, 128, {spec}, parts)) {
    auto& headers = dealt.emplace_back();
    for (const auto& [id, header] : HeadersOf(*store)) headers.push_back(header);
  }
  return dealt;
}

// P2: on a rescale every item goes to exactly one instance, behind what was before it in its list.
TEST(MemoryItems, AListStaysTogetherOnARescale) {
  EXPECT_THAT(Rescaled(Requests()), ElementsAre(ElementsAre("0/1", "0/2", "0/3", "0/4", "0/5",
                                                            "2/1", "2/2", "2/3", "2/4", "2/5"),
                                                ElementsAre("1/1", "1/2", "1/3", "1/4", "1/5")));
}

TEST(MemoryItems, AreDealtOutOneByOneWhereTheySayTheyMayBe) {
  StateSpec splits = Requests();
  splits.one_by_one = true;
  EXPECT_THAT(Rescaled(splits),
              ElementsAre(ElementsAre("0/1", "0/3", "0/5", "1/2", "1/4", "2/1", "2/3", "2/5"),
                          ElementsAre("0/2", "0/4", "1/1", "1/3", "1/5", "2/2", "2/4")));
}

TEST(MemoryItems, TheVersionOfThePartTellsWhetherTheListChanged) {
  auto store = NewStore();
  ASSERT_STATUS_OK(store->items(0).Put(1, {}, "a"));
  const PartId part = store->Freeze().ValueOrDie()->parts().at(0);
  const auto version = [&] { return store->Freeze().ValueOrDie()->PartVersion(part); };
  uint64_t last = version();
  EXPECT_EQ(HeadersOf(*store).size(), 1u);
  EXPECT_EQ(version(), last);
  ASSERT_STATUS_OK(store->items(0).Put(1, {}, "b"));
  EXPECT_GT(version(), last);
  last = version();
  ASSERT_STATUS_OK(store->items(0).Remove(1));
  EXPECT_GT(version(), last);
}

}  // namespace
}  // namespace millrace

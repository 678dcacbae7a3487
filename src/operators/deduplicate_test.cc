#include <map>
#include <optional>
#include <random>
#include <set>

#include <gmock/gmock.h>

#include "operators/operator_harness.h"

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

Schema Input() {
  return SchemaOf({{"v", SqlType::Int()}, {"k", SqlType::String()}, {"ts", SqlType::Timestamp(3)}});
}

std::string At(int second) {
  return "1970-01-01 00:00:" + std::string(second < 10 ? "0" : "") + std::to_string(second);
}

struct Options {
  bool rowtime = true;
  bool keep_last = false;
  ChangelogMode output = ChangelogMode::kRetract;
  ChangelogMode input = ChangelogMode::kAppend;
};

struct Row {
  int v = 0;
  std::string k;
  int second = 0;

  std::string Json() const {
    return "[" + std::to_string(v) + ",\"" + k + "\",\"" + At(second) + "\"]";
  }
  std::string Text() const {
    return "(" + std::to_string(v) + ", " + k + ", " + At(second) + ".000000)";
  }
};

Batch Rows(const std::vector<Row>& rows) {
  std::string json = "[";
  for (const Row& row : rows) json += (json.size() > 1 ? "," : "") + row.Json();
  return BatchOf(Input(), json + "]");
}

class DeduplicateTest : public testing::Test {
 protected:
  std::unique_ptr<OperatorHarness> Make(const Options& options) {
    auto config = std::make_shared<DeduplicateConfig>();
    config->keys = {1};
    config->time_column = options.rowtime ? 2 : -1;
    config->keep_last = options.keep_last;
    std::vector<PortPlan> ports = {{"main", Input(), options.output},
                                   {"late", Input(), ChangelogMode::kAppend}};
    return std::make_unique<OperatorHarness>(services_, config, std::move(ports),
                                             std::vector<Schema>{Input()}, options.input);
  }

  TestServices services_;
};

TEST_F(DeduplicateTest, TheFirstByArrivalLeavesAtOnceAndOnce) {
  auto h = Make({.rowtime = false, .output = ChangelogMode::kAppend});
  h->Open();
  h->Push(Rows({{1, "a", 9}, {2, "a", 1}, {3, "b", 5}}));
  EXPECT_THAT(h->Taken(), ElementsAre("+I(1, a, 1970-01-01 00:00:09.000000)",
                                      "+I(3, b, 1970-01-01 00:00:05.000000)"));
  h->Push(Rows({{4, "b", 1}}));
  EXPECT_THAT(h->Taken(), IsEmpty());
}

TEST_F(DeduplicateTest, TheLastByArrivalTakesThePlaceOfTheOneBefore) {
  auto h = Make({.rowtime = false, .keep_last = true});
  h->Open();
  h->Push(Rows({{1, "a", 9}, {2, "a", 1}}));
  h->Push(Rows({{3, "a", 5}}));
  h->Push(Rows({{3, "a", 5}}));
  EXPECT_THAT(h->Taken(), ElementsAre("+I(2, a, 1970-01-01 00:00:01.000000)",
                                      "-U(2, a, 1970-01-01 00:00:01.000000)",
                                      "+U(3, a, 1970-01-01 00:00:05.000000)"));
}

TEST_F(DeduplicateTest, AKeyBeginsAnewWhenItsTimeIsOver) {
  services_.state_ttl_us_ = 10;
  auto first = Make({.rowtime = false, .output = ChangelogMode::kAppend});
  auto last = Make({.rowtime = false, .keep_last = true});
  for (auto* h : {first.get(), last.get()}) {
    h->Open();
    h->Push(Rows({{1, "a", 9}}));
    h->Taken();
  }
  services_.env_.now_us += 9;
  first->Push(Rows({{2, "a", 9}}));
  EXPECT_THAT(first->Taken(), IsEmpty());
  last->Push(Rows({{2, "a", 9}}));
  EXPECT_THAT(last->Taken(), ElementsAre(testing::StartsWith("-U(1"), testing::StartsWith("+U(2")));
  services_.env_.now_us += 9;  // the last one was written again, the first one was not
  first->Push(Rows({{3, "a", 9}}));
  EXPECT_THAT(first->Taken(), ElementsAre(testing::StartsWith("+I(3")));
  last->Push(Rows({{3, "a", 9}}));
  EXPECT_THAT(last->Taken(), ElementsAre(testing::StartsWith("-U(2"), testing::StartsWith("+U(3")));
  services_.env_.now_us += 10;
  last->Push(Rows({{4, "a", 9}}));
  EXPECT_THAT(last->Taken(), ElementsAre(testing::StartsWith("+I(4")));
  ASSERT_TRUE(first->status.ok() && last->status.ok()) << first->status << last->status;
}

TEST_F(DeduplicateTest, AnUpsertStreamLeavesOutTheRowBefore) {
  for (const bool rowtime : {false, true}) {
    auto h = Make({.rowtime = rowtime, .keep_last = true, .output = ChangelogMode::kUpsert});
    h->Open();
    h->Push(Rows({{1, "a", 5}}));
    h->Push(Rows({{2, "a", 5}}));
    h->Push(Rows({{3, "a", 4}}));
    auto expected = std::vector<std::string>{"+I(1, a, 1970-01-01 00:00:05.000000)",
                                             "+U(2, a, 1970-01-01 00:00:05.000000)"};
    if (!rowtime) expected.emplace_back("+U(3, a, 1970-01-01 00:00:04.000000)");
    EXPECT_EQ(h->Taken(), expected) << rowtime;
  }
}

TEST_F(DeduplicateTest, AnUpsertInputGetsTheRowsBefore) {
  auto h = Make({.rowtime = false, .keep_last = true, .input = ChangelogMode::kUpsert});
  h->Open();
  const auto push = [&](const std::vector<Row>& rows, const std::vector<RowKind>& kinds) {
    Batch batch = Rows(rows);
    arrow::Int8Builder builder;
    for (const RowKind kind : kinds) ASSERT_TRUE(builder.Append(static_cast<int8_t>(kind)).ok());
    ASSERT_TRUE(builder.Finish(&batch.kinds).ok());
    h->Push(std::move(batch));
  };
  constexpr auto kUpsert = RowKind::kUpdateAfter;
  constexpr auto kDelete = RowKind::kDelete;
  // A deletion of a key that is not there, and one within the batch, are nothing.
  push({{1, "a", 1}, {2, "b", 2}, {0, "c", 0}, {3, "d", 3}, {0, "d", 0}},
       {kUpsert, kUpsert, kDelete, kUpsert, kDelete});
  EXPECT_THAT(h->Taken(), ElementsAre("+I" + Row{1, "a", 1}.Text(), "+I" + Row{2, "b", 2}.Text()));
  push({{4, "a", 4}, {0, "b", 0}, {5, "d", 5}}, {kUpsert, kDelete, kUpsert});
  EXPECT_THAT(h->Taken(), ElementsAre("-U" + Row{1, "a", 1}.Text(), "+U" + Row{4, "a", 4}.Text(),
                                      "-D" + Row{2, "b", 2}.Text(), "+I" + Row{5, "d", 5}.Text()));
  push({{6, "b", 6}}, {kUpsert});
  EXPECT_THAT(h->Taken(), ElementsAre("+I" + Row{6, "b", 6}.Text()));
}

TEST_F(DeduplicateTest, OfEqualTimesTheFirstStaysTheFirst) {
  auto h = Make({});
  h->Open();
  h->Push(Rows({{1, "a", 5}, {2, "a", 5}}));
  h->Push(Rows({{3, "a", 5}}));
  EXPECT_THAT(h->Taken(), ElementsAre("+I(1, a, 1970-01-01 00:00:05.000000)"));
}

TEST_F(DeduplicateTest, AnAppendOnlyFirstWaitsUntilNoEarlierOneComes) {
  auto h = Make({.output = ChangelogMode::kAppend});
  h->Open();
  h->Push(Rows({{1, "a", 5}, {2, "b", 3}}));
  h->Push(Rows({{3, "a", 4}}));
  EXPECT_THAT(h->Taken(), IsEmpty());
  const auto parts = h->Snapshot();
  h = Make({.output = ChangelogMode::kAppend});
  h->Open(parts);
  h->PushTime(4'000'000);
  EXPECT_THAT(h->Taken(), ElementsAre("+I(2, b, 1970-01-01 00:00:03.000000)",
                                      "+I(3, a, 1970-01-01 00:00:04.000000)", "watermark 4000000"));
  h->Push(Rows({{4, "b", 9}, {5, "c", 3}, {6, "a", 4}}));
  EXPECT_THAT(h->Taken(), ElementsAre("late: +I(5, c, 1970-01-01 00:00:03.000000)"));
  h->PushTime(EventTime::Max().us);
  EXPECT_THAT(h->Taken(), ElementsAre("end"));
  ASSERT_TRUE(h->status.ok()) << h->status.ToString();
}

TEST_F(DeduplicateTest, OfAWindowOneRowLeavesAtItsEnd) {
  const Schema schema = SchemaOf({{"k", SqlType::String()},
                                  {"ts", SqlType::Timestamp(3)},
                                  {"window_end", SqlType::Timestamp(3)}});
  auto config = std::make_shared<DeduplicateConfig>();
  config->keys = {0, 2};
  config->time_column = 1;
  config->keep_last = true;
  config->window_end = 2;
  const std::vector<PortPlan> ports = {{"main", schema}, {"late", schema}};
  auto h = std::make_unique<OperatorHarness>(services_, config, ports, std::vector{schema});
  h->Open();
  h->Push(BatchOf(schema, R"([["a","1970-01-01 00:00:03","1970-01-01 00:00:10"],
                              ["a","1970-01-01 00:00:02","1970-01-01 00:00:10"],
                              ["a","1970-01-01 00:00:12","1970-01-01 00:00:20"],
                              ["b","1970-01-01 00:00:09","1970-01-01 00:00:10"]])"));
  const auto parts = h->Snapshot();
  h = std::make_unique<OperatorHarness>(services_, config, ports, std::vector{schema});
  h->Open(parts);
  h->PushTime(9'999'000);
  const std::string end = "1970-01-01 00:00:10.000000)";
  EXPECT_THAT(h->Taken(), UnorderedElementsAre("+I(a, 1970-01-01 00:00:03.000000, " + end,
                                               "+I(b, 1970-01-01 00:00:09.000000, " + end,
                                               "watermark 9999000"));
  h->Push(BatchOf(schema, R"([["c","1970-01-01 00:00:03","1970-01-01 00:00:10"]])"));
  EXPECT_THAT(h->Taken(), ElementsAre("late: +I(c, 1970-01-01 00:00:03.000000, " + end));
  EXPECT_EQ(h->table(0).size(), 1);
  ASSERT_TRUE(h->status.ok()) << h->status.ToString();
}

class RandomDeduplicateTest : public DeduplicateTest, public testing::WithParamInterface<int> {};

TEST_P(RandomDeduplicateTest, EqualsTheReferenceAlsoAfterRestores) {
  std::mt19937 random(static_cast<uint32_t>(GetParam()));
  const auto below = [&](int n) { return static_cast<int>(random() % static_cast<uint32_t>(n)); };
  const Options options{.rowtime = below(2) == 0, .keep_last = below(2) == 0};
  auto h = Make(options);
  h->Open();
  std::map<std::string, Row> expected;
  std::multiset<std::string> actual;
  for (int step = 0; step < 40; ++step) {
    std::vector<Row> rows;
    for (int i = below(8); i >= 0; --i) {
      rows.push_back({below(100), std::string(1, static_cast<char>('a' + below(5))), below(60)});
      const auto [at, inserted] = expected.emplace(rows.back().k, rows.back());
      const int time = options.rowtime ? rows.back().second : 0;
      const int before = options.rowtime ? at->second.second : 0;
      const bool replaces = options.keep_last ? time >= before : time < before;
      if (!inserted && replaces) at->second = rows.back();
    }
    h->Push(Rows(rows));
    for (const std::string& change : h->Taken()) {
      if (change[0] == '+') {
        actual.insert(change.substr(2));
      } else {
        ASSERT_EQ(actual.erase(change.substr(2)), 1u) << change;
      }
    }
    std::multiset<std::string> texts;
    for (const auto& [k, row] : expected) texts.insert(row.Text());
    ASSERT_EQ(actual, texts) << "step " << step;
    if (below(5) == 0) {
      const auto parts = h->Snapshot();
      h = Make(options);
      h->Open(parts);
    }
  }
  EXPECT_TRUE(h->status.ok()) << h->status.ToString();
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomDeduplicateTest, testing::Range(1, 41));

}  // namespace
}  // namespace millrace

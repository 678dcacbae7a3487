#include <algorithm>
#include <limits>
#include <optional>
#include <random>
#include <set>

#include <gmock/gmock.h>

#include "operators/operator_harness.h"

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr int64_t kAll = std::numeric_limits<int64_t>::max();

Schema Input() {
  return SchemaOf({{"k", SqlType::String()}, {"v", SqlType::Int()}, {"id", SqlType::BigInt()}});
}

struct Options {
  int64_t from = 1;
  int64_t to = 2;
  bool numbered = false;
  ChangelogMode input = ChangelogMode::kAppend;
  ChangelogMode output = ChangelogMode::kRetract;
  bool final = false;
  bool ascending = false;
};

class RankTest : public testing::Test {
 protected:
  std::unique_ptr<OperatorHarness> Make(const Options& options) {
    auto config = std::make_shared<RankConfig>();
    config->keys = {0};
    config->order = {{1, options.ascending, options.ascending}};
    config->from = options.from;
    config->to = options.to;
    config->final = options.final;
    Schema schema = Input();
    if (options.numbered) {
      config->number_name = "rn";
      schema.Add("rn", SqlType::BigInt());
    }
    PortPlan port{"main", schema, options.output};
    return std::make_unique<OperatorHarness>(services_, config, std::vector<PortPlan>{port},
                                             std::vector<Schema>{Input()}, options.input);
  }
  static Batch Rows(const std::string& json, const std::string& kinds = {}) {
    return BatchOf(Input(), json, kinds);
  }

  TestServices services_;
};

TEST_F(RankTest, WithoutNumbersSaysWhichRowsLeaveAndEnter) {
  auto h = Make({});
  h->Open();
  h->Push(Rows(R"([["a",1,1],["a",5,2],["b",7,3]])"));
  EXPECT_THAT(h->Taken(), ElementsAre("+I(a, 5, 2)", "+I(a, 1, 1)", "+I(b, 7, 3)"));
  h->Push(Rows(R"([["a",3,4]])"));
  EXPECT_THAT(h->Taken(), ElementsAre("-D(a, 1, 1)", "+I(a, 3, 4)"));
  h->Push(Rows(R"([["a",2,5],["a",null,6]])"));
  EXPECT_THAT(h->Taken(), IsEmpty());
  ASSERT_TRUE(h->status.ok()) << h->status.ToString();
}

TEST_F(RankTest, RowsAreForgottenWhenTheirTimeIsOver) {
  services_.state_ttl_us_ = 10;
  auto h = Make({});
  h->Open();
  h->Push(Rows(R"([["a",7,1],["b",9,2]])"));
  services_.env_.now_us += 6;
  h->Push(Rows(R"([["a",5,3]])"));
  h->Taken();
  services_.env_.now_us += 6;
  // The 7 is over; without it there is room for a second row.
  h->Push(Rows(R"([["a",1,4]])"));
  EXPECT_THAT(h->Taken(), ElementsAre("+I(a, 1, 4)"));
  h->Push(Rows(R"([["b",2,5]])"));
  EXPECT_THAT(h->Taken(), ElementsAre("+I(b, 2, 5)"));
  services_.env_.now_us += 20;
  h->Push(Rows(R"([["a",3,6],["a",4,7],["a",6,8]])"));
  EXPECT_THAT(h->Taken(), ElementsAre("+I(a, 6, 8)", "+I(a, 4, 7)"));
  ASSERT_TRUE(h->status.ok()) << h->status.ToString();
}

TEST_F(RankTest, ARowThatIsOverCannotBeTakenBack) {
  services_.state_ttl_us_ = 10;
  auto h = Make({.to = 1, .input = ChangelogMode::kRetract});
  h->Open();
  h->Push(Rows(R"([["a",7,1],["c",1,9]])"));
  services_.env_.now_us += 6;
  h->Push(Rows(R"([["a",5,2]])"));
  h->Taken();
  services_.env_.now_us += 6;
  h->Push(Rows(R"([["a",7,1],["a",9,3]])", "[3,0]"));
  EXPECT_THAT(h->Taken(), ElementsAre("-U(a, 5, 2)", "+U(a, 9, 3)"));
  h->Push(Rows(R"([["a",9,3]])", "[3]"));
  EXPECT_THAT(h->Taken(), ElementsAre("-U(a, 9, 3)", "+U(a, 5, 2)"));
  ASSERT_TRUE(h->status.ok()) << h->status.ToString();
}

TEST_F(RankTest, WithNumbersSaysHowEachRankChanges) {
  auto h = Make({.to = 3, .numbered = true});
  h->Open();
  h->Push(Rows(R"([["a",1,1],["a",5,2]])"));
  EXPECT_THAT(h->Taken(), ElementsAre("+I(a, 5, 2, 1)", "+I(a, 1, 1, 2)"));
  h->Push(Rows(R"([["a",3,3]])"));
  EXPECT_THAT(h->Taken(), ElementsAre("-U(a, 1, 1, 2)", "+U(a, 3, 3, 2)", "+I(a, 1, 1, 3)"));
  auto upsert = Make({.to = 1, .numbered = true, .output = ChangelogMode::kUpsert});
  upsert->Open();
  upsert->Push(Rows(R"([["a",1,1]])"));
  upsert->Push(Rows(R"([["a",2,2]])"));
  EXPECT_THAT(upsert->Taken(), ElementsAre("+I(a, 1, 1, 1)", "+U(a, 2, 2, 1)"));
}

TEST_F(RankTest, OfEqualRowsTheEarlierIsBefore) {
  auto h = Make({});
  h->Open();
  h->Push(Rows(R"([["a",1,1],["a",1,2],["a",1,3]])"));
  EXPECT_THAT(h->Taken(), ElementsAre("+I(a, 1, 1)", "+I(a, 1, 2)"));
}

TEST_F(RankTest, OfAChangelogTheNextRowMovesUp) {
  auto h = Make({.to = 1, .input = ChangelogMode::kRetract});
  h->Open();
  h->Push(Rows(R"([["a",1,1],["a",5,2]])"));
  EXPECT_THAT(h->Taken(), ElementsAre("+I(a, 5, 2)"));
  h->Push(Rows(R"([["a",5,2],["a",4,9]])", "[3,3]"));
  EXPECT_THAT(h->Taken(), ElementsAre("-U(a, 5, 2)", "+U(a, 1, 1)")) << "no row 9 ever came";
  h->Push(Rows(R"([["a",1,1]])", "[1]"));
  EXPECT_THAT(h->Taken(), ElementsAre("-D(a, 1, 1)"));
  EXPECT_EQ(h->table(0).size(), 0);
}

TEST_F(RankTest, OfAppendOnlyRowsKeepsNoMoreThanTheTopN) {
  auto h = Make({.from = 2, .to = 3});
  h->Open();
  for (int i = 0; i < 50; ++i) h->Push(Rows("[[\"a\"," + std::to_string(i * 7 % 50) + ",1]]"));
  EXPECT_EQ(h->table(0).size(), 3);
}

TEST_F(RankTest, ARowThatMovesBetweenKeysLeavesBeforeItEnters) {
  for (const bool numbered : {false, true}) {
    auto h = Make({.numbered = numbered, .input = ChangelogMode::kRetract});
    h->Open();
    h->Push(Rows(R"([["b",1,1],["a",1,2]])"));
    h->Taken();
    h->Push(Rows(R"([["b",2,2],["a",1,2]])", "[2,1]"));
    const auto said = h->Taken();
    EXPECT_TRUE(said[0].starts_with("-D(a, 1, 2")) << said[0];
    EXPECT_TRUE(said[1].starts_with(numbered ? "-U(b, 1, 1" : "+I(b, 2, 2")) << said[1];
  }
}

TEST_F(RankTest, AFinalOneSortsAtTheEnd) {
  auto h = Make({.from = 2,
                 .to = kAll,
                 .numbered = true,
                 .output = ChangelogMode::kAppend,
                 .final = true,
                 .ascending = true});
  h->Open();
  h->Push(Rows(R"([["a",3,1],["a",1,2],["b",1,3],["a",null,4]])"));
  const auto parts = h->Snapshot();
  h = Make({.from = 2,
            .to = kAll,
            .numbered = true,
            .output = ChangelogMode::kAppend,
            .final = true,
            .ascending = true});
  h->Open(parts);
  h->Push(Rows(R"([["a",1,5],["b",0,6]])"));
  EXPECT_THAT(h->Taken(), IsEmpty());
  h->Finish();
  EXPECT_THAT(h->Taken(), testing::UnorderedElementsAre("+I(a, 1, 2, 2)", "+I(a, 1, 5, 3)",
                                                        "+I(a, 3, 1, 4)", "+I(b, 1, 3, 2)"));
  EXPECT_EQ(h->table(0).size(), 0);
}

TEST_F(RankTest, AFinalOneStopsWhereThereIsNoRoom) {
  auto h = Make({.to = kAll, .output = ChangelogMode::kAppend, .final = true});
  h->Open();
  h->Push(Rows(R"([["a",3,1],["b",1,2]])"));
  h->room = false;
  ASSERT_TRUE(h->op().Finish(0, *h).ok());
  EXPECT_EQ(h->Run(), Step::kMore);
  EXPECT_THAT(h->Taken(), IsEmpty());
  h->room = true;
  h->RunAll();
  EXPECT_EQ(h->Taken().size(), 2u);
}

Schema Windowed() {
  return SchemaOf(
      {{"k", SqlType::String()}, {"v", SqlType::Int()}, {"window_end", SqlType::Timestamp(3)}});
}

class WindowRankTest : public RankTest {
 protected:
  std::unique_ptr<OperatorHarness> MakeWindow(bool late = true, bool local = false) {
    auto config = std::make_shared<RankConfig>();
    config->keys = {0, 2};
    config->order = {{1, true, true}};
    config->to = 2;
    config->number_name = "rn";
    config->window_end = 2;
    config->window_local = local;
    Schema schema = Windowed();
    schema.Add("rn", SqlType::BigInt());
    std::vector<PortPlan> ports = {{"main", schema, ChangelogMode::kAppend}};
    if (late) ports.push_back({"late", Windowed(), ChangelogMode::kAppend});
    return std::make_unique<OperatorHarness>(services_, config, ports,
                                             std::vector<Schema>{Windowed()},
                                             ChangelogMode::kAppend, "America/New_York");
  }
  static Batch Rows(const std::string& json) { return BatchOf(Windowed(), json); }
};

TEST_F(WindowRankTest, RowsLeaveBeforeTheWatermarkThatClosesTheirWindow) {
  auto h = MakeWindow();
  h->Open();
  h->Push(Rows(R"([["a",3,"1970-01-01 00:00:20"],["a",2,"1970-01-01 00:00:10"],
                   ["a",1,"1970-01-01 00:00:10"],["a",5,"1970-01-01 00:00:10"]])"));
  h->PushTime(9'998'999);
  EXPECT_THAT(h->Taken(), ElementsAre("watermark 9998999"));
  const auto parts = h->Snapshot();
  h = MakeWindow();
  h->Open(parts);
  h->PushTime(9'999'000);
  EXPECT_THAT(h->Taken(),
              ElementsAre("+I(a, 1, 1970-01-01 00:00:10.000000, 1)",
                          "+I(a, 2, 1970-01-01 00:00:10.000000, 2)", "watermark 9999000"));
  h->Push(Rows(R"([["a",0,"1970-01-01 00:00:10"]])"));
  EXPECT_THAT(h->Taken(), ElementsAre("late: +I(a, 0, 1970-01-01 00:00:10.000000)"));
  h->PushTime(EventTime::Max().us);
  EXPECT_THAT(h->Taken(), ElementsAre("+I(a, 3, 1970-01-01 00:00:20.000000, 1)", "end"));
  EXPECT_EQ(h->table(0).size(), 0);
  ASSERT_TRUE(h->status.ok()) << h->status.ToString();
}

TEST_F(WindowRankTest, LocalWindowsCloseByTheZoneOfTheSession) {
  auto h = MakeWindow(true, true);
  h->Open();
  h->Push(Rows(R"([["a",3,"1970-01-01 00:00:10"]])"));
  constexpr int64_t kFiveHours = int64_t{5} * 3600 * 1'000'000;
  h->PushTime(kFiveHours + 9'998'999);
  EXPECT_THAT(h->Taken(), ElementsAre("watermark 18009998999"));
  h->PushTime(kFiveHours + 9'999'000);
  EXPECT_THAT(h->Taken(),
              ElementsAre("+I(a, 3, 1970-01-01 00:00:10.000000, 1)", "watermark 18009999000"));
}

TEST_F(WindowRankTest, CountsLateRowsThatNobodyWants) {
  auto h = MakeWindow(false);
  h->Open();
  h->PushTime(20'000'000);
  h->Push(Rows(R"([["a",3,"1970-01-01 00:00:20"],["a",3,"1970-01-01 00:00:30"]])"));
  EXPECT_THAT(h->Taken(), ElementsAre("watermark 20000000"));
  EXPECT_EQ(h->metrics().counter("late_rows")->value(), 1);
}

// --- against a naive reference

struct Row {
  std::string k;
  std::optional<int> v;
  int64_t id = 0;
  int64_t arrival = 0;

  std::string Value() const { return v ? std::to_string(*v) : "null"; }
  std::string Json() const { return "[\"" + k + "\"," + Value() + "," + std::to_string(id) + "]"; }
  std::string Text() const { return k + ", " + Value() + ", " + std::to_string(id); }
};

/// The rows that Top-N is to have, as text.
std::multiset<std::string> Reference(std::vector<Row> rows, const Options& options) {
  std::stable_sort(rows.begin(), rows.end(), [&](const Row& a, const Row& b) {
    if (a.k != b.k) return a.k < b.k;
    // NULL is below all values.
    if (a.v != b.v) return options.ascending ? a.v < b.v : b.v < a.v;
    return a.arrival < b.arrival;
  });
  std::multiset<std::string> expected;
  int64_t rank = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    rank = i > 0 && rows[i].k == rows[i - 1].k ? rank + 1 : 1;
    if (rank < options.from || rank > options.to) continue;
    const std::string number = options.numbered ? ", " + std::to_string(rank) : "";
    expected.insert("(" + rows[i].Text() + number + ")");
  }
  return expected;
}

void Apply(const std::vector<std::string>& changes, std::multiset<std::string>* rows) {
  for (const std::string& change : changes) {
    const std::string row = change.substr(2);
    if (change[0] == '+') {
      rows->insert(row);
    } else {
      const auto found = rows->find(row);
      ASSERT_NE(found, rows->end()) << change << " takes back what was not said";
      rows->erase(found);
    }
  }
}

class RandomRankTest : public RankTest, public testing::WithParamInterface<int> {};

TEST_P(RandomRankTest, EqualsTheReferenceAlsoAfterRestores) {
  std::mt19937 random(static_cast<uint32_t>(GetParam()));
  const auto below = [&](int n) { return static_cast<int>(random() % static_cast<uint32_t>(n)); };
  Options options;
  options.from = 1 + below(2) * below(3);
  options.to = options.from + below(4);
  if (below(10) == 0) options.to = kAll;
  options.numbered = below(2) == 0;
  options.ascending = below(2) == 0;
  options.final = below(4) == 0;
  const bool retract = !options.final && below(2) == 0;
  if (retract) options.input = ChangelogMode::kRetract;
  if (options.final) options.output = ChangelogMode::kAppend;
  auto h = Make(options);
  h->Open();
  std::vector<Row> rows;
  std::multiset<std::string> actual;
  int64_t arrival = 0;
  for (int step = 0; step < 40; ++step) {
    std::string json, kinds;
    for (int i = below(12); i >= 0; --i) {
      Row row{std::string(1, static_cast<char>('a' + below(3))), below(8), below(4), arrival++};
      if (below(8) == 0) row.v.reset();
      const bool gone = retract && !rows.empty() && below(3) == 0;
      if (gone) {
        // Of equal rows the first leaves.
        const Row victim = rows[static_cast<size_t>(below(static_cast<int>(rows.size())))];
        const auto same = [&](const Row& r) { return r.Text() == victim.Text(); };
        rows.erase(std::find_if(rows.begin(), rows.end(), same));
        row = victim;
      } else {
        rows.push_back(row);
      }
      json += (json.empty() ? "[" : ",") + row.Json();
      kinds += (kinds.empty() ? "[" : ",") + std::string(gone ? "3" : "0");
    }
    h->Push(Rows(json + "]", kinds + "]"));
    Apply(h->Taken(), &actual);
    if (!options.final) {
      ASSERT_EQ(actual, Reference(rows, options)) << "step " << step;
    }
    if (below(6) == 0) {
      const auto parts = h->Snapshot();
      h = Make(options);
      h->Open(parts);
    }
  }
  if (options.final) h->Finish();
  Apply(h->Taken(), &actual);
  EXPECT_EQ(actual, Reference(rows, options));
  EXPECT_TRUE(h->status.ok()) << h->status.ToString();
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomRankTest, testing::Range(1, 61));

}  // namespace
}  // namespace millrace

// Aggregation by window. // P1
#include <algorithm>
#include <map>
#include <regex>
#include <tuple>

#include <gmock/gmock.h>

#include "operators/operator_harness.h"
#include "operators/test_aggregates.h"
#include "operators/window_time.h"

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;
using testing::UnorderedElementsAreArray;

constexpr int64_t kSecond = 1'000'000;

Schema Input(bool local = false) {
  return SchemaOf({{"k", SqlType::String()},
                   {"v", SqlType::BigInt()},
                   {"ts", local ? SqlType::TimestampLtz(3) : SqlType::Timestamp(3)}});
}

AggregateCall Sum(bool distinct = false) {
  return {"SUM", {Expression::Column(1, SqlType::BigInt())}, nullptr, distinct, SqlType::BigInt(),
          "s"};
}

WindowSpec Windows(WindowSpec::Kind kind, int64_t size_s, int64_t step_s = 0) {
  WindowSpec window;
  window.kind = kind;
  window.size_us = size_s * kSecond;
  window.step_us = step_s * kSecond;
  window.time_column = 2;
  return window;
}

using Kind = WindowSpec::Kind;

class WindowAggregateTest : public testing::Test {
 protected:
  WindowAggregateTest() { AddTestAggregates(services_.registries_); }

  std::unique_ptr<OperatorHarness> Make(WindowSpec window, std::vector<int> keys = {0},
                                        bool distinct = false, std::string zone = "UTC") {
    input_ = Input(zone != "UTC");
    auto config = std::make_shared<WindowAggregateConfig>();
    config->window = window;
    config->keys = keys;
    Schema output;
    for (const int key : keys) {
      config->key_names.push_back(input_.column(key).name);
      output.Add(input_.column(key).name, input_.column(key).type);
    }
    config->aggregates = {Sum(distinct)};
    config->allowed_lateness_us = lateness_us_;
    const bool local = zone != "UTC" || window.time_column < 0;
    output.Add("window_start", SqlType::Timestamp(3).AsNotNull());
    output.Add("window_end", SqlType::Timestamp(3).AsNotNull());
    output.Add("window_time",
               local ? SqlType::TimestampLtz(3).AsNotNull() : SqlType::Timestamp(3).AsNotNull());
    output.Add("s", SqlType::BigInt());
    std::vector<PortPlan> ports = {{"main", output}};
    if (window.time_column >= 0) ports.push_back({"late", input_});
    return std::make_unique<OperatorHarness>(services_, config, ports, std::vector<Schema>{input_},
                                             changelog_, zone);
  }

  /// Rows [key, value, seconds].
  void Push(OperatorHarness& harness, const std::string& rows, const std::string& kinds = {}) {
    static const std::regex kTime(R"(,(\d+)\])");
    harness.Push(BatchOf(input_, std::regex_replace(rows, kTime, ",$01000000]"), kinds));
  }

  /// What was sent, with times in seconds, without window_time.
  static std::vector<std::string> Sent(OperatorHarness& harness) {
    static const std::regex kTime(R"(1970-01-01 (\d\d):(\d\d):(\d\d)\.(\d\d\d)000Z?)");
    static const std::regex kWindowTime(R"(, \d+\.999(?=[,)]))");
    std::vector<std::string> sent;
    for (std::string text : harness.Taken()) {
      std::string out;
      std::smatch match;
      while (std::regex_search(text, match, kTime)) {
        const int seconds =
            std::stoi(match[1]) * 3600 + std::stoi(match[2]) * 60 + std::stoi(match[3]);
        out += match.prefix().str() + std::to_string(seconds);
        if (match[4] != "000") out += "." + match[4].str();
        text = match.suffix();
      }
      out += text;
      sent.push_back(std::regex_replace(out, kWindowTime, ""));
    }
    return sent;
  }

  TestServices services_;
  Schema input_;
  ChangelogMode changelog_ = ChangelogMode::kAppend;
  int64_t lateness_us_ = 0;
};

TEST_F(WindowAggregateTest, WindowsLeaveWhenTheWatermarkPassesTheirLastMoment) {
  auto harness = Make(Windows(Kind::kTumble, 10));
  harness->Open();
  Push(*harness, R"([["a",1,1],["b",2,9],["a",3,4],["a",5,10]])");
  harness->PushTime(9'998'999);
  EXPECT_THAT(Sent(*harness), ElementsAre("watermark 9998999"));
  harness->PushTime(9'999'000);
  // The results are before their watermark.
  EXPECT_THAT(Sent(*harness),
              testing::AllOf(testing::Contains("+I(a, 0, 10, 4)"),
                             testing::Contains("+I(b, 0, 10, 2)"), testing::SizeIs(3)));
  harness->PushTime(EventTime::Max().us);
  EXPECT_THAT(Sent(*harness), ElementsAre("+I(a, 10, 20, 5)", "end"));
  ASSERT_TRUE(harness->status.ok()) << harness->status.ToString();
}

TEST_F(WindowAggregateTest, RowsOfClosedWindowsAreLateAndRowsWithoutTimeAreDead) {
  auto harness = Make(Windows(Kind::kTumble, 10));
  harness->Open();
  harness->PushTime(12 * kSecond);
  Push(*harness, R"([["a",1,9],["a",2,10],["a",3,null],["a",4,11],["b",5,3]])");
  harness->PushTime(20 * kSecond);
  EXPECT_THAT(Sent(*harness),
              ElementsAre("watermark 12000000",
                          "dead 2: the row's time is NULL: it is in no window", "late: +I(a, 1, 9)",
                          "late: +I(b, 5, 3)", "+I(a, 10, 20, 6)", "watermark 20000000"));
  ASSERT_TRUE(harness->status.ok()) << harness->status.ToString();
}

TEST_F(WindowAggregateTest, WithoutKeysThereIsARowPerWindow) {
  auto harness = Make(Windows(Kind::kTumble, 10), {});
  harness->Open();
  Push(*harness, R"([["a",1,1],["b",2,2],["c",4,12]])");
  harness->PushTime(EventTime::Max().us);
  EXPECT_THAT(Sent(*harness), UnorderedElementsAre("+I(0, 10, 3)", "+I(10, 20, 4)", "end"));
  ASSERT_TRUE(harness->status.ok()) << harness->status.ToString();
}

/// Every kind of window against sums by hand, over slices and, for DISTINCT, over whole windows:
/// rows out of order, watermarks in between, late for some windows of theirs only.
TEST_F(WindowAggregateTest, SlicesGiveWhatWholeWindowsGive) {
  struct Row {
    std::string key;
    int64_t value, second;
  };
  const std::vector<std::vector<Row>> batches = {
      {{"a", 1, 101}, {"b", 2, 103}, {"a", 4, 112}},
      {{"a", 8, 107}, {"b", 16, 111}, {"a", 32, 122}, {"c", 64, 100}},
      {{"a", 128, 114}, {"c", 256, 113}, {"b", 512, 147}, {"a", 1024, 102}},
      {{"d", 2048, 195}, {"a", 4096, 144}, {"e", 8192, 146}},
  };
  const int64_t watermarks[] = {106, 115, 150, 220};
  const WindowSpec windows[] = {
      Windows(Kind::kTumble, 10),
      Windows(Kind::kHop, 20, 5),
      Windows(Kind::kHop, 10, 10),
      Windows(Kind::kCumulate, 20, 5),
  };
  for (const WindowSpec& window : windows) {
    for (const bool distinct : {false, true}) {
      auto harness = Make(window, {0}, distinct);
      harness->Open();
      const WindowTimes times(window);
      std::map<std::tuple<std::string, int64_t, int64_t>, int64_t> sums;
      std::vector<std::string> expected;
      int64_t watermark = -1;
      for (size_t b = 0; b < batches.size(); ++b) {
        std::string json;
        for (const Row& row : batches[b]) {
          json += (json.empty() ? "[" : ",") + ("[\"" + row.key + "\",") +
                  std::to_string(row.value) + "," + std::to_string(row.second) + "]";
          const int64_t slice = times.SliceEnd(row.second * kSecond);
          bool late = true;
          for (int64_t end = slice; end <= times.LastEnd(slice); end += times.step()) {
            if (end - 1000 <= watermark * kSecond) continue;
            sums[{row.key, times.Start(end), end}] += row.value;
            late = false;
          }
          if (!late) continue;
          expected.push_back("late: +I(" + row.key + ", " + std::to_string(row.value) + ", " +
                             std::to_string(row.second) + ")");
        }
        Push(*harness, json + "]");
        harness->PushTime(watermarks[b] * kSecond);
        watermark = watermarks[b];
      }
      for (const auto& [at, sum] : sums) {
        const auto& [key, start, end] = at;
        std::string text = "+I(" + key + ", " + std::to_string(start / kSecond) + ", ";
        expected.push_back(text + std::to_string(end / kSecond) + ", " + std::to_string(sum) + ")");
      }
      std::vector<std::string> sent = Sent(*harness);
      std::erase_if(sent, [](const std::string& text) { return text.starts_with("watermark"); });
      EXPECT_THAT(sent, UnorderedElementsAreArray(expected))
          << static_cast<int>(window.kind) << (distinct ? " distinct" : "");
      ASSERT_TRUE(harness->status.ok()) << harness->status.ToString();
      EXPECT_EQ(harness->table(0).size(), 0);
      const bool whole = window.kind == Kind::kTumble && !distinct;
      if (!whole) {
        EXPECT_EQ(harness->table(1).size(), 0);
      }
    }
  }
}

/// Random rows of few keys through many windows, late for some of them, with a restore among them:
/// each window has the sum of its rows, also where the watermark passes several at once.
TEST_F(WindowAggregateTest, WindowsOfAnyOrderHaveTheSumsOfTheirRows) {
  for (const WindowSpec& window : {Windows(Kind::kTumble, 10), Windows(Kind::kHop, 50, 10),
                                   Windows(Kind::kHop, 20, 10), Windows(Kind::kCumulate, 40, 10)}) {
    const WindowTimes times(window);
    auto harness = Make(window, {1});
    harness->timers_at_once = 1000;
    harness->Open();
    uint64_t random = 7;
    const auto next = [&](uint64_t below) {
      random = random * 6364136223846793005u + 1442695040888963407u;
      return static_cast<int64_t>((random >> 33) % below);
    };
    std::map<std::tuple<int64_t, int64_t, int64_t>, int64_t> sums;
    std::vector<std::string> sent;
    int64_t watermark = 0, late_rows = 0;
    const auto take = [&] {
      for (const std::string& text : Sent(*harness)) {
        if (text.starts_with("+I")) sent.push_back(text);
        late_rows -= text.starts_with("late");
      }
    };
    for (int64_t batch = 0; batch < 150; ++batch) {
      std::string json;
      for (int64_t row = next(8); row >= 0; --row) {
        const int64_t key = 1 + next(4);
        const int64_t second = 100 + 15 * batch + next(100) - 70;
        json += (json.empty() ? "[" : ",") + ("[\"\"," + std::to_string(key)) + "," +
                std::to_string(second) + "]";
        const int64_t slice = times.SliceEnd(second * kSecond);
        bool late = true;
        for (int64_t end = slice; end <= times.LastEnd(slice); end += times.step()) {
          if (end - 1000 <= watermark) continue;
          sums[{key, times.Start(end), end}] += key;
          late = false;
        }
        late_rows += late;
      }
      Push(*harness, json + "]");
      if (batch == 75) {
        take();
        const auto parts = harness->Snapshot();
        harness = Make(window, {1});
        harness->Open(parts);
      }
      if (next(4) != 0) continue;
      watermark = std::max<int64_t>(watermark, (100 + 15 * batch - next(40)) * kSecond);
      harness->PushTime(watermark);
    }
    harness->PushTime(EventTime::Max().us);
    take();
    std::vector<std::string> expected;
    for (const auto& [at, sum] : sums) {
      const auto& [key, start, end] = at;
      expected.push_back("+I(" + std::to_string(key) + ", " + std::to_string(start / kSecond) +
                         ", " + std::to_string(end / kSecond) + ", " + std::to_string(sum) + ")");
    }
    EXPECT_THAT(sent, UnorderedElementsAreArray(expected));
    EXPECT_EQ(late_rows, 0);
    ASSERT_TRUE(harness->status.ok()) << harness->status.ToString();
    EXPECT_EQ(harness->table(0).size(), 0);
  }
}

TEST_F(WindowAggregateTest, ARestoreGoesOnWhereItWas) {
  for (const WindowSpec& window : {Windows(Kind::kTumble, 20), Windows(Kind::kHop, 20, 10),
                                   Windows(Kind::kCumulate, 20, 10), Windows(Kind::kSession, 5)}) {
    auto first = Make(window);
    first->Open();
    Push(*first, R"([["a",1,1],["b",2,3],["a",4,12]])");
    first->PushTime(11 * kSecond);
    const auto parts = first->Snapshot();
    Push(*first, R"([["a",8,13]])");
    Sent(*first);
    first->PushTime(EventTime::Max().us);

    auto second = Make(window);
    second->Open(parts);
    second->PushTime(11 * kSecond);
    Push(*second, R"([["a",8,13]])");
    EXPECT_THAT(Sent(*second), ElementsAre("watermark 11000000"));
    second->PushTime(EventTime::Max().us);
    EXPECT_THAT(Sent(*second), UnorderedElementsAreArray(Sent(*first)));
    ASSERT_TRUE(second->status.ok()) << second->status.ToString();
  }
}

TEST_F(WindowAggregateTest, RowsThatAreTakenBackLeaveTheirWindow) {
  changelog_ = ChangelogMode::kRetract;
  for (const WindowSpec& window : {Windows(Kind::kTumble, 20), Windows(Kind::kHop, 20, 10)}) {
    auto harness = Make(window);
    harness->Open();
    Push(*harness, R"([["a",1,11],["b",2,13],["a",4,12],["a",1,11],["b",2,13]])", "[0,0,0,1,3]");
    harness->PushTime(20 * kSecond);
    EXPECT_THAT(Sent(*harness), ElementsAre("+I(a, 0, 20, 4)", "watermark 20000000"));
    harness->PushTime(EventTime::Max().us);
    ASSERT_TRUE(harness->status.ok()) << harness->status.ToString();
    EXPECT_EQ(harness->table(0).size(), 0);
  }
}

TEST_F(WindowAggregateTest, AnIdleInputPassesOn) {
  auto harness = Make(Windows(Kind::kTumble, 10));
  harness->Open();
  EXPECT_TRUE(harness->op().ProcessWatermark(0, {{5}, true}, *harness).ok());
  EXPECT_THAT(Sent(*harness), IsEmpty());
  harness->Run();
  EXPECT_THAT(Sent(*harness), ElementsAre("idle"));
}

// 2024-11-03 has 25 hours in New York: from 04:00 to 05:00 of the next day in UTC.
TEST_F(WindowAggregateTest, LocalDaysCloseWhenTheyEndInTheSessionsZone) {
  auto harness = Make(Windows(Kind::kTumble, 86400), {}, false, "America/New_York");
  harness->Open();
  const int64_t midnight = 1730606400;
  Push(*harness, "[[\"a\",1," + std::to_string(midnight) + "],[\"a\",2," +
                     std::to_string(midnight + 25 * 3600 - 1) + "],[\"a\",4," +
                     std::to_string(midnight + 25 * 3600) + "]]");
  harness->PushTime((midnight + 24 * 3600) * kSecond);
  EXPECT_THAT(Sent(*harness), testing::SizeIs(1));
  harness->PushTime((midnight + 25 * 3600) * kSecond);
  EXPECT_THAT(harness->Taken(),
              ElementsAre("+I(2024-11-03 00:00:00.000000, 2024-11-04 00:00:00.000000, "
                          "2024-11-04 04:59:59.999000Z, 3)",
                          testing::StartsWith("watermark")));
  ASSERT_TRUE(harness->status.ok()) << harness->status.ToString();
}

TEST_F(WindowAggregateTest, ProcessingTimeWindowsLeaveByTheClockOrAtTheEnd) {
  WindowSpec window = Windows(Kind::kHop, 20, 10);
  window.time_column = -1;
  auto harness = Make(window);
  harness->Open();
  services_.env_.now_us = 5 * kSecond;
  Push(*harness, R"([["a",1,1],["b",2,3]])");
  harness->PushClock(10 * kSecond);
  EXPECT_THAT(harness->Taken(),
              UnorderedElementsAre("+I(a, 1969-12-31 23:59:50.000000, 1970-01-01 00:00:10.000000, "
                                   "1970-01-01 00:00:09.999000Z, 1)",
                                   "+I(b, 1969-12-31 23:59:50.000000, 1970-01-01 00:00:10.000000, "
                                   "1970-01-01 00:00:09.999000Z, 2)"));
  Push(*harness, R"([["a",4,1]])");
  harness->PushTime(EventTime::Max().us);
  EXPECT_THAT(Sent(*harness), UnorderedElementsAre("+I(a, 0, 20, 5)", "+I(b, 0, 20, 2)",
                                                   "+I(a, 10, 30, 4)", "end"));
  ASSERT_TRUE(harness->status.ok()) << harness->status.ToString();
}

TEST_F(WindowAggregateTest, RowsMayBringTheirWindows) {
  input_ = SchemaOf({{"k", SqlType::String()},
                     {"v", SqlType::BigInt()},
                     {"window_start", SqlType::Timestamp(3)},
                     {"window_end", SqlType::Timestamp(3)}});
  auto config = std::make_shared<WindowAggregateConfig>();
  config->window.kind = Kind::kAttached;
  config->window.start_column = 2;
  config->window.end_column = config->window.time_column = 3;
  config->aggregates = {Sum()};
  const Schema output = SchemaOf({{"window_start", SqlType::Timestamp(3).AsNotNull()},
                                  {"window_end", SqlType::Timestamp(3).AsNotNull()},
                                  {"window_time", SqlType::Timestamp(3).AsNotNull()},
                                  {"s", SqlType::BigInt()}});
  OperatorHarness harness(services_, config, {{"main", output}, {"late", input_}}, {input_});
  harness.Open();
  harness.Push(BatchOf(input_, R"([["a",1,0,10000000],["b",2,0,10000000],["c",4,5000000,10000000],
                                   ["d",8,0,20000000],["e",16,0,null]])"));
  harness.PushTime(12 * kSecond);
  harness.Push(BatchOf(input_, R"([["a",1,0,10000000],["b",2,0,20000000]])"));
  harness.PushTime(20 * kSecond);
  std::vector<std::string> sent = Sent(harness);
  EXPECT_THAT(sent,
              UnorderedElementsAre("dead 4: the row's time is NULL: it is in no window",
                                   "+I(0, 10, 3)", "+I(5, 10, 4)", "watermark 12000000",
                                   "late: +I(a, 1, 0, 10)", "+I(0, 20, 10)", "watermark 20000000"));
  ASSERT_TRUE(harness.status.ok()) << harness.status.ToString();
}

TEST_F(WindowAggregateTest, LateRowsCorrectTheirWindowForAWhile) {
  lateness_us_ = 5 * kSecond;
  for (const bool distinct : {false, true}) {
    auto harness = Make(Windows(Kind::kTumble, 10), {0}, distinct);
    harness->Open();
    Push(*harness, R"([["a",1,101],["b",2,115]])");
    harness->PushTime(112 * kSecond);
    EXPECT_THAT(Sent(*harness), ElementsAre("+I(a, 100, 110, 1)", "watermark 112000000"));
    Push(*harness, R"([["a",2,103],["c",4,109],["a",2,99]])");
    EXPECT_THAT(Sent(*harness), ElementsAre("late: +I(a, 2, 99)", "-U(a, 100, 110, 1)",
                                            "+U(a, 100, 110, 3)", "+I(c, 100, 110, 4)"));
    harness->PushTime(115 * kSecond);
    Push(*harness, R"([["a",8,104]])");
    harness->PushTime(EventTime::Max().us);
    EXPECT_THAT(Sent(*harness), ElementsAre("watermark 115000000", "late: +I(a, 8, 104)",
                                            "+I(b, 110, 120, 2)", "end"));
    ASSERT_TRUE(harness->status.ok()) << harness->status.ToString();
    EXPECT_EQ(harness->table(0).size(), 0);
  }
}

TEST_F(WindowAggregateTest, SessionsThatMeetAreOne) {
  auto harness = Make(Windows(Kind::kSession, 5));
  harness->Open();
  Push(*harness, R"([["a",1,110],["b",2,103],["a",4,120],["a",8,112]])");
  // Between the sessions of a, and touching both.
  Push(*harness, R"([["a",16,105],["a",32,116],["b",64,109]])");
  harness->PushTime(108 * kSecond);
  EXPECT_THAT(Sent(*harness), ElementsAre("+I(b, 103, 108, 2)", "watermark 108000000"));
  harness->PushTime(EventTime::Max().us);
  EXPECT_THAT(Sent(*harness),
              UnorderedElementsAre("+I(a, 105, 125, 61)", "+I(b, 109, 114, 64)", "end"));
  ASSERT_TRUE(harness->status.ok()) << harness->status.ToString();
  EXPECT_EQ(harness->table(0).size(), 0);
  EXPECT_EQ(harness->table(1).size(), 0);
}

TEST_F(WindowAggregateTest, ARowBehindTheWatermarkMayJoinAnOpenSession) {
  auto harness = Make(Windows(Kind::kSession, 5));
  harness->Open();
  Push(*harness, R"([["a",1,112]])");
  harness->PushTime(115 * kSecond);
  Push(*harness, R"([["a",2,108],["b",4,109],["a",8,null],["a",16,101]])");
  harness->PushTime(EventTime::Max().us);
  EXPECT_THAT(
      Sent(*harness),
      ElementsAre("watermark 115000000", "dead 2: the row's time is NULL: it is in no window",
                  "late: +I(b, 4, 109)", "late: +I(a, 16, 101)", "+I(a, 108, 117, 3)", "end"));
  ASSERT_TRUE(harness->status.ok()) << harness->status.ToString();
  EXPECT_EQ(harness->table(1).size(), 0);
}

/// Sessions of random rows against those that sorting finds.
TEST_F(WindowAggregateTest, SessionsOfAnyOrderAreThoseOfTheSortedRows) {
  for (const size_t batch_rows : {1, 3, 50}) {
    auto harness = Make(Windows(Kind::kSession, 5));
    harness->Open();
    std::map<std::string, std::vector<std::pair<int64_t, int64_t>>> rows;
    uint64_t random = 7;
    const auto next = [&](uint64_t below) {
      random = random * 6364136223846793005u + 1442695040888963407u;
      return (random >> 33) % below;
    };
    std::string json;
    for (size_t i = 0; i < 300; ++i) {
      const std::string key(1, static_cast<char>('a' + next(3)));
      const auto second = static_cast<int64_t>(100 + next(900));
      rows[key].emplace_back(second, i);
      json += (json.empty() ? "[" : ",") +
              ("[\"" + key + "\"," + std::to_string(i) + "," + std::to_string(second) + "]");
      if ((i + 1) % batch_rows != 0) continue;
      Push(*harness, json + "]");
      json.clear();
    }
    std::vector<std::string> expected = {"end"};
    for (auto& [key, times] : rows) {
      std::sort(times.begin(), times.end());
      int64_t start = times[0].first, last = start, sum = 0;
      const auto close = [&, &key = key] {
        expected.push_back("+I(" + key + ", " + std::to_string(start) + ", " +
                           std::to_string(last + 5) + ", " + std::to_string(sum) + ")");
      };
      for (const auto& [second, value] : times) {
        if (second > last + 5) {
          close();
          start = second;
          sum = 0;
        }
        last = second;
        sum += value;
      }
      close();
    }
    harness->PushTime(EventTime::Max().us);
    EXPECT_THAT(Sent(*harness), UnorderedElementsAreArray(expected));
    ASSERT_TRUE(harness->status.ok()) << harness->status.ToString();
  }
}

TEST_F(WindowAggregateTest, SessionsOfProcessingTimeEndByTheClock) {
  WindowSpec window = Windows(Kind::kSession, 5);
  window.time_column = -1;
  auto harness = Make(window);
  harness->Open();
  harness->PushClock(100 * kSecond);
  Push(*harness, R"([["a",1,1]])");
  harness->PushClock(103 * kSecond);
  Push(*harness, R"([["a",2,1]])");
  harness->PushClock(107 * kSecond);
  EXPECT_THAT(Sent(*harness), IsEmpty());
  harness->PushClock(108 * kSecond);
  EXPECT_THAT(Sent(*harness), ElementsAre("+I(a, 100, 108, 3)"));
  Push(*harness, R"([["a",4,1]])");
  harness->PushTime(EventTime::Max().us);
  EXPECT_THAT(Sent(*harness), ElementsAre("+I(a, 108, 113, 4)", "end"));
  ASSERT_TRUE(harness->status.ok()) << harness->status.ToString();
}

}  // namespace
}  // namespace millrace

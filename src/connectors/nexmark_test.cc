#include "connectors/nexmark.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "connectors/fake_world.h"
#include "connectors/nexmark_events.h"

namespace millrace {
namespace {

using testing::HasSubstr;

class NexmarkTest : public testing::Test {
 protected:
  NexmarkTest() { services_.all.connectors.Add(NexmarkConnector()); }
  std::unique_ptr<TestTable> Table(Schema schema, OptionMap options) {
    auto table = TestTable::Make(services_, "nexmark", std::move(schema), std::move(options));
    EXPECT_TRUE(table.ok()) << table.status();
    return std::move(table).ValueOr(nullptr);
  }
  FakeServices services_;
};

TEST_F(NexmarkTest, EventsHaveTheBenchmarksMix) {
  const auto table = Table(Schema({{"event_type", SqlType::Int(), {}}}), {{"events.num", "5000"}});
  std::map<std::string, int> counts;
  for (const auto& line : *table->ReadAll()) ++counts[line];
  EXPECT_EQ(counts, (std::map<std::string, int>{{"0", 100}, {"1", 300}, {"2", 4600}}));
}

TEST_F(NexmarkTest, OnlyTheEventsOwnRowIsThere) {
  const auto table = Table(NexmarkSchema(), {{"events.num", "200"}});
  const auto lines = *table->ReadAll();
  ASSERT_EQ(lines.size(), 200u);
  for (const auto& line : lines) {
    EXPECT_EQ(line[0] == '0', line.find("|+I[") == 1) << line;
    EXPECT_THAT(line, line[0] == '0'   ? HasSubstr("|null|null|2015-07-15T")
                      : line[0] == '1' ? HasSubstr("1|null|+I[")
                                       : HasSubstr("2|null|null|+I["));
  }
  EXPECT_THAT(lines[50], HasSubstr("0|+I[1001, "));
  EXPECT_THAT(lines[51], HasSubstr("1|null|+I[1003, "));
}

TEST_F(NexmarkTest, BidsReferToAuctionsAndPersons) {
  const Schema schema(
      {{"bid",
        SqlType::Row({{"auction", SqlType::BigInt(), {}}, {"bidder", SqlType::BigInt(), {}}}),
        {}}});
  const auto table = Table(schema, {{"events.num", "50000"}});
  int64_t hot_auctions = 0, hot_bidders = 0, bids = 0;
  for (const auto& line : *table->ReadAll()) {
    long long auction, bidder;
    if (std::sscanf(line.c_str(), "+I[%lld, %lld]", &auction, &bidder) != 2) continue;
    ++bids;
    EXPECT_GE(auction, 1000);
    EXPECT_LE(auction, 1000 + 3 * 1000 + 10);
    EXPECT_GE(bidder, 1000);
    EXPECT_LE(bidder, 1000 + 1000 + 10);
    hot_auctions += auction % 100 == 0;
    hot_bidders += bidder % 100 == 1;
  }
  EXPECT_EQ(bids, 46'000);
  EXPECT_NEAR(static_cast<double>(hot_auctions) / 46'000, 0.5, 0.02);
  EXPECT_NEAR(static_cast<double>(hot_bidders) / 46'000, 0.75, 0.02);
}

TEST_F(NexmarkTest, TheSameAtAnyParallelismAndAfterARestore) {
  const auto table = Table(NexmarkSchema(), {{"events.num", "300"}});
  auto whole = *table->ReadAll();
  std::sort(whole.begin(), whole.end());
  for (int polls = 0; polls < 6; ++polls) {
    const auto splits = *table->Splits(3);
    const auto first = *table->Reader(splits);
    auto lines = *table->Read(*first, 37, 1 << 20, polls);
    const auto second = *table->Reader(*first->Snapshot());
    for (auto& line : *table->Read(*second)) lines.push_back(line);
    std::sort(lines.begin(), lines.end());
    EXPECT_EQ(lines, whole) << "after " << polls << " polls";
  }
}

TEST_F(NexmarkTest, WrongColumnsAreTold) {
  const struct {
    Schema schema;
    const char* error;
  } cases[] = {
      {Schema({{"event_typ", SqlType::Int(), {}}}), "did you mean 'event_type'?"},
      {Schema({{"event_type", SqlType::String(), {}}}), "is INT, not STRING"},
      {Schema({{"bid", SqlType::Row({{"prize", SqlType::BigInt(), {}}}), {}}}),
       "did you mean 'price'?"},
  };
  for (const auto& test : cases) {
    const auto made = TestTable::Make(services_, "nexmark", test.schema, {});
    EXPECT_THAT(Describe(made.status()), HasSubstr(test.error));
  }
}

}  // namespace
}  // namespace millrace

#include "connectors/datagen.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "connectors/fake_world.h"

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class DatagenTest : public testing::Test {
 protected:
  DatagenTest() { services_.all.connectors.Add(DatagenConnector()); }

  std::unique_ptr<TestTable> Table(Schema schema, OptionMap options) {
    auto table = TestTable::Make(services_, "datagen", std::move(schema), std::move(options));
    EXPECT_TRUE(table.ok()) << table.status();
    return std::move(table).ValueOr(nullptr);
  }
  std::string ErrorOf(Schema schema, OptionMap options) {
    return Describe(
        TestTable::Make(services_, "datagen", std::move(schema), std::move(options)).status());
  }

  FakeServices services_;
};

Schema One(SqlType type) { return Schema({{"a", std::move(type), {}}}); }

TEST_F(DatagenTest, SequencesEndTheSource) {
  const auto table = Table(Schema({{"id", SqlType::BigInt(), {}}, {"s", SqlType::String(), {}}}),
                           {{"rows-per-second", "0"},
                            {"fields.id.kind", "sequence"},
                            {"fields.id.start", "5"},
                            {"fields.id.end", "7"},
                            {"fields.s.kind", "sequence"},
                            {"fields.s.start", "1"},
                            {"fields.s.end", "100"}});
  EXPECT_TRUE(table->resolved.connector->bounded(table->resolved.options));
  EXPECT_THAT(*table->ReadAll(), ElementsAre("5|1", "6|2", "7|3"));
}

TEST_F(DatagenTest, ParallelReadersShareTheRows) {
  const auto table = Table(One(SqlType::Int()),
                           {{"rows-per-second", "0"}, {"number-of-rows", "1000"}, {"seed", "1"}});
  auto whole = *table->ReadAll();
  std::vector<std::string> shared;
  const auto splits = *table->Splits(3);
  ASSERT_EQ(splits.size(), 3u);
  for (const auto& split : splits) {
    const auto reader = *table->Reader({split});
    for (auto& line : *table->Read(*reader, 7)) shared.push_back(line);
  }
  std::sort(whole.begin(), whole.end());
  std::sort(shared.begin(), shared.end());
  EXPECT_EQ(whole.size(), 1000u);
  EXPECT_EQ(shared, whole);
}

TEST_F(DatagenTest, RateIsExact) {
  const auto table = Table(One(SqlType::Int()), {{"rows-per-second", "3"}});
  const auto reader = *table->Reader(*table->Splits());
  const int64_t start = services_.fake_env.now_us;
  EXPECT_EQ(table->Read(*reader)->size(), 1u);
  // What again_at says is enough, and not too early, ten thousand times over.
  int64_t rows = 1;
  for (int i = 0; i < 10'000; ++i) {
    const auto poll = *reader->PollNext(1000, 1000);
    ASSERT_EQ(poll.kind, Poll::Kind::kNotReady);
    services_.fake_env.now_us = poll.again_at.us - 1;
    ASSERT_EQ(reader->PollNext(1000, 1000)->kind, Poll::Kind::kNotReady);
    services_.fake_env.now_us = poll.again_at.us;
    rows += static_cast<int64_t>(table->Read(*reader)->size());
  }
  EXPECT_EQ(rows, 10'001);
  EXPECT_EQ(services_.fake_env.now_us - start, 3'333'333'334);
}

TEST_F(DatagenTest, ResumesAnywhere) {
  const auto table =
      Table(Schema({{"a", SqlType::Double(), {}}, {"b", SqlType::Array(SqlType::Int()), {}}}),
            {{"rows-per-second", "0"}, {"number-of-rows", "40"}});
  const auto splits = *table->Splits(2);
  const auto reader = *table->Reader(splits);
  const auto whole = *table->Read(*reader, 7);
  ASSERT_EQ(whole.size(), 40u);
  for (int polls = 0; polls < 9; ++polls) {
    const auto first = *table->Reader(splits);
    auto lines = *table->Read(*first, 7, 1 << 20, polls);
    const auto second = *table->Reader(*first->Snapshot());
    for (auto& line : *table->Read(*second, 7)) lines.push_back(line);
    auto expected = whole;
    std::sort(lines.begin(), lines.end());
    std::sort(expected.begin(), expected.end());
    EXPECT_EQ(lines, expected) << "after " << polls << " polls";
  }
}

TEST_F(DatagenTest, EveryTypeWithinItsBounds) {
  const std::vector<SqlType> types = {
      SqlType::Boolean(),
      SqlType::TinyInt(),
      SqlType::SmallInt(),
      SqlType::Int(),
      SqlType::BigInt(),
      SqlType::Float(),
      SqlType::Double(),
      SqlType::Decimal(38, 10),
      SqlType::Decimal(5, 2),
      SqlType::Char(3),
      SqlType::VarChar(5),
      SqlType::String(),
      SqlType::Binary(4),
      SqlType::Bytes(),
      SqlType::Date(),
      SqlType::Time(3),
      SqlType::Timestamp(3),
      SqlType::TimestampLtz(6),
      SqlType::IntervalYearMonth(),
      SqlType::IntervalDayTime(),
      SqlType::Array(SqlType::String()),
      SqlType::Map(SqlType::String(), SqlType::Int()),
      SqlType::Row({{"x", SqlType::Int(), {}}, {"y", SqlType::Array(SqlType::Double()), {}}})};
  for (const auto& type : types) {
    for (const char* rate : {"0", "0.5", "1"}) {
      const auto table = Table(
          One(type),
          {{"rows-per-second", "0"}, {"number-of-rows", "1000"}, {"fields.a.null-rate", rate}});
      const auto lines = table->ReadAll();
      ASSERT_TRUE(lines.ok()) << type.ToString() << lines.status();
      const auto nulls = std::count(lines->begin(), lines->end(), "null");
      EXPECT_NEAR(static_cast<double>(nulls), 1000 * std::stod(rate), 60) << type.ToString();
    }
  }
}

TEST_F(DatagenTest, OptionsShapeTheValues) {
  const auto table = Table(Schema({{"i", SqlType::Int(), {}},
                                   {"d", SqlType::Double(), {}},
                                   {"n", SqlType::Decimal(4, 2), {}},
                                   {"s", SqlType::String(), {}},
                                   {"t", SqlType::Timestamp(3), {}},
                                   {"l", SqlType::Array(SqlType::Int()), {}}}),
                           {{"rows-per-second", "0"},
                            {"number-of-rows", "500"},
                            {"fields.i.min", "-1"},
                            {"fields.i.max", "1"},
                            {"fields.d.min", "2"},
                            {"fields.d.max", "3"},
                            {"fields.n.min", "0.10"},
                            {"fields.n.max", "0.12"},
                            {"fields.s.length", "4"},
                            {"fields.s.var-len", "true"},
                            {"fields.t.max-past", "1 s"},
                            {"fields.l.length", "2"},
                            {"fields.l.element.max", "0"},
                            {"fields.l.element.min", "0"}});
  std::set<std::string> ints, decimals;
  std::set<size_t> lengths;
  for (const auto& line : *table->ReadAll()) {
    std::vector<std::string> values;
    std::istringstream in(line);
    for (std::string value; std::getline(in, value, '|');) values.push_back(value);
    ASSERT_EQ(values.size(), 6u);
    ints.insert(values[0]);
    EXPECT_TRUE(values[1] >= "2" && values[1] < "3") << values[1];
    decimals.insert(values[2]);
    lengths.insert(values[3].size());
    EXPECT_TRUE(values[4] > "2023-11-14T22:13:18.99" && values[4] <= "2023-11-14T22:13:20")
        << values[4];
    EXPECT_EQ(values[5], "[0, 0]");
  }
  EXPECT_THAT(ints, ElementsAre("-1", "0", "1"));
  EXPECT_THAT(decimals, ElementsAre("0.10", "0.11", "0.12"));
  EXPECT_THAT(lengths, ElementsAre(1, 2, 3, 4));
}

TEST_F(DatagenTest, WrongOptionsAreTold) {
  const struct {
    SqlType type;
    OptionMap options;
    const char* error;
  } cases[] = {
      {SqlType::Int(), {{"fields.b.min", "1"}}, "no option 'fields.b.min'"},
      {SqlType::Int(), {{"fields.a.mn", "1"}}, "did you mean 'fields.a.min'?"},
      {SqlType::Int(), {{"fields.a.min", "x"}}, "'fields.a.min' = 'x', but the column is INT"},
      {SqlType::TinyInt(), {{"fields.a.max", "200"}}, "an integer from -128 to 127"},
      {SqlType::Int(), {{"fields.a.min", "5"}, {"fields.a.max", "4"}}, "a number from 'min' on"},
      {SqlType::Int(), {{"fields.a.kind", "seq"}}, "'random' or 'sequence'"},
      {SqlType::Int(), {{"fields.a.kind", "sequence"}}, "needs 'fields.a.start'"},
      {SqlType::Boolean(),
       {{"fields.a.kind", "sequence"}, {"fields.a.start", "1"}, {"fields.a.end", "2"}},
       "has no sequences"},
      {SqlType::Int().AsNotNull(), {{"fields.a.null-rate", "0.1"}}, "fields.a.null-rate"},
      {SqlType::Int(), {{"rows-per-secnd", "1"}}, "did you mean 'rows-per-second'?"},
  };
  for (const auto& test : cases) {
    EXPECT_THAT(ErrorOf(One(test.type), test.options), HasSubstr(test.error));
  }
}

}  // namespace
}  // namespace millrace

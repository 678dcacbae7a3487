#include "operators/sort_keys.h"

#include <gmock/gmock.h>

#include "operators/operator_harness.h"

namespace millrace {
namespace {

using testing::HasSubstr;

struct Case {
  SqlType type;
  std::string ascending;  ///< values in order, each above the one before it
};

std::string Encoded(const Case& test, bool ascending, bool nulls_first, size_t row) {
  const Schema schema = SchemaOf({{"c", test.type}});
  const auto encoder = SortEncoder::Make(schema, {{0, ascending, nulls_first}}).ValueOrDie();
  SortKeys keys;
  encoder.Encode(*BatchOf(schema, test.ascending).rows, &keys);
  return std::string(keys.key(row));
}

TEST(SortKeysTest, ComparesBytesAsValues) {
  const Case cases[] = {
      {SqlType::Boolean(), "[[false],[true]]"},
      {SqlType::TinyInt(), "[[-128],[-1],[0],[1],[127]]"},
      {SqlType::SmallInt(), "[[-32768],[-1],[0],[256],[32767]]"},
      {SqlType::Int(), "[[-2147483648],[-256],[-1],[0],[255],[65536],[2147483647]]"},
      {SqlType::BigInt(), "[[-9223372036854775808],[-1],[0],[4294967296],[9223372036854775807]]"},
      {SqlType::Float(), "[[-1e30],[-0.5],[0.0],[1e-30],[2.5],[1e30]]"},
      {SqlType::Double(), "[[-1e300],[-2.0],[-1.5],[0.0],[1e-300],[3.25],[1e300]]"},
      {SqlType::Decimal(38, 2),
       R"([["-999999999999999999999.00"],["-0.01"],["0.00"],["0.01"],["999999999999999999999.00"]])"},
      {SqlType::String(),
       R"([[""],["\u0000"],["\u0000\u0000"],["\u0000a"],["a"],["a\u0000"],["aa"],["b"],["ä"],["東"]])"},
      {SqlType::Date(), "[[-365],[0],[19000]]"},
      {SqlType::Timestamp(3),
       R"([["1969-12-31 23:59:59"],["1970-01-01 00:00:00"],["2024-01-01 00:00:00"]])"},
  };
  for (const Case& test : cases) {
    const auto rows =
        static_cast<size_t>(BatchOf(SchemaOf({{"c", test.type}}), test.ascending).num_rows());
    for (size_t i = 0; i < rows; ++i) {
      for (size_t j = 0; j < rows; ++j) {
        const auto where = testing::Message() << test.type.ToString() << " " << i << " " << j;
        EXPECT_EQ(Encoded(test, true, true, i) < Encoded(test, true, true, j), i < j) << where;
        EXPECT_EQ(Encoded(test, false, true, i) < Encoded(test, false, true, j), i > j) << where;
      }
    }
  }
}

TEST(SortKeysTest, PutsNullsWhereTheyAreWanted) {
  const Case test{SqlType::Int(), "[[null],[-5],[5]]"};
  for (const bool ascending : {true, false}) {
    for (const size_t value : {1, 2}) {
      EXPECT_LT(Encoded(test, ascending, true, 0), Encoded(test, ascending, true, value));
      EXPECT_GT(Encoded(test, ascending, false, 0), Encoded(test, ascending, false, value));
    }
  }
}

TEST(SortKeysTest, ZeroHasOneSignAndNaNIsAboveAllNumbers) {
  const Case test{SqlType::Double(), "[[-0.0],[0.0],[Inf],[NaN]]"};
  EXPECT_EQ(Encoded(test, true, true, 0), Encoded(test, true, true, 1));
  EXPECT_LT(Encoded(test, true, true, 2), Encoded(test, true, true, 3));
}

TEST(SortKeysTest, LaterColumnsDecideBetweenEqualOnes) {
  const Schema schema = SchemaOf({{"s", SqlType::String()}, {"n", SqlType::Int()}});
  const auto encoder = SortEncoder::Make(schema, {{0, true, true}, {1, false, false}}).ValueOrDie();
  SortKeys keys;
  encoder.Encode(*BatchOf(schema, R"([["a",9],["a",1],["a",null],["ab",9],["b",null]])").rows,
                 &keys);
  for (size_t i = 1; i < 5; ++i) EXPECT_LT(keys.key(i - 1), keys.key(i)) << i;
}

TEST(SortKeysTest, RefusesTypesWithoutOrder) {
  const Schema schema = SchemaOf({{"tags", SqlType::Array(SqlType::Int())}});
  const auto made = SortEncoder::Make(schema, {{0, true, true}});
  ASSERT_FALSE(made.ok());
  EXPECT_THAT(made.status().ToString(), HasSubstr("'tags' is ARRAY<INT>, which has no order"));
}

}  // namespace
}  // namespace millrace

#include "types/row_keys.h"

#include <cmath>
#include <set>

#include <arrow/array.h>
#include <arrow/json/from_string.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace {
namespace {

using testing::HasSubstr;

std::shared_ptr<arrow::RecordBatch> Rows(const Schema& schema, const std::string& json) {
  const auto type = arrow::struct_(schema.ToArrow()->fields());
  const auto array = arrow::json::ArrayFromJSONString(type, json).ValueOrDie();
  return arrow::RecordBatch::FromStructArray(array).ValueOrDie();
}

RowKeys Encoded(const KeyEncoder& encoder, const arrow::RecordBatch& rows) {
  RowKeys keys;
  EXPECT_TRUE(encoder.Encode(rows, &keys).ok());
  return keys;
}

const Schema kEverything(
    {{"flag", SqlType::Boolean(), {}},
     {"tiny", SqlType::TinyInt(), {}},
     {"small", SqlType::SmallInt(), {}},
     {"i", SqlType::Int(), {}},
     {"big", SqlType::BigInt(), {}},
     {"f", SqlType::Float(), {}},
     {"d", SqlType::Double(), {}},
     {"price", SqlType::Decimal(20, 2), {}},
     {"name", SqlType::String(), {}},
     {"raw", SqlType::Bytes(), {}},
     {"day", SqlType::Date(), {}},
     {"at", SqlType::Timestamp(3), {}},
     {"place", SqlType::Row({{"x", SqlType::Int(), {}}, {"city", SqlType::String(), {}}}), {}}});

TEST(RowKeysTest, DecodeGivesBackWhatWasEncoded) {
  const auto rows = Rows(kEverything, R"([
    [true, 1, -2, 3, -4, 1.5, -2.5, "12.50", "é", "ab", 19000, 1700000000000000, [7, "Bern"]],
    [null, null, null, null, null, null, null, null, null, null, null, null, null],
    [false, -128, 32767, -2147483648, 9223372036854775807, 0, 0, "-99999999999.99", "", "", -1, -1, [null, null]]])");
  std::vector<int> columns(static_cast<size_t>(kEverything.size()));
  for (size_t i = 0; i < columns.size(); ++i) columns[i] = static_cast<int>(i);
  const auto encoder = KeyEncoder::Make(kEverything, columns).ValueOrDie();
  const RowKeys keys = Encoded(encoder, *rows);
  const std::vector<std::string_view> views = {keys.key(0), keys.key(1), keys.key(2)};
  const auto decoded = encoder.Decode(views).ValueOrDie();
  EXPECT_TRUE(decoded->ValidateFull().ok());
  EXPECT_TRUE(decoded->Equals(*rows)) << decoded->ToString();
  // A NULL row and a row of NULLs are different keys.
  EXPECT_EQ((std::set<std::string_view>{views.begin(), views.end()}.size()), 3u);

  // The same rows as a slice of more.
  const RowKeys sliced = Encoded(encoder, *rows->Slice(1, 2));
  EXPECT_EQ(sliced.key(0), keys.key(1));
  EXPECT_EQ(sliced.key(1), keys.key(2));
  EXPECT_EQ(sliced.hashes[1], keys.hashes[2]);
}

TEST(RowKeysTest, TheEncodingIsFrozen) {
  const Schema schema({{"id", SqlType::Int(), {}}, {"name", SqlType::String(), {}}});
  const auto encoder = KeyEncoder::Make(schema, {1, 0}).ValueOrDie();
  const RowKeys keys = Encoded(encoder, *Rows(schema, R"([[258, "ab"], [null, null]])"));
  using namespace std::string_view_literals;
  EXPECT_EQ(keys.key(0), "\1\2\0\0\0ab\1\2\1\0\0"sv);
  EXPECT_EQ(keys.key(1), "\0\0"sv);
  // XXH3 (0.8) of no bytes at all; a change would lose every checkpoint.
  const auto none = KeyEncoder::Make(schema, {}).ValueOrDie();
  EXPECT_EQ(Encoded(none, *Rows(schema, R"([[1, "a"]])")).hashes[0], 0x2D06800538D394C2u);
}

TEST(RowKeysTest, EqualNumbersAreEqualKeys) {
  const Schema schema({{"f", SqlType::Float(), {}}, {"d", SqlType::Double(), {}}});
  const auto encoder = KeyEncoder::Make(schema, {0, 1}).ValueOrDie();
  arrow::FloatBuilder floats;
  arrow::DoubleBuilder doubles;
  ASSERT_TRUE(floats.AppendValues({0.0f, -0.0f, std::nanf("1"), -std::nanf("2")}).ok());
  ASSERT_TRUE(doubles.AppendValues({-0.0, 0.0, -std::nan("1"), std::nan("2")}).ok());
  const auto rows = arrow::RecordBatch::Make(
      schema.ToArrow(), 4, {floats.Finish().ValueOrDie(), doubles.Finish().ValueOrDie()});
  const RowKeys keys = Encoded(encoder, *rows);
  EXPECT_EQ(keys.key(0), keys.key(1));
  EXPECT_EQ(keys.key(2), keys.key(3));
  EXPECT_NE(keys.key(0), keys.key(2));
  EXPECT_EQ(keys.hashes[2], keys.hashes[3]);
}

TEST(RowKeysTest, LeadingColumnsChooseTheGroup) {
  const Schema schema({{"user", SqlType::String(), {}}, {"n", SqlType::Int(), {}}});
  const auto one = KeyEncoder::Make(schema, {0, 1}, 1).ValueOrDie();
  const RowKeys keys = Encoded(one, *Rows(schema, R"([["a", 1], ["a", 2], ["b", 1]])"));
  EXPECT_EQ(keys.group_hashes[0], keys.group_hashes[1]);
  EXPECT_NE(keys.hashes[0], keys.hashes[1]);
  EXPECT_NE(keys.group_hashes[0], keys.group_hashes[2]);
  // What an exchange by the group columns alone computes: rows meet their state.
  const auto exchange = KeyEncoder::Make(schema, {0}).ValueOrDie();
  EXPECT_EQ(Encoded(exchange, *Rows(schema, R"([["a", 9]])")).group_hashes[0],
            keys.group_hashes[0]);
}

TEST(RowKeysTest, BuffersAreReused) {
  const Schema schema({{"id", SqlType::BigInt(), {}}});
  const auto encoder = KeyEncoder::Make(schema, {0}).ValueOrDie();
  RowKeys keys;
  ASSERT_TRUE(encoder.Encode(*Rows(schema, "[[1], [2], [3]]"), &keys).ok());
  const char* bytes = keys.bytes.data();
  ASSERT_TRUE(encoder.Encode(*Rows(schema, "[[4], [null]]"), &keys).ok());
  EXPECT_EQ(keys.bytes.data(), bytes);
  EXPECT_EQ(keys.size(), 2);
  EXPECT_EQ(keys.offsets.size(), 3u);
}

TEST(RowKeysTest, RefusesCollectionsAndDamagedKeys) {
  const Schema schema({{"tags", SqlType::Array(SqlType::Int()), {}}, {"id", SqlType::Int(), {}}});
  const Status refused = KeyEncoder::Make(schema, {0}).status();
  EXPECT_THAT(refused.message(), HasSubstr("'tags' is ARRAY<INT>, which cannot be a key"));
  const auto encoder = KeyEncoder::Make(schema, {1}).ValueOrDie();
  for (const std::string& key :
       {std::string(), std::string("\1\0\0", 3), std::string("\1\0\0\0\0\0", 6)}) {
    const std::string_view view = key;
    EXPECT_FALSE(encoder.Decode({&view, 1}).ok()) << key.size();
  }
}

}  // namespace
}  // namespace millrace

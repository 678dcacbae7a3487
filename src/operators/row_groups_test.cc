#include "operators/row_groups.h"

#include <arrow/array.h>
#include <arrow/json/from_string.h>
#include <arrow/record_batch.h>
#include <gtest/gtest.h>

namespace millrace {
namespace {

std::shared_ptr<arrow::RecordBatch> RowsOf(const Schema& schema, const std::string& json) {
  const auto fields = schema.ToArrow()->fields();
  const auto rows = arrow::json::ArrayFromJSONString(arrow::struct_(fields), json).ValueOrDie();
  return arrow::RecordBatch::Make(schema.ToArrow(), rows->length(),
                                  static_cast<const arrow::StructArray&>(*rows).fields());
}

std::vector<uint32_t> PlacesOf(const RowGroups& groups) {
  return {groups.places().begin(), groups.places().end()};
}

TEST(RowGroupsTest, RowsWithEqualKeysAreOneGroup) {
  const struct {
    std::vector<SqlType> keys;
    std::string rows;
    std::vector<uint32_t> groups;
  } cases[] = {
      {{}, "[[], [], []]", {0, 0, 0}},
      {{SqlType::BigInt()}, "[[7], [0], [7], [-7], [0]]", {0, 1, 0, 2, 1}},
      {{SqlType::TinyInt()}, "[[7], [-7], [7]]", {0, 1, 0}},
      {{SqlType::BigInt()}, "[[null], [0], [null]]", {0, 1, 0}},
      {{SqlType::Double()}, "[[0.0], [-0.0], [NaN], [-NaN], [1.5]]", {0, 0, 1, 1, 2}},
      {{SqlType::Float()}, "[[-0.0], [0.0], [NaN], [1.5], [NaN]]", {0, 0, 1, 2, 1}},
      {{SqlType::String()}, R"([["a"], ["b"], ["a"], [""], [null]])", {0, 1, 0, 2, 3}},
      {{SqlType::Int(), SqlType::BigInt()}, "[[1, 2], [2, 1], [1, 2], [1, 1]]", {0, 1, 0, 2}},
      {{SqlType::Int(), SqlType::String()},
       R"([[1, "a"], [1, "b"], [2, "a"], [1, "a"]])",
       {0, 1, 2, 0}},
      {{SqlType::Boolean()}, "[[true], [false], [true]]", {0, 1, 0}},
  };
  for (const auto& each : cases) {
    Schema schema;
    std::vector<int> keys;
    for (const SqlType& type : each.keys) {
      keys.push_back(schema.size());
      schema.Add("k" + std::to_string(schema.size()), type);
    }
    RowGroups groups = RowGroups::Make(schema, keys).ValueOrDie();
    for (int again = 0; again < 2; ++again) {
      ASSERT_TRUE(groups.Find(*RowsOf(schema, each.rows)).ok());
      EXPECT_EQ(PlacesOf(groups), each.groups) << each.rows;
    }
  }
}

TEST(RowGroupsTest, WindowsCutGroups) {
  Schema schema;
  schema.Add("v", SqlType::String());
  schema.Add("k", SqlType::BigInt());
  const auto rows = RowsOf(schema, R"([["a", 1], ["b", 2], ["c", 1], ["d", 2], ["e", 1]])");
  RowGroups groups = RowGroups::Make(schema, {1}).ValueOrDie();
  ASSERT_TRUE(groups.Find(*rows).ok());
  const std::vector<int64_t> one(5, 100), by_key = {3, 4, 3, 4, 3}, cut = {5, 5, 6, 5, 5};
  groups.SplitBy(one);
  groups.SplitBy(by_key);
  EXPECT_EQ(PlacesOf(groups), (std::vector<uint32_t>{0, 1, 0, 1, 0}));
  groups.SplitBy(cut);
  EXPECT_EQ(PlacesOf(groups), (std::vector<uint32_t>{0, 1, 2, 1, 0}));
  EXPECT_EQ(groups.first_rows(), (std::vector<int32_t>{0, 1, 2}));
  EXPECT_EQ(groups.FirstOf(cut), (std::vector<int64_t>{5, 5, 6}));
  EXPECT_EQ(groups.Count({}), (std::vector<int64_t>{2, 2, 1}));
  EXPECT_EQ(groups.Count(std::vector<int8_t>{1, 1, 1, -1, 1}), (std::vector<int64_t>{2, 0, 1}));
  const std::vector<Slot> slots = {Slot{8}, Slot{3}, Slot{5}};
  EXPECT_EQ(groups.RowSlots(slots),
            (std::vector<Slot>{Slot{8}, Slot{3}, Slot{5}, Slot{3}, Slot{8}}));
  const arrow::ArrayVector keys = groups.Keys(*rows).ValueOrDie();
  ASSERT_EQ(keys.size(), 1u);
  EXPECT_TRUE(keys[0]->Equals(*RowsOf(schema, R"([["", 1], ["", 2], ["", 1]])")->column(1)));
}

TEST(RowGroupsTest, AnEmptyBatchHasNoGroups) {
  Schema schema;
  schema.Add("k", SqlType::BigInt());
  RowGroups groups = RowGroups::Make(schema, {0}).ValueOrDie();
  ASSERT_TRUE(groups.Find(*RowsOf(schema, "[]")).ok());
  EXPECT_EQ(groups.size(), 0u);
}

}  // namespace
}  // namespace millrace

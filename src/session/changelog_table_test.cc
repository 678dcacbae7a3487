#include "session/changelog_table.h"

namespace millrace {
namespace {

struct Row {
  RowKind kind;
  int64_t id;
  std::vector<int64_t> tags;
};

Schema Columns() {
  Schema schema;
  schema.Add("id", SqlType::BigInt());
  schema.Add("tags", SqlType::Array(SqlType::BigInt()));
  return schema;
}

Batch MakeBatch(const std::vector<Row>& rows) {
  arrow::Int64Builder ids;
  arrow::ListBuilder tags(arrow::default_memory_pool(), std::make_shared<arrow::Int64Builder>());
  arrow::Int8Builder kinds;
  for (const Row& row : rows) {
    EXPECT_TRUE(ids.Append(row.id).ok());
    EXPECT_TRUE(tags.Append().ok());
    for (const int64_t tag : row.tags) {
      EXPECT_TRUE(static_cast<arrow::Int64Builder*>(tags.value_builder())->Append(tag).ok());
    }
    EXPECT_TRUE(kinds.Append(static_cast<int8_t>(row.kind)).ok());
  }
  auto schema = Columns().ToArrow();
  auto list = tags.Finish().ValueOrDie();
  auto batch = arrow::RecordBatch::Make(
      schema, static_cast<int64_t>(rows.size()),
      {ids.Finish().ValueOrDie(), list->View(schema->field(1)->type()).ValueOrDie()});
  return {batch, std::static_pointer_cast<arrow::Int8Array>(kinds.Finish().ValueOrDie())};
}

/// The rows left, as "id:first tag".
std::vector<std::string> Left(const ChangelogTable& table) {
  std::vector<std::string> left;
  const auto rows = table.ToTable().ValueOrDie()->CombineChunksToBatch().ValueOrDie();
  const auto& ids = static_cast<const arrow::Int64Array&>(*rows->column(0));
  const auto& tags = static_cast<const arrow::ListArray&>(*rows->column(1));
  const auto& values = static_cast<const arrow::Int64Array&>(*tags.values());
  for (int64_t i = 0; i < rows->num_rows(); ++i) {
    left.push_back(std::to_string(ids.Value(i)) + ":" +
                   std::to_string(values.Value(tags.value_offset(i))));
  }
  return left;
}

constexpr RowKind kInsert = RowKind::kInsert, kBefore = RowKind::kUpdateBefore,
                  kAfter = RowKind::kUpdateAfter, kDelete = RowKind::kDelete;

TEST(ChangelogTable, RetractionsTakeBackEqualRowsArraysIncluded) {
  auto table = ChangelogTable::Make(Columns(), {}).ValueOrDie();
  ASSERT_TRUE(
      table.Apply(MakeBatch({{kInsert, 1, {7}}, {kInsert, 1, {8}}, {kInsert, 2, {9}}})).ok());
  EXPECT_EQ(Left(table), (std::vector<std::string>{"1:7", "1:8", "2:9"}));
  ASSERT_TRUE(
      table.Apply(MakeBatch({{kBefore, 1, {8}}, {kAfter, 1, {10}}, {kDelete, 2, {9}}})).ok());
  EXPECT_EQ(Left(table), (std::vector<std::string>{"1:7", "1:10"}));
  EXPECT_EQ(table.size(), 2);
}

TEST(ChangelogTable, EqualRowsAreCounted) {
  auto table = ChangelogTable::Make(Columns(), {}).ValueOrDie();
  ASSERT_TRUE(
      table.Apply(MakeBatch({{kInsert, 1, {7}}, {kInsert, 1, {7}}, {kDelete, 1, {7}}})).ok());
  EXPECT_EQ(Left(table), (std::vector<std::string>{"1:7"}));
}

TEST(ChangelogTable, UpsertsReplaceByKey) {
  auto table = ChangelogTable::Make(Columns(), {0}).ValueOrDie();
  ASSERT_TRUE(
      table.Apply(MakeBatch({{kInsert, 1, {7}}, {kInsert, 2, {8}}, {kAfter, 1, {9}}})).ok());
  EXPECT_EQ(Left(table), (std::vector<std::string>{"2:8", "1:9"}));
  ASSERT_TRUE(table.Apply(MakeBatch({{kDelete, 2, {0}}, {kDelete, 3, {0}}})).ok());
  EXPECT_EQ(Left(table), (std::vector<std::string>{"1:9"}));
}

}  // namespace
}  // namespace millrace

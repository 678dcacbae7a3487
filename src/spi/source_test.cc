#include "spi/source.h"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <gtest/gtest.h>

#include "spi/function.h"

namespace millrace {
namespace {

TEST(RejectedTest, KeepsTheRecordAsText) {
  const RejectedRecord records[] = {{"a.csv", 7, "not a number", "1,x\xFF"},
                                    {"b.csv", 8, "too long", std::string(100'000, 'y')}};
  const Batch batch = MakeRejected(records).ValueOrDie();
  ASSERT_TRUE(batch.rows->ValidateFull().ok());
  EXPECT_TRUE(batch.rows->schema()->Equals(*RejectedSchema().ToArrow()));
  const auto& raw = static_cast<const arrow::StringArray&>(*batch.rows->column(3));
  EXPECT_EQ(raw.GetView(0), "1,x\uFFFD");
  EXPECT_EQ(raw.GetView(1).size(), 65'536u);
  EXPECT_EQ(static_cast<const arrow::Int64Array&>(*batch.rows->column(1)).Value(0), 7);
  EXPECT_EQ(MakeRejected({}).ValueOrDie().num_rows(), 0);
}

TEST(RowErrorsTest, KeepsTheFirstOfEachActiveRow) {
  RowErrors errors(3);
  const uint8_t active[] = {1, 0, 1};
  errors.SetActive(active);
  errors.SetPosition({2, 5});
  errors.Add(2, "first");
  errors.Add(2, "second");
  errors.Add(1, "of another branch");
  ASSERT_EQ(errors.errors().size(), 1u);
  EXPECT_EQ(errors.errors()[0].text, "first");
  EXPECT_EQ(errors.errors()[0].position, (Position{2, 5}));
  EXPECT_TRUE(errors.HasError(2));
  EXPECT_FALSE(errors.HasError(1));
  errors.AddToAll("constant");
  EXPECT_EQ(errors.errors().size(), 2u);
  errors.Clear(1);
  EXPECT_TRUE(errors.empty());
  EXPECT_TRUE(errors.IsActive(0));
}

}  // namespace
}  // namespace millrace

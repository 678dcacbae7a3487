#include "types/batch.h"

#include <arrow/array.h>
#include <arrow/json/from_string.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <gtest/gtest.h>

namespace millrace {
namespace {

std::shared_ptr<arrow::Array> Column(const std::shared_ptr<arrow::DataType>& type,
                                     const std::string& json) {
  return arrow::json::ArrayFromJSONString(type, json).ValueOrDie();
}

Batch Numbers(const std::string& json, const std::string& kinds = {}, int64_t ingest_us = 0) {
  Batch batch;
  const auto column = Column(arrow::int64(), json);
  batch.rows = arrow::RecordBatch::Make(arrow::schema({arrow::field("n", arrow::int64())}),
                                        column->length(), arrow::ArrayVector{column});
  if (!kinds.empty())
    batch.kinds = std::static_pointer_cast<arrow::Int8Array>(Column(arrow::int8(), kinds));
  batch.ingest_us = ingest_us;
  return batch;
}

void ExpectBatch(const Batch& batch, const std::string& json, const std::string& kinds) {
  EXPECT_TRUE(batch.rows->Equals(*Numbers(json).rows)) << batch.rows->ToString();
  ASSERT_EQ(batch.kinds == nullptr, kinds.empty());
  if (batch.kinds != nullptr) {
    EXPECT_TRUE(batch.kinds->Equals(*Column(arrow::int8(), kinds))) << batch.kinds->ToString();
  }
}

TEST(BatchTest, TakeAndSliceKeepKinds) {
  const Batch batch = Numbers("[10, 11, null, 13]", "[0, 1, 2, 3]", 7);
  const auto indices =
      std::static_pointer_cast<arrow::Int32Array>(Column(arrow::int32(), "[3, 0, 3]"));
  const Batch taken = batch.Take(*indices).ValueOrDie();
  ExpectBatch(taken, "[13, 10, 13]", "[3, 0, 3]");
  EXPECT_EQ(taken.ingest_us, 7);
  ExpectBatch(batch.Slice(1, 2), "[11, null]", "[1, 2]");
  ExpectBatch(Numbers("[1, 2]").Slice(1, 1), "[2]", "");
}

TEST(BatchTest, ConcatenateFillsInKinds) {
  ExpectBatch(Concatenate({Numbers("[1]"), Numbers("[2, 3]")}).ValueOrDie(), "[1, 2, 3]", "");
  const Batch mixed =
      Concatenate({Numbers("[1]", "", 9), Numbers("[2]", "[3]", 5), Numbers("[]")}).ValueOrDie();
  ExpectBatch(mixed, "[1, 2]", "[0, 3]");
  EXPECT_EQ(mixed.ingest_us, 5);  // the oldest row's
  EXPECT_EQ(Concatenate({}).ValueOrDie().num_rows(), 0);
}

TEST(BatchTest, SizeIsThatOfTheSlice) {
  const Batch batch = Numbers("[1, 2, 3, 4, 5, 6, 7, 8]", "[0, 0, 0, 0, 0, 0, 0, 0]");
  EXPECT_EQ(batch.size_bytes(), 8 * 8 + 8);
  EXPECT_EQ(batch.Slice(0, 2).size_bytes(), 2 * 8 + 2);
  EXPECT_EQ(Batch().size_bytes(), 0);
}

}  // namespace
}  // namespace millrace

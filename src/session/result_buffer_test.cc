#include "session/result_buffer.h"

#include <thread>

namespace millrace {
namespace {

Batch RowsOf(int64_t rows) {
  arrow::Int64Builder values;
  for (int64_t i = 0; i < rows; ++i) EXPECT_TRUE(values.Append(i).ok());
  return {arrow::RecordBatch::Make(arrow::schema({arrow::field("v", arrow::int64())}), rows,
                                   {values.Finish().ValueOrDie()})};
}

TEST(ResultBuffer, IsBoundedAndSaysWhenThereIsRoomAgain) {
  ResultBuffer buffer;
  int calls = 0;
  buffer.OnReady([&] { ++calls; });
  int batches = 0;
  for (; buffer.HasRoom(); ++batches) ASSERT_TRUE(buffer.Receive(RowsOf(1 << 17)).ok());
  EXPECT_EQ(batches, ResultBuffer::kRoomBytes / (8 << 17));
  EXPECT_EQ(calls, 0);
  ASSERT_TRUE(buffer.Next().ok());
  EXPECT_TRUE(buffer.HasRoom());
  EXPECT_EQ(calls, 1);
}

TEST(ResultBuffer, GivesWhatCameBeforeTheFailure) {
  ResultBuffer buffer;
  ASSERT_TRUE(buffer.Receive(RowsOf(3)).ok());
  buffer.Finish(Error::Data("broken"));
  EXPECT_EQ(buffer.Next().ValueOrDie()->num_rows(), 3);
  EXPECT_EQ(buffer.Next().status().message(), "broken");
}

TEST(ResultBuffer, EndsWithEmptyRows) {
  ResultBuffer buffer;
  std::thread job([&] { buffer.Finish(Status::OK()); });
  EXPECT_EQ(buffer.Next().ValueOrDie()->rows, nullptr);
  EXPECT_EQ(buffer.Next().ValueOrDie()->rows, nullptr);
  job.join();
}

TEST(ResultBuffer, NothingWithinTheTimeIsNoEnd) {
  ResultBuffer buffer;
  EXPECT_EQ(buffer.Next(std::chrono::milliseconds(1)).ValueOrDie(), std::nullopt);
}

TEST(ResultBuffer, AClosedOneTakesAndForgets) {
  ResultBuffer buffer;
  while (buffer.HasRoom()) ASSERT_TRUE(buffer.Receive(RowsOf(1 << 17)).ok());
  bool told = false;
  buffer.OnReady([&] { told = true; });
  buffer.Close();
  EXPECT_TRUE(told);
  EXPECT_TRUE(buffer.HasRoom());
  ASSERT_TRUE(buffer.Receive(RowsOf(1)).ok());
  EXPECT_EQ(buffer.Next().ValueOrDie()->rows, nullptr);
}

}  // namespace
}  // namespace millrace

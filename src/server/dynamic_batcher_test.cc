#include "server/dynamic_batcher.h"

#include <atomic>
#include <future>

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/json/from_string.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace millrace {
namespace {

constexpr int64_t kLong = 60'000'000;  ///< no test waits for it

/// y = 2 x; a negative x fails the run. Words are given back.
class Doubler final : public TensorModel {
 public:
  const ModelSignature& signature() const override { return signature_; }
  Result<std::vector<Tensor>> Run(std::span<const Tensor> inputs, std::span<const int>) override {
    Tensor y = inputs[0];
    if (y.datatype == Datatype::kBytes) return std::vector{y};
    std::vector<float> values(static_cast<size_t>(y.num_elements()));
    for (size_t i = 0; i < values.size(); ++i) {
      values[i] = 2 * y.data->data_as<float>()[i];
      if (values[i] < 0) return Error::Data("negative");
    }
    y.data = arrow::Buffer::FromVector(std::move(values));
    return std::vector{y};
  }

 private:
  ModelSignature signature_;
};

Tensor Floats(std::vector<float> values, int64_t width = 1) {
  const auto rows = static_cast<int64_t>(values.size()) / width;
  return {"x", Datatype::kFp32, {rows, width}, arrow::Buffer::FromVector(std::move(values)), {}};
}

class DynamicBatcherTest : public testing::Test {
 protected:
  /// The outcomes of requests that are made at the same time.
  std::vector<DynamicBatcher::Outcome> Ask(DynamicBatching options, std::vector<Tensor> requests) {
    DynamicBatcher batcher(std::move(options));
    std::vector<std::future<DynamicBatcher::Outcome>> asked;
    for (Tensor& request : requests) {
      asked.push_back(std::async(std::launch::async, [&] {
        return batcher.Run(model_, {request}, {0}, request.shape[0], *env_, statistics_);
      }));
    }
    std::vector<DynamicBatcher::Outcome> outcomes;
    for (auto& each : asked) outcomes.push_back(each.get());
    return outcomes;
  }

  std::unique_ptr<Env> env_ = MakeSystemEnv(1);
  ServingStatistics statistics_;
  Doubler model_;
};

TEST_F(DynamicBatcherTest, RequestsBecomeOneExecution) {  // T15
  const auto outcomes =
      Ask({.max_rows = 5, .max_delay_us = kLong}, {Floats({1}), Floats({2, 3}), Floats({4, 5})});
  for (size_t i = 0; i < outcomes.size(); ++i) ASSERT_TRUE(outcomes[i].outputs.ok());
  EXPECT_EQ((*outcomes[0].outputs)[0].data->data_as<float>()[0], 2);
  EXPECT_EQ((*outcomes[1].outputs)[0].shape, (std::vector<int64_t>{2, 1}));
  EXPECT_EQ((*outcomes[1].outputs)[0].data->data_as<float>()[1], 6);
  EXPECT_EQ((*outcomes[2].outputs)[0].data->data_as<float>()[0], 8);
  EXPECT_EQ(statistics_.executions(), 1);
  EXPECT_EQ(statistics_.ToJson()["batch_stats"][0]["batch_size"], 5);
}

TEST_F(DynamicBatcherTest, NobodyWaitsLongerThanTheDelay) {
  const auto outcomes = Ask({.max_rows = 100, .max_delay_us = 2000}, {Floats({1})});
  EXPECT_TRUE(outcomes[0].outputs.ok());
  EXPECT_GE(outcomes[0].queue_us, 2000);
}

TEST_F(DynamicBatcherTest, APreferredSizeIsNotWaitedBeyond) {
  Ask({.max_rows = 100, .max_delay_us = kLong, .preferred_rows = {2}}, {Floats({1}), Floats({2})});
  EXPECT_EQ(statistics_.executions(), 1);
}

TEST_F(DynamicBatcherTest, NoExecutionIsLargerThanTheMaximum) {
  Ask({.max_rows = 2, .max_delay_us = 1000}, std::vector<Tensor>(7, Floats({1})));
  const auto batches = statistics_.ToJson()["batch_stats"];
  int64_t rows = 0;
  for (const auto& batch : batches) {
    EXPECT_LE(batch["batch_size"], 2);
    rows += batch["batch_size"].get<int64_t>() * batch["compute_infer"]["count"].get<int64_t>();
  }
  EXPECT_EQ(rows, 7);
}

TEST_F(DynamicBatcherTest, OneClientsFaultIsNotAnothers) {  // T9
  const auto outcomes =
      Ask({.max_rows = 3, .max_delay_us = kLong}, {Floats({1}), Floats({-1}), Floats({3})});
  EXPECT_TRUE(outcomes[0].outputs.ok());
  EXPECT_FALSE(outcomes[1].outputs.ok());
  EXPECT_TRUE(outcomes[2].outputs.ok());
  EXPECT_EQ(statistics_.executions(), 2);  // that succeeded
}

TEST_F(DynamicBatcherTest, OnlyRowsOfOneShapeComeTogether) {
  const auto outcomes = Ask({.max_rows = 2, .max_delay_us = kLong},
                            {Floats({1}), Floats({1, 2, 3}, 3), Floats({2}), Floats({4, 5, 6}, 3)});
  EXPECT_EQ(statistics_.executions(), 2);
  EXPECT_EQ((*outcomes[3].outputs)[0].shape, (std::vector<int64_t>{1, 3}));
  EXPECT_EQ((*outcomes[3].outputs)[0].data->data_as<float>()[2], 12);
}

TEST_F(DynamicBatcherTest, TextsAreJoinedToo) {
  const auto words = [](const char* json, int64_t rows) {
    auto array = arrow::json::ArrayFromJSONString(arrow::binary(), json).ValueOrDie();
    return Tensor{"x",
                  Datatype::kBytes,
                  {rows, 1},
                  nullptr,
                  std::static_pointer_cast<arrow::BinaryArray>(array)};
  };
  const auto outcomes = Ask({.max_rows = 3, .max_delay_us = kLong},
                            {words(R"(["a"])", 1), words(R"(["bc", "d"])", 2)});
  EXPECT_EQ((*outcomes[0].outputs)[0].bytes->GetView(0), "a");
  EXPECT_EQ((*outcomes[1].outputs)[0].bytes->GetView(1), "d");
  EXPECT_EQ(statistics_.executions(), 1);
}

}  // namespace
}  // namespace millrace

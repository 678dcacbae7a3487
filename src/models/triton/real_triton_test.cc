// Against a real Triton server: the ctest `peers.triton` starts one. Elsewhere these tests are
// skipped.
#include <cstdlib>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/test_services.h"

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class RealTritonTest : public testing::Test {
 protected:
  void SetUp() override {
    const char* endpoint = std::getenv("MILLRACE_TRITON_ENDPOINT");
    if (endpoint == nullptr) GTEST_SKIP() << "run test/peers/triton/triton.sh with <this test>";
    endpoint_ = endpoint;
  }
  std::vector<std::string> Score(const std::string& model, const std::string& rows,
                                 OptionMap more = {}, Schema input = {}, Schema output = {}) {
    more["endpoint"] = endpoint_;
    more["model-name"] = model;
    auto config = Define(services_, "triton", more, std::move(input), std::move(output));
    if (!config.ok()) return {"failed: " + Describe(config.status())};
    auto lease = LoadNow(services_, *config);
    if (!lease.ok()) return {"failed: " + Describe(lease.status())};
    return Lines(Predict(*lease, Rows(config->input, rows)));
  }
  static Schema Columns(std::vector<std::pair<std::string, SqlType>> columns) {
    Schema schema;
    for (auto& [name, type] : columns) schema.Add(name, type);
    return schema;
  }

  TestServices services_;
  std::string endpoint_;
};

TEST_F(RealTritonTest, ElevenColumnsOfWine) {  // T13
  std::vector<std::pair<std::string, SqlType>> columns;
  std::string row = "[";
  for (int i = 0; i < 11; ++i) {
    columns.emplace_back("c" + std::to_string(i), SqlType::Float());
    row += (i == 0 ? "" : ", ") + std::to_string(i);
  }
  row += "]";
  const auto lines = Score("wine", "[" + row + "," + row + "]", {}, Columns(columns));
  ASSERT_EQ(lines.size(), 2u) << testing::PrintToString(lines);
  EXPECT_EQ(lines[0], lines[1]);
  EXPECT_THAT(lines[0], testing::Not("null"));
}

TEST_F(RealTritonTest, TextBothWays) {
  const auto lines = Score("text_classifier", R"([["a good day"], [null], ["grüß dich"]])");
  ASSERT_EQ(lines.size(), 4u) << testing::PrintToString(lines);
  EXPECT_EQ(lines[1], "null, null");
  EXPECT_THAT(lines[3], HasSubstr("is NULL"));
}

TEST_F(RealTritonTest, GzipBothWays) {  // T6
  const auto lines = Score("text_classifier", R"([["a good day"]])", {{"compression", "gzip"}});
  ASSERT_EQ(lines.size(), 1u) << testing::PrintToString(lines);
}

TEST_F(RealTritonTest, MissingModelAndVersion) {  // T12
  EXPECT_THAT(Score("nonsense", "[]"),
              ElementsAre(HasSubstr("does not know or has not loaded the model 'nonsense'")));
  EXPECT_THAT(Score("wine", "[]", {{"model-version", "7"}}), ElementsAre(HasSubstr("version '7'")));
  const auto lines = Score("wine", "[[[0,1,2,3,4,5,6,7,8,9,10]]]", {{"model-version", "1"}});
  EXPECT_EQ(lines.size(), 1u) << testing::PrintToString(lines);
}

TEST_F(RealTritonTest, WrongShapeIsRefusedHere) {  // T12
  EXPECT_THAT(Score("wine", "[[[1, 2]]]"), ElementsAre("null", HasSubstr("the model takes [11]")));
}

TEST_F(RealTritonTest, FlakyModelIsTriedAgain) {  // T8
  const OptionMap options = {{"max-retries", "20"},
                             {"retry-initial-backoff", "1 ms"},
                             {"retry-max-backoff", "5 ms"},
                             {"max-batch-size", "4"}};
  for (int i = 0; i < 20; ++i)
    EXPECT_THAT(Score("flaky", "[[1], [2], [3]]", options), ElementsAre("2", "4", "6"));
}

TEST_F(RealTritonTest, SlowModelTimesOut) {  // T12
  const auto lines = Score("slow", "[[[1]]]", {{"timeout", "50 ms"}, {"max-retries", "0"}});
  ASSERT_EQ(lines.size(), 2u) << testing::PrintToString(lines);
  EXPECT_THAT(lines[1], HasSubstr("Request timed out after 50ms while waiting for the answer"));
}

}  // namespace
}  // namespace millrace

// Against a real Triton server: the ctest `peers.triton` starts one. Elsewhere these tests are
// skipped.
#include <cstdlib>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "models/test_services.h"
#include "models/triton/settings.h"
#include "models/triton/transport.h"

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// Every test over HTTP and over gRPC. // T14
class RealTritonTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const char* endpoint = std::getenv(GetParam());
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

  /// The values of one answer after the other: the model is loaded once.
  std::vector<std::string> ScoreEach(const std::string& model, const std::vector<std::string>& rows,
                                     OptionMap options, Schema input) {
    options["endpoint"] = endpoint_;
    options["model-name"] = model;
    const auto config = Define(services_, "triton", options, std::move(input));
    if (!config.ok()) return {"failed: " + Describe(config.status())};
    const auto lease = LoadNow(services_, *config);
    if (!lease.ok()) return {"failed: " + Describe(lease.status())};
    std::vector<std::string> all;
    for (const std::string& each : rows) {
      for (auto& line : Lines(Predict(*lease, Rows(config->input, each)))) {
        all.push_back(std::move(line));
      }
    }
    return all;
  }

  TestServices services_;
  std::string endpoint_;
};

INSTANTIATE_TEST_SUITE_P(Protocols, RealTritonTest,
                         testing::Values("MILLRACE_TRITON_ENDPOINT", "MILLRACE_TRITON_GRPC"),
                         [](const auto& info) {
                           return std::string(info.index == 0 ? "Http" : "Grpc");
                         });

TEST_P(RealTritonTest, ElevenColumnsOfWine) {  // T13
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

TEST_P(RealTritonTest, TextBothWays) {
  const auto lines = Score("text_classifier", R"([["a good day"], [null], ["grüß dich"]])");
  ASSERT_EQ(lines.size(), 4u) << testing::PrintToString(lines);
  EXPECT_EQ(lines[1], "null, null");
  EXPECT_THAT(lines[3], HasSubstr("is NULL"));
}

TEST_P(RealTritonTest, GzipBothWays) {  // T6
  const auto lines = Score("text_classifier", R"([["a good day"]])", {{"compression", "gzip"}});
  ASSERT_EQ(lines.size(), 1u) << testing::PrintToString(lines);
}

TEST_P(RealTritonTest, MissingModelAndVersion) {  // T12
  EXPECT_THAT(Score("nonsense", "[]"),
              ElementsAre(HasSubstr("does not know or has not loaded the model 'nonsense'")));
  EXPECT_THAT(Score("wine", "[]", {{"model-version", "7"}}), ElementsAre(HasSubstr("version '7'")));
  const auto lines = Score("wine", "[[[0,1,2,3,4,5,6,7,8,9,10]]]", {{"model-version", "1"}});
  EXPECT_EQ(lines.size(), 1u) << testing::PrintToString(lines);
}

TEST_P(RealTritonTest, WrongShapeIsRefusedHere) {  // T12
  EXPECT_THAT(Score("wine", "[[[1, 2]]]"), ElementsAre("null", HasSubstr("the model takes [11]")));
}

TEST_P(RealTritonTest, FlakyModelIsTriedAgain) {  // T8
  const OptionMap options = {{"max-retries", "20"},
                             {"retry-initial-backoff", "1 ms"},
                             {"retry-max-backoff", "5 ms"},
                             {"max-batch-size", "4"}};
  for (int i = 0; i < 20; ++i)
    EXPECT_THAT(Score("flaky", "[[1], [2], [3]]", options), ElementsAre("2", "4", "6"));
}

TEST_P(RealTritonTest, EveryDatatype) {  // T4
  const Schema input = Columns({{"IN_BOOL", SqlType::Array(SqlType::Boolean())},
                                {"IN_INT8", SqlType::Array(SqlType::TinyInt())},
                                {"IN_INT16", SqlType::Array(SqlType::SmallInt())},
                                {"IN_INT32", SqlType::Array(SqlType::Int())},
                                {"IN_INT64", SqlType::Array(SqlType::BigInt())},
                                {"IN_UINT8", SqlType::Array(SqlType::SmallInt())},
                                {"IN_UINT16", SqlType::Array(SqlType::Int())},
                                {"IN_UINT32", SqlType::Array(SqlType::BigInt())},
                                {"IN_UINT64", SqlType::Array(SqlType::Decimal(20, 0))},
                                {"IN_FP16", SqlType::Array(SqlType::Float())},
                                {"IN_FP32", SqlType::Array(SqlType::Float())},
                                {"IN_FP64", SqlType::Array(SqlType::Double())},
                                {"IN_BYTES", SqlType::Array(SqlType::String())}});
  const auto lines = Score("echo_types",
                           R"([[[true, false], [-128], [-32768], [-2147483648],
                               [-9223372036854775808], [255], [65535], [4294967295],
                               ["18446744073709551615"], [0.5], [0.25], [0.1], ["grüß", ""]]])",
                           {}, input);
  ASSERT_EQ(lines.size(), 1u) << testing::PrintToString(lines);
  for (const char* value :
       {"true, false", "-128", "-32768", "-2147483648", "-9223372036854775808", "255", "65535",
        "4294967295", "18446744073709551615", "0.5", "0.25", "0.1", "grüß"}) {
    EXPECT_THAT(lines[0], HasSubstr(value));
  }
}

TEST_P(RealTritonTest, SequencesKeepTheirState) {  // T7
  const Schema input = Columns({{"x", SqlType::Double()}, {"user_id", SqlType::String()}});
  const std::string run = std::string(GetParam()) + "-";
  const OptionMap options = {{"sequence-id", run + "${user_id}"}, {"sequence-start", "true"}};
  EXPECT_THAT(
      ScoreEach("running_sum",
                {R"([[1, "a"], [10, "b"], [2, "a"], [20, "b"], [3, "a"]])", R"([[4, "a"]])"},
                options, input),
      ElementsAre("1, 1", "10, 1", "3, 2", "30, 2", "6, 3", "10, 4"));
  EXPECT_THAT(ScoreEach("running_sum", {R"([[1, "c"], [2, "c"]])"},
                        {{"sequence-id", run + "${user_id}"},
                         {"sequence-start", "true"},
                         {"sequence-id-auto-increment", "true"},
                         {"sequence-end", "true"}},
                        input),
              ElementsAre("1, 1", "2, 1"));
  const auto without_start = ScoreEach("running_sum", {R"([[1, "d"], [2, "d"]])"},
                                       {{"sequence-id", run + "${user_id}"}}, input);
  ASSERT_EQ(without_start.size(), 3u) << testing::PrintToString(without_start);
  EXPECT_THAT(without_start[2], HasSubstr("set 'sequence-start' = 'true'"));
  EXPECT_THAT(without_start[1], testing::Not("null, null"));  // it was opened again
}

TEST_P(RealTritonTest, ASequenceNeedsAnId) {  // T7, T12
  EXPECT_THAT(Score("running_sum", "[]"), ElementsAre(HasSubstr("keeps state by sequence")));
}

TEST_P(RealTritonTest, StatisticsAreRead) {  // T11
  const OptionMap options = {{"endpoint", endpoint_}, {"model-name", "text_classifier"}};
  const auto settings = TritonSettings::Read(
      {}, *Options::Make("p", services_.registries().providers.Find("triton")->options, options),
      services_.secrets());
  ASSERT_TRUE(settings.ok()) << settings.status().ToString();
  const auto transport = MakeTransport(*settings, HttpClient::Shared());
  const auto statistics =
      transport->ReadStatistics(SendAndWait(HttpClient::Shared(), transport->MakeStatistics()));
  ASSERT_TRUE(statistics.is_object());
  EXPECT_EQ(statistics["model_stats"][0]["name"], "text_classifier");
  EXPECT_TRUE(transport->ReadReady(SendAndWait(HttpClient::Shared(), transport->MakeReady())));
}

TEST_P(RealTritonTest, SlowModelTimesOut) {  // T12
  const auto lines = Score("slow", "[[[1]]]", {{"timeout", "50 ms"}, {"max-retries", "0"}});
  ASSERT_EQ(lines.size(), 2u) << testing::PrintToString(lines);
  EXPECT_THAT(lines[1], HasSubstr("Request timed out after 50ms while waiting for the answer"));
}

}  // namespace
}  // namespace millrace

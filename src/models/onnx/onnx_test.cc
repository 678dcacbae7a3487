#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/test_services.h"

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// Tests run in the project's root.
std::string Path(const std::string& name) { return "test/models/" + name + ".onnx"; }

class OnnxTest : public testing::Test {
 protected:
  std::vector<std::string> Score(const std::string& model, const std::string& rows,
                                 Schema input = {}, Schema output = {}) {
    auto config =
        Define(services_, "onnx", {{"path", Path(model)}}, std::move(input), std::move(output));
    if (!config.ok()) return {"failed: " + config.status().message()};
    auto lease = LoadNow(services_, *config);
    if (!lease.ok()) return {"failed: " + lease.status().message()};
    return Lines(Predict(*lease, Rows(config->input, rows)));
  }
  Status Refusal(OptionMap options) {
    return Define(services_, "onnx", std::move(options)).status();
  }

  TestServices services_;
};

Schema Columns(std::vector<std::pair<std::string, SqlType>> columns) {
  Schema schema;
  for (auto& [name, type] : columns) schema.Add(name, type);
  return schema;
}

TEST_F(OnnxTest, OneArrayColumn) {
  EXPECT_THAT(Score("linear", "[[[1, 1]], [[0, 2]]]"), ElementsAre("6", "7"));
}

TEST_F(OnnxTest, ScalarColumnsArePacked) {
  const Schema input = Columns({{"a", SqlType::Float()}, {"b", SqlType::Float()}});
  EXPECT_THAT(
      Score("linear", "[[1, 1], [0, 2], [10, 0]]", input, Columns({{"score", SqlType::Double()}})),
      ElementsAre("6", "7", "21"));
}

TEST_F(OnnxTest, BadRowsDoNotTakeTheirBatchAlong) {  // T9
  const Schema input = Columns({{"a", SqlType::Float()}, {"b", SqlType::Float()}});
  EXPECT_THAT(Score("linear", "[[1, 1], [null, 2], [10, 0]]", input),
              ElementsAre("6", "null", "21", "!1: column 'a' is NULL"));
  EXPECT_THAT(
      Score("linear", "[[[1, 1]], [[1, 2, 3]], [[1, null]]]"),
      ElementsAre("6", "null", "null", "!1: column 'x' has the shape [3], the model takes [2]",
                  "!2: column 'x' has an element that is NULL or out of range"));
  // The third item does not exist: the run fails, the rows beside it do not.
  EXPECT_THAT(Score("recommender", "[[0, 0, [1]], [1, 1, [2]], [1, 9, [0]], [3, 2, [0]]]"),
              ElementsAre("1", "5", "null", "13", testing::StartsWith("!2: ONNX Runtime: ")));
}

TEST_F(OnnxTest, ArraysOfSeveralLengths) {
  EXPECT_THAT(Score("recommender", "[[0, 0, [1]], [1, 1, [2, 3]], [1, 0, []], [3, 2, [0.5]]]"),
              ElementsAre("1", "8", "2", "13.5"));
}

TEST_F(OnnxTest, SeveralTypesAndRanks) {  // T4
  EXPECT_THAT(Score("types", "[[1, true, [[1, 2], [3, 4]]], [-7, false, [[0, 0], [5, 6]]]]"),
              ElementsAre(HasSubstr("2, false, list"), HasSubstr("-14, true, list")));
  const auto ragged = Score("types", "[[1, true, [[1, 2], [3]]]]");
  ASSERT_EQ(ragged.size(), 2u);
  EXPECT_THAT(ragged[1], HasSubstr("ragged"));
  // SMALLINT widens to INT32, INT32 to BIGINT.
  const Schema input = Columns({{"a", SqlType::SmallInt()},
                                {"b", SqlType::Boolean()},
                                {"m", SqlType::Array(SqlType::Array(SqlType::Float()))}});
  EXPECT_THAT(
      Score("types", "[[3, true, [[1, 2], [3, 4]]]]", input, Columns({{"a2", SqlType::BigInt()}})),
      ElementsAre("6"));
}

TEST_F(OnnxTest, Text) {
  EXPECT_THAT(Score("text", R"([["a"], [""], ["grüß"], [null]])"),
              ElementsAre("a", "", "grüß", "null", "!3: column 'text' is NULL"));
}

TEST_F(OnnxTest, ClassifierWithTwoOutputs) {
  const auto lines = Score("classifier", "[[[-2, -2]], [[2, -1]], [[2, 3]]]");
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_THAT(lines[0], HasSubstr("0, list"));
  EXPECT_THAT(lines[2], HasSubstr("2, list"));
  const auto only = Score("classifier", "[[[2, 3]]]", {}, Columns({{"label", SqlType::BigInt()}}));
  EXPECT_THAT(only, ElementsAre("2"));
}

TEST_F(OnnxTest, MapsAreLeftOut) { EXPECT_THAT(Score("zipmap", "[[[2, 3]]]"), ElementsAre("2")); }

TEST_F(OnnxTest, OneRowAtATime) {
  const auto lines = Score("one_row", "[[[1, 2]], [[3, 4]]]");
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_THAT(lines[1], HasSubstr("-3"));
}

TEST_F(OnnxTest, LoadErrorsSayWhatToDo) {
  const Status missing = Refusal({{"path", "no/such.onnx"}});
  EXPECT_THAT(Describe(missing), HasSubstr("no/such.onnx"));
  EXPECT_EQ(InfoOf(missing).error_class, ErrorClass::kUser);
  const Status corrupt = Refusal({{"path", "test/models/make_models.py"}});
  EXPECT_THAT(corrupt.message(), HasSubstr("bytes): "));
  EXPECT_THAT(InfoOf(corrupt).hint, HasSubstr("onnx.bin.checker"));
  const Status library = Refusal({{"path", Path("linear")}, {"library", "/no/libonnxruntime.so"}});
  EXPECT_THAT(InfoOf(library).hint, HasSubstr("MILLRACE_ONNXRUNTIME"));
  EXPECT_THAT(Refusal({}).message(), HasSubstr("path"));
}

TEST_F(OnnxTest, RuntimeSharesAndCounts) {
  const auto config = Define(services_, "onnx", {{"path", Path("linear")}}).ValueOrDie();
  ModelRuntime& models = services_.models();
  EXPECT_EQ(models.TryLease(config, {}).ValueOrDie(), nullptr);
  std::promise<Status> ready;
  models.WhenReady(config, {}, [&](Status status) { ready.set_value(status); });
  ASSERT_TRUE(ready.get_future().get().ok());
  const ModelLease model = models.TryLease(config, {}).ValueOrDie();
  EXPECT_EQ(models.TryLease(config, {}).ValueOrDie(), model);
  EXPECT_THAT(model->signature().version, HasSubstr("sha256:"));
  Predict(model, Rows(config.input, "[[[1, 1]], [null]]")).ValueOrDie();
  std::map<std::string, int64_t> values;
  for (const MetricValue& metric : services_.metrics().Snapshot())
    values[metric.name] = metric.value;
  EXPECT_EQ(values["model_requests"], 1);
  EXPECT_EQ(values["model_success"], 1);
  EXPECT_EQ(values["model_output_rows"], 1);
  EXPECT_EQ(values["model_failed_rows"], 1);
  EXPECT_EQ(values["model_in_flight"], 0);
}

TEST_F(OnnxTest, RuntimeRemembersFailures) {
  ModelConfig config{"m", "onnx", {{"path", "no/such.onnx"}}, {}, {}};
  ModelRuntime& models = services_.models();
  std::promise<Status> first;
  models.WhenReady(config, {}, [&](Status status) { first.set_value(status); });
  EXPECT_FALSE(first.get_future().get().ok());
  EXPECT_THAT(models.TryLease(config, {}).status().message(), HasSubstr("cannot be read"));
  Status second;
  models.WhenReady(config, {},
                   [&](Status status) { second = status; });  // at once: not tried again yet
  EXPECT_FALSE(second.ok());
}

}  // namespace
}  // namespace millrace

#include <cstdlib>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/test_services.h"

namespace millrace {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

class PythonTest : public testing::Test {
 protected:
  void SetUp() override {
    const char* python = std::getenv("MILLRACE_TEST_PYTHON");
    if (python == nullptr) GTEST_SKIP() << "set MILLRACE_TEST_PYTHON to a Python with pyarrow";
    python_ = python;
  }
  Result<ModelLease> Load(const std::string& function, Schema input, Schema output,
                          OptionMap more = {}) {
    more.emplace("path", "test/models/functions.py");
    more.emplace("python", python_);
    more["function"] = function;
    config_ = {"m", "python", more, std::move(input), std::move(output)};
    return LoadNow(services_, config_);
  }
  std::vector<std::string> Score(const std::string& function, const std::string& rows, Schema input,
                                 Schema output, OptionMap more = {}) {
    const auto lease = Load(function, std::move(input), std::move(output), std::move(more));
    if (!lease.ok()) return {"failed: " + Describe(lease.status())};
    return Lines(Predict(*lease, Rows(config_.input, rows)));
  }

  TestServices services_;
  std::string python_;
  ModelConfig config_;
};

Schema Columns(std::vector<std::pair<std::string, SqlType>> columns) {
  Schema schema;
  for (auto& [name, type] : columns) schema.Add(name, type);
  return schema;
}

const Schema kA = Columns({{"a", SqlType::BigInt()}});
const Schema kC = Columns({{"c", SqlType::BigInt()}});

TEST_F(PythonTest, AFunctionOverColumns) {  // T16
  const Schema input = Columns({{"a", SqlType::BigInt()}, {"b", SqlType::BigInt()}});
  EXPECT_THAT(Score("predict", "[[1, 2], [null, 4], [5, 6]]", input, kC),
              ElementsAre("3", "null", "11"));
}

TEST_F(PythonTest, ResultsAreCastToWhatIsDeclared) {  // T4
  EXPECT_THAT(Score("several", R"([[3, "a"], [4, null]])",
                    Columns({{"number", SqlType::Int()}, {"text", SqlType::String()}}),
                    Columns({{"texts", SqlType::Array(SqlType::String())},
                             {"half", SqlType::Decimal(5, 1)}})),
              ElementsAre(AllOf(HasSubstr("[a]"), HasSubstr("1.5")), HasSubstr("2.0")));
}

TEST_F(PythonTest, RowsAtFaultFailAlone) {  // T9
  EXPECT_THAT(
      Score("picky", "[[1], [0], [2], [null], [5]]", kA, kC),
      ElementsAre("10", "null", "5", "null", "2",
                  AllOf(HasSubstr("!1: ZeroDivisionError"), HasSubstr("functions.py, line"))));
}

TEST_F(PythonTest, ARowThatEndsTheProcessFailsAlone) {  // T9
  EXPECT_THAT(
      Score("picky", "[[1], [2], [-1], [5], [-1]]", kA, kC),
      ElementsAre("10", "5", "null", "2", "null", "!2: the Python process ended with code 3",
                  "!4: the Python process ended with code 3"));
}

TEST_F(PythonTest, AFunctionThatTakesTooLong) {
  const auto lines = Score("picky", "[[1], [-2]]", kA, kC, {{"timeout", "1 s"}});
  EXPECT_THAT(lines, ElementsAre("null", "null", HasSubstr("longer than 1000 ms"),
                                 HasSubstr("longer than 1000 ms")));
}

TEST_F(PythonTest, WhatIsWrongWithAResult) {
  EXPECT_THAT(Score("short", "[[1], [2]]", kA, kC),
              ElementsAre("1", "1"));  // each row alone has one value
  EXPECT_THAT(Score("wrong", "[[1]]", kA, kC),
              ElementsAre("null", AllOf(HasSubstr("no column 'c'"), HasSubstr("'other'"))));
}

TEST_F(PythonTest, LoadErrorsSayWhatToDo) {  // T12
  EXPECT_THAT(Score("no_such", "[]", kA, kC), ElementsAre(HasSubstr("no function 'no_such'")));
  EXPECT_THAT(Score("f", "[]", kA, kC, {{"path", "no/such.py"}}),
              ElementsAre(HasSubstr("no/such.py")));
  EXPECT_THAT(Score("f", "[]", kA, kC, {{"path", "test/models/linear.onnx"}}),
              ElementsAre(HasSubstr("Python cannot load")));
  EXPECT_THAT(Score("f", "[]", kA, kC, {{"python", "/no/python"}}),
              ElementsAre(HasSubstr("'/no/python' cannot be started")));
}

TEST_F(PythonTest, RequestsRunInSeveralProcesses) {
  const auto lease = Load("predict", Columns({{"a", SqlType::BigInt()}, {"b", SqlType::BigInt()}}),
                          kC, {{"processes", "3"}});
  ASSERT_TRUE(lease.ok()) << lease.status();
  std::vector<std::promise<Result<Prediction>>> answers(20);
  std::vector<std::unique_ptr<Call>> calls;
  for (size_t i = 0; i < answers.size(); ++i) {
    const std::string n = std::to_string(i);
    std::string rows = "[[";
    rows += n;
    rows += ", 1]]";
    calls.push_back((*lease)->PredictAsync(
        Rows(config_.input, rows), {},
        [&answers, i](Result<Prediction> result) { answers[i].set_value(std::move(result)); }));
  }
  for (size_t i = 0; i < answers.size(); ++i) {
    EXPECT_THAT(Lines(answers[i].get_future().get()), ElementsAre(std::to_string(i + 1)));
  }
}

}  // namespace
}  // namespace millrace

#include "models/drift.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/test_services.h"
#include "spi/model_drift.h"

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// linear: y = 2 a + 3 b + 1. Each call scores rows (a, 0).
class DriftTest : public testing::Test {
 protected:
  Status Load(OptionMap options) {
    options["path"] = "test/models/linear.onnx";
    Schema input;
    input.Add("a", SqlType::Float());
    input.Add("b", SqlType::Float());
    ARROW_ASSIGN_OR_RAISE(config_, Define(services_, "onnx", std::move(options), input));
    std::promise<Status> ready;
    services_.models().WhenReady(config_, {}, [&](Status status) { ready.set_value(status); });
    ARROW_RETURN_NOT_OK(ready.get_future().get());
    return services_.models().TryLease(config_, {}).Value(&model_);
  }
  /// a = from, from + 1, …
  void Score(int from, int rows) {
    std::string json = "[";
    for (int row = 0; row < rows; ++row) {
      json += (row == 0 ? "[" : ",[") + std::to_string(from + row) + ", 0]";
    }
    ASSERT_TRUE(Predict(model_, Rows(config_.input, json + "]")).ok());
  }
  const ModelDrift& Of(const std::string& column) {
    all_ = DriftOf(services_.metrics());
    for (const ModelDrift& one : all_) {
      if (one.column == column) return one;
    }
    ADD_FAILURE() << column << " was not compared";
    return all_.emplace_back();
  }

  TestServices services_;
  ModelConfig config_;
  ModelLease model_;
  std::vector<ModelDrift> all_;
};

TEST_F(DriftTest, TheFirstRowsAreTheReference) {  // M10
  ASSERT_TRUE(Load({{"drift-rows", "1000"}}).ok());
  Score(1, 1000);
  EXPECT_THAT(DriftOf(services_.metrics()), IsEmpty());
  Score(1, 999);
  EXPECT_THAT(DriftOf(services_.metrics()), IsEmpty()) << "a window is compared when it is full";
  Score(1000, 1);
  EXPECT_EQ(Of("a").rows, 1000);
  EXPECT_EQ(Of("a").reference_rows, 1000);
  EXPECT_LT(Of("a").shift.psi, 0.01);
  EXPECT_LT(Of("y").shift.ks, 0.01);

  Score(2001, 1000);  // all are beyond what was
  EXPECT_GT(Of("a").shift.psi, 1);
  EXPECT_EQ(Of("a").shift.ks, 1);
  EXPECT_EQ(Of("a").side, "input");
  EXPECT_EQ(Of("y").shift.ks, 1);
  EXPECT_EQ(Of("y").side, "output");
  EXPECT_EQ(Of("b").shift.ks, 0) << "it is always 0";
  EXPECT_EQ(Of("a").windows, 2);

  Score(1, 1000);  // and back: windows do not add up
  EXPECT_EQ(Of("a").shift.ks, 0);
}

TEST_F(DriftTest, WindowsDoNotDependOnTheSizeOfBatches) {  // M10
  ASSERT_TRUE(Load({{"drift-rows", "10"}}).ok());
  for (int from = 0; from < 42; from += 7) Score(from, 7);  // 4 windows and 2 rows
  EXPECT_EQ(Of("a").windows, 3);
  EXPECT_EQ(Of("a").shift.ks, 1);  // 30 to 39 against 0 to 9
  EXPECT_EQ(Of("a").rows, 10);
}

TEST_F(DriftTest, AFileMayBeTheReference) {  // M10
  const std::string path = testing::TempDir() + "/reference.jsonl";
  {
    auto file = services_.env().files().OpenOutput(path, OpenMode::kTruncate).ValueOrDie();
    for (int a = 1; a <= 100; ++a) {
      ASSERT_TRUE(file->Append("{\"a\": " + std::to_string(a) + ", \"b\": 0}\n").ok());
    }
    ASSERT_TRUE(file->Close().ok());
  }
  ASSERT_TRUE(
      Load({{"drift-rows", "100"}, {"drift-reference", path}, {"max-batch-size", "32"}}).ok());
  Score(1, 100);
  EXPECT_EQ(Of("a").reference_rows, 100);
  EXPECT_EQ(Of("a").shift.ks, 0);
  EXPECT_EQ(Of("y").reference_rows, 100) << "the version has scored the rows of reference";
  EXPECT_EQ(Of("y").shift.ks, 0);
  Score(501, 100);
  EXPECT_EQ(Of("y").shift.ks, 1);
}

TEST_F(DriftTest, NullsAreADistributionToo) {  // M10
  ASSERT_TRUE(Load({{"drift-rows", "2"}}).ok());
  Score(1, 2);
  ASSERT_TRUE(Predict(model_, Rows(config_.input, "[[null, 0], [null, 0]]")).ok());
  EXPECT_EQ(Of("a").shift.ks, 1);
  EXPECT_EQ(Of("y").rows, 0) << "failed rows have no score";
}

TEST_F(DriftTest, MistakesAreToldWhenTheModelIsDeclared) {  // M10
  for (const auto& [options, cause] :
       {std::pair{OptionMap{{"drift-reference", "test/models/golden.jsonl"}},
                  "'drift-reference' needs 'drift-rows'"},
        {OptionMap{{"drift-rows", "10"}, {"drift-reference", "none.jsonl"}}, "none.jsonl"},
        {OptionMap{{"drift-rows", "10"}, {"drift-reference", "test/models/README.md"}},
         "the rows cannot be read"}}) {
    EXPECT_THAT(Load(options).message(), HasSubstr(cause));
  }
}

}  // namespace
}  // namespace millrace

// With the real library: the ctest `models.tensorflow` installs it. Elsewhere the tests that need
// it are skipped.
#include <cstdlib>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/tensorflow/signatures.h"
#include "models/test_services.h"

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class RealTensorFlowTest : public testing::Test {
 protected:
  void SetUp() override {
    if (std::getenv("MILLRACE_TENSORFLOW") == nullptr)
      GTEST_SKIP() << "run test/models/tensorflow.sh with <this test>";
  }
  std::vector<std::string> Score(const std::string& model, const std::string& rows,
                                 OptionMap more = {}, Schema input = {}, Schema output = {}) {
    more["path"] = "test/models/" + model;
    auto config = Define(services_, "tensorflow", more, std::move(input), std::move(output));
    if (!config.ok()) return {"failed: " + Describe(config.status())};
    auto lease = LoadNow(services_, *config);
    if (!lease.ok()) return {"failed: " + Describe(lease.status())};
    return Lines(Predict(*lease, Rows(config->input, rows)));
  }

  TestServices services_;
};

Schema Columns(std::vector<std::pair<std::string, SqlType>> columns) {
  Schema schema;
  for (auto& [name, type] : columns) schema.Add(name, type);
  return schema;
}

TEST_F(RealTensorFlowTest, AFrozenGraph) {  // T16
  EXPECT_THAT(Score("linear.pb", "[[[1, 1]], [[0, 2]]]"), ElementsAre("6", "7"));
  const Schema input = Columns({{"a", SqlType::Float()}, {"b", SqlType::Float()}});
  EXPECT_THAT(Score("linear.pb", "[[1, 1], [null, 2], [10, 0]]", {}, input),
              ElementsAre("6", "null", "21", "!1: column 'a' is NULL"));
}

TEST_F(RealTensorFlowTest, TensorsOfAFrozenGraphAreNamed) {
  EXPECT_THAT(Score("linear.pb", "[[[1, 1]]]", {{"inputs", "x:0"}, {"outputs", "product"}}),
              ElementsAre("5"));
  EXPECT_THAT(Score("linear.pb", "[]", {{"outputs", "scor"}}),
              ElementsAre(testing::AllOf(HasSubstr("no tensor 'scor'"), HasSubstr("'score'"))));
}

TEST_F(RealTensorFlowTest, SignaturesOfASavedModel) {  // T4, T16
  EXPECT_THAT(Score("saved_model", R"([[3, "a"], [4, "grüß"]])"), ElementsAre("6, a!", "8, grüß!"));
  EXPECT_THAT(Score("saved_model", "[[true], [false]]", {{"signature", "not"}}),
              ElementsAre("false", "true"));
  EXPECT_THAT(Score("saved_model", "[]", {{"signature", "nor"}}),
              ElementsAre(testing::AllOf(HasSubstr("no signature 'nor'"), HasSubstr("'not'"))));
  EXPECT_THAT(Score("saved_model", "[]", {{"tag", "train"}}),
              ElementsAre(HasSubstr("TensorFlow cannot load 'test/models/saved_model'")));
}

TEST_F(RealTensorFlowTest, ASavedModelOfARecord) {  // M1, M4, M5: its files are one version
  ModelConfig config{"m", "stream", {{"source", "versions"}, {"tensorflow.signature", "not"}}};
  config.input = Columns({{"x", SqlType::Boolean()}});
  config.output = Columns({{"y", SqlType::Boolean()}});
  ModelRecord record;
  record.type = "TENSORFLOWSAVED";
  record.location = "test/models/saved_model";
  const auto load = [&] {
    std::promise<Result<LoadedVersion>> loaded;
    services_.models().LoadVersion(config, record, [&](Result<LoadedVersion> version) {
      loaded.set_value(std::move(version));
    });
    return loaded.get_future().get();
  };
  const auto version = load();
  ASSERT_TRUE(version.ok()) << Describe(version.status());
  EXPECT_THAT(Lines(Predict(version->model, Rows(config.input, "[[true], [false]]"))),
              ElementsAre("false", "true"));
  record.bytes = version->bytes;  // from a checkpoint
  record.hash = version->hash;
  record.location = "";
  const auto again = load();
  ASSERT_TRUE(again.ok()) << Describe(again.status());
  EXPECT_EQ(again->hash, version->hash);
}

TEST_F(RealTensorFlowTest, ABadRowDoesNotTakeItsBatchAlong) {  // T9
  // The graph looks the rows up in a table of four.
  EXPECT_THAT(Score("lookup.pb", "[[1], [9], [3]]"),
              ElementsAre("10", "null", "30", testing::StartsWith("!1: TensorFlow: ")));
}

TEST_F(RealTensorFlowTest, FilesThatAreNoModel) {
  EXPECT_THAT(Score("make_models.py", "[]"), ElementsAre(HasSubstr("a frozen GraphDef")));
  EXPECT_THAT(Score("no_such", "[]"), ElementsAre(HasSubstr("no_such")));
}

TEST(TensorFlowTest, WithoutTheLibrary) {
  TestServices services;
  const Status missing =
      Define(services, "tensorflow", {{"path", "x"}, {"library", "/no/libtensorflow.so"}}).status();
  EXPECT_THAT(InfoOf(missing).hint, HasSubstr("pip install tensorflow-cpu"));
}

TEST(TensorFlowTest, DamagedSignatures) {
  const std::string bytes = "\x2a\x0a\x0a\x03not\x12\x03\x0a\x01\x0a";
  for (size_t cut = 1; cut < bytes.size(); ++cut) {
    EXPECT_THAT(ReadSignatures(std::string_view(bytes).substr(0, cut)).status().message(),
                HasSubstr("damaged"))
        << cut;
  }
}

}  // namespace
}  // namespace millrace

#include "models/warm_up.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/test_services.h"

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// How the model of a test answers, and what it was asked.
struct Behaviour {
  Result<std::vector<RowError>> errors = std::vector<RowError>();
  std::vector<std::string> asked;
};
Behaviour* behaviour = nullptr;

class AskedModel final : public LoadedModel {
 public:
  AskedModel() { signature_.inputs = {{"numbers", "FP32", {2}}, {"text", "BYTES", {}}}; }
  const ModelSignature& signature() const override { return signature_; }
  std::unique_ptr<Call> PredictAsync(const Batch& rows, const CallOptions&,
                                     PredictDone done) override {
    for (int column = 0; column < rows.rows->num_columns(); ++column) {
      behaviour->asked.push_back(rows.rows->column(column)->GetScalar(0).ValueOrDie()->ToString());
    }
    if (!behaviour->errors.ok()) {
      done(behaviour->errors.status());
      return nullptr;
    }
    Prediction prediction;
    prediction.outputs = rows.rows;
    prediction.errors = *behaviour->errors;
    done(std::move(prediction));
    return nullptr;
  }

 private:
  ModelSignature signature_;
};

class WarmUpTest : public testing::Test {
 protected:
  WarmUpTest() : services_(Provider()) {
    behaviour = &behaviour_;
    config_.name = "m";
    config_.provider = "asked";
    config_.input.Add("numbers", SqlType::Array(SqlType::Float()));
    config_.input.Add("text", SqlType::String());
  }

  Status Load() {
    std::promise<Status> ready;
    services_.models().WhenReady(config_, {}, [&](Status status) { ready.set_value(status); });
    return ready.get_future().get();
  }

  Behaviour behaviour_;
  TestServices services_;
  ModelConfig config_;

 private:
  static ModelProviderSpec Provider() {
    ModelProviderSpec spec;
    spec.name = "asked";
    spec.options = {WarmUpOption(), {.key = "sequence-id"}};
    spec.load = [](const ModelConfig&, const Options&, Services&) -> Result<ModelLease> {
      return std::make_shared<AskedModel>();
    };
    return spec;
  }
};

TEST_F(WarmUpTest, ALoadedModelHasScoredARowOfZeros) {  // T14
  ASSERT_TRUE(Load().ok());
  EXPECT_THAT(behaviour_.asked, ElementsAre(HasSubstr("[0, 0]"), ""));
  ASSERT_TRUE(Load().ok());
  EXPECT_EQ(behaviour_.asked.size(), 2u) << "a model is warmed up once";
  EXPECT_EQ(
      services_.metrics().counter("model_requests", {{"model", "m"}, {"version", ""}})->value(), 0)
      << "and no call of a job";
}

TEST_F(WarmUpTest, MayBeSwitchedOff) {  // T14
  config_.options["warm-up"] = "false";
  ASSERT_TRUE(Load().ok());
  EXPECT_THAT(behaviour_.asked, IsEmpty());
}

TEST_F(WarmUpTest, AModelThatKeepsStateIsNotAsked) {  // T14
  config_.options["sequence-id"] = "${text}";
  ASSERT_TRUE(Load().ok());
  EXPECT_THAT(behaviour_.asked, IsEmpty());
}

TEST_F(WarmUpTest, AModelThatCannotScoreZerosServes) {  // T14
  behaviour_.errors = std::vector<RowError>{{0, "zero divides nothing", {}}};
  EXPECT_TRUE(Load().ok());
  config_.options["warm-up"] = "true";  // another definition: it is loaded again
  behaviour_.errors = Error::Data("no zeros");
  EXPECT_TRUE(Load().ok());
  EXPECT_EQ(behaviour_.asked.size(), 4u);
  EXPECT_NE(services_.models().TryLease(config_, {}).ValueOrDie(), nullptr);
}

}  // namespace
}  // namespace millrace

#include <deque>

#include <arrow/compute/api_vector.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operators/operator_harness.h"
#include "spi/model.h"

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const Schema kInput({{"id", SqlType::Int(), {}}, {"x", SqlType::Double(), {}}});

/// A model that doubles x; the test answers its calls, unless `local`.
class FakeModel final : public LoadedModel {
 public:
  struct Open {
    std::shared_ptr<arrow::RecordBatch> rows;
    CallOptions options;
    PredictDone done;
  };

  explicit FakeModel(ModelSignature signature) : signature_(std::move(signature)) {}
  const ModelSignature& signature() const override { return signature_; }

  std::unique_ptr<Call> PredictAsync(const Batch& rows, const CallOptions& options,
                                     PredictDone done) override {
    struct Handle final : Call {
      explicit Handle(int* cancelled) : cancelled_(cancelled) {}
      void Cancel() override { ++*cancelled_; }
      int* cancelled_;
    };
    sizes.push_back(rows.num_rows());
    if (signature_.local) {
      done(Score(*rows.rows));
      return nullptr;
    }
    open.push_back({rows.rows, options, std::move(done)});
    return std::make_unique<Handle>(&cancelled);
  }

  /// Doubles; NULL is an error of its row.
  Result<Prediction> Score(const arrow::RecordBatch& rows) const {
    Prediction prediction;
    prediction.leave_out_failed = leave_out_failed;
    prediction.version = signature_.version;
    prediction.attempts = 2;
    arrow::DoubleBuilder y;
    const auto& x = static_cast<const arrow::DoubleArray&>(*rows.column(0));
    for (int64_t i = 0; i < x.length(); ++i) {
      if (x.IsNull(i)) {
        prediction.errors.push_back({static_cast<int32_t>(i), "x is NULL", {}});
        ARROW_RETURN_NOT_OK(y.AppendNull());
      } else {
        ARROW_RETURN_NOT_OK(y.Append(2 * x.Value(i)));
      }
    }
    ARROW_ASSIGN_OR_RAISE(auto column, y.Finish());
    prediction.outputs = arrow::RecordBatch::Make(
        arrow::schema({arrow::field("y", arrow::float64())}), rows.num_rows(), {column});
    return prediction;
  }
  void Answer(size_t i) {
    Open call = std::move(open[i]);
    open.erase(open.begin() + static_cast<std::ptrdiff_t>(i));
    call.done(Score(*call.rows));
  }

  std::vector<int64_t> sizes;
  std::vector<Open> open;
  int cancelled = 0;
  bool leave_out_failed = false;

 private:
  const ModelSignature signature_;
};

class FakeRuntime final : public ModelRuntime {
 public:
  Result<ModelLease> TryLease(const ModelConfig&, const VersionSelector& version) override {
    if (version.kind == VersionSelector::Kind::kHash) asked.push_back(version.hash);
    return model;
  }
  void WhenReady(const ModelConfig&, const VersionSelector&,
                 std::function<void(Status)> ready) override {
    if (model)
      ready(Status::OK());
    else
      waiting.push_back(std::move(ready));
  }

  void LoadVersion(const ModelConfig&, const ModelRecord&,
                   std::function<void(Result<LoadedVersion>)> done) override {
    done(Error::Internal("no versions here"));
  }

  std::shared_ptr<FakeModel> model;
  std::vector<std::function<void(Status)>> waiting;
  std::vector<std::string> asked;
};

class PredictTest : public testing::Test {
 protected:
  PredictTest() {
    services_.models_ = &runtime_;
    config_->model.name = "m";
    config_->model.input = SchemaOf({{"x", SqlType::Double()}});
    config_->model.output = SchemaOf({{"y", SqlType::Double()}});
    config_->arguments = {Expression::Column(1, SqlType::Double())};
    config_->names = {"y"};
  }

  void Load(bool local, int64_t max_batch = 0) {
    ModelSignature signature;
    signature.local = local;
    signature.max_batch = max_batch;
    signature.version = "v1";
    runtime_.model = std::make_shared<FakeModel>(signature);
  }
  std::unique_ptr<OperatorHarness> Make() {
    Schema output = kInput;
    output.Add("y", SqlType::Double());
    return std::make_unique<OperatorHarness>(
        services_, config_, std::vector<PortPlan>{{"main", output}}, std::vector{kInput});
  }
  std::unique_ptr<OperatorHarness> Opened() {
    auto harness = Make();
    harness->Open();
    harness->Complete();
    return harness;
  }
  FakeModel& model() { return *runtime_.model; }

  TestServices services_;
  FakeRuntime runtime_;
  std::shared_ptr<PredictConfig> config_ = std::make_shared<PredictConfig>();
};

TEST_F(PredictTest, LocalModelAnswersAtOnce) {
  Load(true);
  auto h = Opened();
  h->Push(BatchOf(kInput, "[[1, 0.5], [2, 1.5]]"));
  EXPECT_THAT(h->Taken(), ElementsAre("+I(1, 0.5, 1)", "+I(2, 1.5, 3)"));
  EXPECT_EQ(h->op().pending(), 0);
  h->PushTime(7);
  EXPECT_THAT(h->Taken(), ElementsAre("watermark 7"));
  for (const auto& [part, bytes] : h->Snapshot()) {  // nothing is in flight
    auto again = Make();
    again->Open({{part, bytes}});
    EXPECT_EQ(again->op().pending(), 0);
  }
  EXPECT_TRUE(h->status.ok()) << h->status.ToString();
}

TEST_F(PredictTest, SmallBatchesTravelTogether) {  // T13
  Load(false, 4);
  auto h = Opened();
  h->Push(BatchOf(kInput, "[[1, 1]]"));
  h->Push(BatchOf(kInput, "[[2, 2]]"));
  EXPECT_THAT(model().sizes, IsEmpty());
  h->Advance(config_->linger_us);
  EXPECT_THAT(model().sizes, ElementsAre(2));
  h->Push(
      BatchOf(kInput, "[[3, 3], [4, 4], [5, 5], [6, 6], [7, 7]]"));  // a full one leaves at once
  EXPECT_THAT(model().sizes, ElementsAre(2, 4));
  h->Advance(config_->linger_us);
  EXPECT_THAT(model().sizes, ElementsAre(2, 4, 1));
  for (int i = 0; i < 3; ++i) model().Answer(0);
  h->Complete();
  EXPECT_THAT(h->Taken(), ElementsAre("+I(1, 1, 2)", "+I(2, 2, 4)", "+I(3, 3, 6)", "+I(4, 4, 8)",
                                      "+I(5, 5, 10)", "+I(6, 6, 12)", "+I(7, 7, 14)"));
}

TEST_F(PredictTest, ResultsAndTimesStayInOrder) {  // T5
  Load(false, 1);
  auto h = Opened();
  h->Push(BatchOf(kInput, "[[1, 1], [2, 2]]"));
  h->PushTime(5);
  h->Push(BatchOf(kInput, "[[3, 3]]"));
  ASSERT_EQ(model().open.size(), 3u);
  model().Answer(2);
  model().Answer(1);
  h->Complete();
  EXPECT_THAT(h->Taken(), IsEmpty());
  model().Answer(0);
  h->Complete();
  EXPECT_THAT(h->Taken(), ElementsAre("+I(1, 1, 2)", "+I(2, 2, 4)", "watermark 5", "+I(3, 3, 6)"));
}

TEST_F(PredictTest, TimesDoNotSplitRequests) {
  Load(false);
  auto h = Opened();
  h->Push(BatchOf(kInput, "[[1, 1]]"));
  h->PushTime(5);
  h->PushTime(6);
  h->Push(BatchOf(kInput, "[[2, 2]]"));
  h->Advance(config_->linger_us);
  EXPECT_THAT(model().sizes, ElementsAre(2));
  model().Answer(0);
  h->Complete();
  EXPECT_THAT(h->Taken(), ElementsAre("+I(1, 1, 2)", "watermark 6", "+I(2, 2, 4)"));
}

TEST_F(PredictTest, UnorderedNeverPassesATime) {  // T5
  config_->order = PredictOrder::kUnordered;
  Load(false, 1);
  auto h = Opened();
  h->Push(BatchOf(kInput, "[[1, 1], [2, 2]]"));
  h->PushTime(5);
  h->Push(BatchOf(kInput, "[[3, 3]]"));
  model().Answer(2);
  model().Answer(1);
  h->Complete();
  EXPECT_THAT(h->Taken(), ElementsAre("+I(2, 2, 4)"));
  model().Answer(0);
  h->Complete();
  EXPECT_THAT(h->Taken(), ElementsAre("+I(1, 1, 2)", "watermark 5", "+I(3, 3, 6)"));
}

TEST_F(PredictTest, RequestsInFlightAreBounded) {  // T5
  config_->max_in_flight = 2;
  Load(false, 1);
  auto h = Opened();
  h->Push(BatchOf(kInput, "[[1, 1], [2, 2], [3, 3]]"));
  EXPECT_EQ(model().open.size(), 2u);
  EXPECT_FALSE(h->op().Accepts(0));
  model().Answer(0);
  h->Complete();
  EXPECT_EQ(model().open.size(), 2u);
  model().Answer(0);
  model().Answer(0);
  h->Complete();
  EXPECT_TRUE(h->op().Accepts(0));
  EXPECT_EQ(h->Taken().size(), 3u);
}

TEST_F(PredictTest, WaitsForTheModel) {
  auto h = Make();
  h->Open();
  h->Push(BatchOf(kInput, "[[1, 1]]"));
  EXPECT_EQ(h->op().pending(), 1);
  EXPECT_THAT(h->Taken(), IsEmpty());
  Load(true);
  runtime_.waiting.at(0)(Status::OK());
  h->Complete();
  EXPECT_THAT(h->Taken(), ElementsAre("+I(1, 1, 2)"));
}

TEST_F(PredictTest, FailsWhenTheModelCannotLoad) {
  auto h = Make();
  h->Open();
  runtime_.waiting.at(0)(Error::User("no such file").In("model m"));
  h->Complete();
  EXPECT_THAT(h->status.message(), HasSubstr("no such file"));
}

TEST_F(PredictTest, FailedRowsLeaveAsNullAndGoToTheDeadLetters) {  // T9
  Load(true);
  auto h = Opened();
  h->Push(BatchOf(kInput, "[[1, 1], [2, null], [3, 3]]"));
  EXPECT_THAT(h->Taken(),
              ElementsAre("dead 1: x is NULL", "+I(1, 1, 2)", "+I(2, null, null)", "+I(3, 3, 6)"));
}

TEST_F(PredictTest, FailedRowsLeaveAtTheDeadLettersOnly) {  // T8: 'on-error' = 'dead-letter'
  Load(false);
  model().leave_out_failed = true;
  auto h = Opened();
  h->Push(BatchOf(kInput, "[[1, null], [2, 2]]"));
  h->PushTime(5);
  h->Push(BatchOf(kInput, "[[3, null]]"));
  h->PushTime(6);
  h->Push(BatchOf(kInput, "[[4, 4]]"));
  h->Advance(config_->linger_us);
  ASSERT_EQ(model().open.size(), 1u);
  model().Answer(0);
  h->Complete();
  EXPECT_THAT(h->Taken(), ElementsAre("dead 0: x is NULL", "dead 2: x is NULL", "+I(2, 2, 4)",
                                      "watermark 5", "watermark 6", "+I(4, 4, 8)"));
  h->Push(BatchOf(kInput, "[[5, null]]"));
  h->PushTime(7);
  h->Advance(config_->linger_us);
  model().Answer(0);
  h->Complete();
  EXPECT_THAT(h->Taken(), ElementsAre("dead 0: x is NULL", "watermark 7"));
}

TEST_F(PredictTest, RowsInFlightSurviveARestart) {  // T13
  Load(false, 2);
  auto h = Opened();
  h->Push(BatchOf(kInput, "[[1, 1], [2, 2], [3, 3]]"));
  EXPECT_EQ(model().open.size(), 1u);
  const auto parts = h->Snapshot();
  EXPECT_EQ(model().open.size(), 2u);  // the barrier does not leave rows behind
  h.reset();
  EXPECT_EQ(model().cancelled, 2);
  model().open.clear();
  auto again = Make();
  again->Open(parts);
  again->Complete();
  EXPECT_THAT(runtime_.asked, ElementsAre("v1", "v1"));
  ASSERT_EQ(model().open.size(), 2u);
  model().Answer(0);
  model().Answer(0);
  again->Complete();
  EXPECT_THAT(again->Taken(), ElementsAre("+I(1, 1, 2)", "+I(2, 2, 4)", "+I(3, 3, 6)"));
  for (const auto& part : again->Snapshot()) {
    auto third = Make();
    third->Open({part});
    EXPECT_EQ(third->op().pending(), 0);
  }
}

TEST_F(PredictTest, RowsOfASequenceComeBackToItsSubtask) {  // T7: under their keys, in order
  Load(false, 2);
  config_->model.in_sequence = true;
  config_->keys = {0};
  auto h = Opened();
  h->Push(BatchOf(kInput, "[[1, 1], [2, 2], [1, 3], [2, 4], [1, 5], [2, 6]]"));
  model().Answer(0);
  h->Complete();
  EXPECT_THAT(h->Taken(), ElementsAre("+I(1, 1, 2)", "+I(2, 2, 4)"));
  const auto parts = h->Snapshot();
  std::vector<std::vector<std::string>> subtasks;
  for (const auto& part : parts) {
    model().open.clear();
    auto again = Make();
    again->Open({part});
    again->Complete();
    again->Push(BatchOf(kInput, "[[7, 7], [7, 8]]"));
    while (!model().open.empty()) model().Answer(0);
    again->Complete();
    if (auto rows = again->Taken(); rows.size() > 2) subtasks.push_back(std::move(rows));
    for (const auto& left : again->Snapshot(2)) {
      auto third = Make();
      third->Open({left});
      EXPECT_EQ(third->op().pending(), 0);
    }
  }
  EXPECT_THAT(subtasks,
              testing::UnorderedElementsAre(
                  ElementsAre("+I(1, 3, 6)", "+I(1, 5, 10)", "+I(7, 7, 14)", "+I(7, 8, 16)"),
                  ElementsAre("+I(2, 4, 8)", "+I(2, 6, 12)", "+I(7, 7, 14)", "+I(7, 8, 16)")));
}

TEST_F(PredictTest, DeadlineCountsFromTheArrival) {  // T3: 'timeout'
  config_->timeout_us = 1'000'000;
  Load(false);
  auto h = Opened();
  const int64_t arrived_us = services_.env_.now_us;
  h->Push(BatchOf(kInput, "[[1, 1]]"));
  h->Advance(config_->linger_us);
  EXPECT_EQ(model().open.at(0).options.deadline_us, arrived_us + 1'000'000);
}

TEST_F(PredictTest, ArraysAreMicroBatches) {  // T13
  const SqlType list = SqlType::Array(SqlType::Double());
  const Schema input({{"id", SqlType::Int(), {}}, {"xs", list, {}}});
  config_->arguments = {Expression::Column(1, list)};
  Schema output = input;
  output.Add("y", list);
  for (const bool local : {true, false}) {
    Load(local);
    OperatorHarness h(services_, config_, {{"main", output}}, {input});
    h.Open();
    h.Complete();
    h.Push(BatchOf(input, "[[1, [1, 2]], [2, []], [3, null], [4, [3, null, 5]]]"));
    h.Advance(config_->linger_us);
    EXPECT_THAT(model().sizes, ElementsAre(5));
    if (!local) model().Answer(0);
    h.Complete();
    EXPECT_THAT(
        h.Taken(),
        ElementsAre("dead 2: the array 'x' is NULL", "dead 3: element 2: x is NULL",
                    "+I(1, list<item: double>[1, 2], list<item: double>[2, 4])",
                    "+I(2, list<item: double>[], list<item: double>[])", "+I(3, null, null)",
                    "+I(4, list<item: double>[3, null, 5], list<item: double>[6, null, 10])"));
    h.Push(BatchOf(input, "[[5, []]]"));
    h.Advance(config_->linger_us);
    EXPECT_THAT(
        h.Taken(),
        ElementsAre("+I(5, list<item: double>[], list<item: double>[])"));  // nothing to ask
    EXPECT_EQ(model().sizes.size(), 1u);
  }
}

TEST_F(PredictTest, CountsPerOperatorModelAndVersion) {  // T11
  Load(false);
  auto h = Opened();
  h->Push(BatchOf(kInput, "[[1, 1], [2, null]]"));
  h->Advance(config_->linger_us);
  model().Answer(0);
  h->Complete();
  h->Push(BatchOf(kInput, "[[3, null]]"));
  h->Advance(config_->linger_us);
  model().Answer(0);
  h->Complete();
  std::map<std::string, int64_t> values;
  for (const MetricValue& value : services_.metrics_.Snapshot()) {
    const auto model = value.labels.find("model");
    if (model == value.labels.end()) continue;
    EXPECT_EQ(value.labels.at("version"), "v1");
    values[value.name] = value.histogram ? value.histogram->count() : value.value;
  }
  EXPECT_EQ(values, (std::map<std::string, int64_t>{{"requests", 2},
                                                    {"success", 1},
                                                    {"failure", 1},
                                                    {"output_rows", 1},
                                                    {"latency", 2},
                                                    {"engine_queue", 2},
                                                    {"in_flight", 0}}));
}

TEST_F(PredictTest, FinishSendsWhatIsLeft) {
  Load(false);
  auto h = Opened();
  h->Push(BatchOf(kInput, "[[1, 1]]"));
  h->Finish();
  EXPECT_EQ(h->op().pending(), 1);
  model().Answer(0);
  h->Complete();
  EXPECT_EQ(h->op().pending(), 0);
  EXPECT_THAT(h->Taken(), ElementsAre("+I(1, 1, 2)"));
}

}  // namespace
}  // namespace millrace

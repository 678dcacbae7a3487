#include <algorithm>
#include <deque>

#include <arrow/builder.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operators/operator_harness.h"
#include "spi/model.h"
#include "spi/model_history.h"
#include "spi/version_switch.h"

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const Schema kRows({{"id", SqlType::Int(), {}},
                    {"k", SqlType::String(), {}},
                    {"ts", SqlType::Timestamp(3), {}}});
const Schema kRecords({{"k", SqlType::String(), {}},
                       {"version", SqlType::Int(), {}},
                       {"data", SqlType::Bytes(), {}},
                       {"location", SqlType::String(), {}},
                       {"ts", SqlType::Timestamp(3), {}}});

/// Multiplies by `factor`; without one every row fails.
class FakeVersion final : public LoadedModel {
 public:
  explicit FakeVersion(int factor) : factor_(factor) {
    signature_.local = true;
    ++alive;
  }
  ~FakeVersion() override { --alive; }
  const ModelSignature& signature() const override { return signature_; }

  std::unique_ptr<Call> PredictAsync(const Batch& rows, const CallOptions&,
                                     PredictDone done) override {
    batches.push_back(rows.num_rows());
    Prediction prediction;
    arrow::Int32Builder y;
    const auto& x = static_cast<const arrow::Int32Array&>(*rows.rows->column(0));
    for (int64_t i = 0; i < x.length(); ++i) {
      if (factor_ == 0) prediction.errors.push_back({static_cast<int32_t>(i), "no version", {}});
      EXPECT_TRUE((factor_ == 0 ? y.AppendNull() : y.Append(factor_ * x.Value(i))).ok());
    }
    prediction.outputs =
        arrow::RecordBatch::Make(arrow::schema({arrow::field("y", arrow::int32())}),
                                 rows.num_rows(), {y.Finish().ValueOrDie()});
    done(std::move(prediction));
    return nullptr;
  }

  static inline int alive = 0;
  std::vector<int64_t> batches;

 private:
  const int factor_;
  ModelSignature signature_;
};

/// The test loads what was asked for. The bytes of a model are its factor.
class FakeRuntime final : public ModelRuntime, public VersionSwitch, public ModelHistory {
 public:
  struct Load {
    ModelRecord record;
    std::function<void(Result<LoadedVersion>)> done;
  };

  Result<ModelLease> TryLease(const ModelConfig&, const VersionSelector&) override {
    return std::make_shared<FakeVersion>(0);
  }
  void WhenReady(const ModelConfig&, const VersionSelector&,
                 std::function<void(Status)> ready) override {
    ready(Status::OK());
  }
  void LoadVersion(const ModelConfig&, const ModelRecord& record,
                   std::function<void(Result<LoadedVersion>)> done) override {
    loads.push_back({record, std::move(done)});
  }

  std::shared_ptr<void> Listen(const std::string&, std::function<void(int64_t)> told) override {
    told_ = std::move(told);
    return nullptr;
  }
  int Serve(const std::string&, int64_t version) override {
    told_(version);
    return 1;
  }

  void Finish(Load load) {
    LoadedVersion loaded;
    // What is at a location has its name.
    loaded.bytes =
        load.record.bytes ? load.record.bytes : arrow::Buffer::FromString(load.record.location);
    const std::string text = loaded.bytes->ToString();
    loaded.model = std::make_shared<FakeVersion>(std::stoi(text));
    loaded.hash = "sha256:" + std::string(8, text[0]);
    load.done(std::move(loaded));
  }
  void FinishAll() {
    while (!loads.empty()) FinishNext();
  }
  void FinishNext() {
    Load load = std::move(loads.front());
    loads.pop_front();
    Finish(std::move(load));
  }

  std::deque<Load> loads;

 private:
  std::function<void(int64_t)> told_;
};

class PredictStreamTest : public testing::Test {
 protected:
  PredictStreamTest() {
    services_.models_ = &runtime_;
    config_->model.name = "m";
    config_->model.input = SchemaOf({{"x", SqlType::Int()}});
    config_->model.output = SchemaOf({{"y", SqlType::Int()}});
    config_->arguments = {Expression::Column(0, SqlType::Int())};
    config_->names = {"y"};
    config_->version_name = "v";
    ModelStream stream;
    stream.source = "updates";
    stream.keyed = true;
    stream.row_keys = {1};
    stream.record_keys = {0};
    stream.version = 1;
    stream.data = 2;
    stream.location = 3;
    config_->stream = stream;
  }

  void ByEventTime() {
    config_->stream->row_time = 2;
    config_->stream->time = 4;
  }
  std::unique_ptr<OperatorHarness> Make() {
    Schema output = kRows;
    output.Add("y", SqlType::Int());
    output.Add("v", SqlType::String());
    PortPlan refused;
    refused.name = "quarantined";
    refused.schema = SchemaOf({{"k", SqlType::String()},
                               {"model", SqlType::String()},
                               {"type", SqlType::String()},
                               {"version", SqlType::BigInt()},
                               {"location", SqlType::String()},
                               {"reason", SqlType::String()}});
    PortPlan shadow;
    shadow.name = kShadowPort;
    shadow.schema = ShadowRowsSchema(kRows, *config_);
    return std::make_unique<OperatorHarness>(
        services_, config_,
        std::vector<PortPlan>{
            {"main", output}, {"failed", FailedRowsSchema(kRows)}, refused, shadow},
        std::vector{kRows, kRecords});
  }
  std::unique_ptr<OperatorHarness> Opened(const OperatorHarness::Parts& parts = {}) {
    auto harness = Make();
    harness->Open(parts);
    harness->Complete();
    return harness;
  }
  static void Record(OperatorHarness& h, const std::string& json) {
    const Status status = h.op().ProcessBatch(1, BatchOf(kRecords, json), h);
    EXPECT_TRUE(status.ok()) << status.ToString();
  }
  /// The record, loaded.
  void Serve(OperatorHarness& h, const std::string& json) {
    Record(h, json);
    runtime_.FinishAll();
    h.Complete();
  }
  static void Rows(OperatorHarness& h, const std::string& json) { h.Push(BatchOf(kRows, json)); }
  /// id, y and v of the rows sent, and whatever else.
  static std::vector<std::string> Sent(OperatorHarness& h) {
    std::vector<std::string> out;
    for (const std::string& text : h.Taken()) {
      if (!text.starts_with("+I(")) {
        out.push_back(text);
        continue;
      }
      const size_t ts = text.find(", ", text.find(", ") + 2);
      const size_t y = text.find(", ", ts + 2);
      out.push_back(text.substr(3, text.find(',') - 3) + text.substr(y + 1, text.size() - y - 2));
    }
    return out;
  }

  TestServices services_;
  FakeRuntime runtime_;
  std::shared_ptr<PredictConfig> config_ = std::make_shared<PredictConfig>();
};

TEST_F(PredictStreamTest, SwapsBetweenBatchesWhenTheVersionIsLoaded) {  // M3
  auto h = Opened();
  Serve(*h, R"([["a", 1, "2", null, null]])");
  Rows(*h, R"([[1, "a", null], [2, "a", null]])");
  EXPECT_THAT(Sent(*h), ElementsAre("1 2, 1", "2 4, 1"));
  Record(*h, R"([["a", 2, "5", null, null]])");  // is loading: the old one serves
  Rows(*h, R"([[3, "a", null]])");
  EXPECT_THAT(Sent(*h), ElementsAre("3 6, 1"));
  runtime_.FinishAll();
  h->Complete();
  Rows(*h, R"([[4, "a", null], [5, "a", null]])");
  EXPECT_THAT(Sent(*h), ElementsAre("4 20, 2", "5 25, 2"));
  EXPECT_TRUE(h->status.ok()) << h->status.ToString();
}

TEST_F(PredictStreamTest, FreesTheOldVersion) {  // M3
  auto h = Opened();
  Serve(*h, R"([["a", 1, "2", null, null]])");
  const int one = FakeVersion::alive;
  Serve(*h, R"([["a", 2, "3", null, null]])");
  EXPECT_EQ(FakeVersion::alive, one);
}

TEST_F(PredictStreamTest, ManyKeysInOneBatchKeepTheirOrder) {  // M2
  auto h = Opened();
  Serve(*h, R"([["a", 1, "2", null, null], ["b", 7, "3", null, null]])");
  Rows(*h, R"([[1, "a", null], [2, "b", null], [3, "a", null], [4, "b", null]])");
  EXPECT_THAT(Sent(*h), ElementsAre("1 2, 1", "2 6, 7", "3 6, 1", "4 12, 7"));
}

TEST_F(PredictStreamTest, KeepsServingWhenAVersionDoesNotLoad) {  // M6
  auto h = Opened();
  Serve(*h, R"([["a", 1, "2", null, null]])");
  Record(*h, R"([["a", 2, "bad", null, null]])");
  runtime_.loads.front().done(Error::User("it is no model"));
  runtime_.loads.clear();
  h->Complete();
  EXPECT_THAT(h->Taken(), ElementsAre("rejected 1: a version of the model 'm': it is no model",
                                      "quarantined: +I(a, m, , 2, , it is no model)"));
  Record(*h, R"([["a", 3, null, null, null]])");
  EXPECT_THAT(h->Taken(),
              ElementsAre(HasSubstr("neither data nor a location"), HasSubstr("(a, m, , 3")));
  Rows(*h, R"([[1, "a", null]])");
  EXPECT_THAT(Sent(*h), ElementsAre("1 2, 1"));
}

TEST_F(PredictStreamTest, ALoadThatFailsByTheDiskIsTriedAgain) {  // M3, M6
  auto h = Opened();
  Record(*h, R"([["a", 1, null, "2", null]])");
  Rows(*h, R"([[1, "a", null]])");
  const auto fail = [&] {
    ASSERT_EQ(runtime_.loads.size(), 1U);
    runtime_.loads.front().done(Error::Transient("input/output error"));
    runtime_.loads.clear();
    h->Complete();
  };
  fail();
  EXPECT_THAT(h->Taken(), IsEmpty());
  h->Advance(1'000'000);
  fail();
  h->Advance(1'999'999);
  EXPECT_THAT(runtime_.loads, IsEmpty());
  h->Advance(1);
  runtime_.FinishAll();
  h->Complete();
  EXPECT_THAT(Sent(*h), ElementsAre("1 2, 1"));
  // After six attempts, half a minute, it is given up.
  Record(*h, R"([["a", 2, null, "3", null]])");
  for (int attempt = 0; attempt < 6; ++attempt) {
    fail();
    h->Advance(32'000'000);
  }
  EXPECT_THAT(h->Taken(), ElementsAre(HasSubstr("input/output error"), HasSubstr("(a, m, , 2")));
  EXPECT_THAT(runtime_.loads, IsEmpty());
}

TEST_F(PredictStreamTest, DuplicatesAndOlderVersionsChangeNothing) {
  auto h = Opened();
  Serve(*h, R"([["a", 3, "3", null, null]])");
  Record(*h, R"([["a", 3, "3", null, null], ["a", 2, "2", null, null]])");
  EXPECT_THAT(runtime_.loads, IsEmpty());
  // Two that come together: the newer serves, whichever is loaded first.
  Record(*h,
         R"([["a", 5, "5", null, null], ["a", 4, "4", null, null], ["a", 5, "5", null, null]])");
  ASSERT_EQ(runtime_.loads.size(), 2U);
  runtime_.FinishAll();
  h->Complete();
  Rows(*h, R"([[1, "a", null]])");
  EXPECT_THAT(Sent(*h), ElementsAre("1 5, 5"));
}

TEST_F(PredictStreamTest, RowsWaitForTheFirstModelAndTimesBehindThem) {  // M3
  auto h = Opened();
  Serve(*h, R"([["b", 1, "3", null, null]])");
  h->PushTime(5);
  Rows(*h, R"([[1, "a", null], [2, "b", null]])");
  EXPECT_THAT(Sent(*h), ElementsAre("watermark 5", "2 6, 1"));
  h->PushTime(9);
  EXPECT_EQ(h->op().pending(), 1);
  EXPECT_THAT(Sent(*h), IsEmpty());
  Serve(*h, R"([["a", 1, "2", null, null]])");
  EXPECT_THAT(Sent(*h), ElementsAre("1 2, 1", "watermark 9"));
  EXPECT_EQ(h->op().pending(), 0);
}

TEST_F(PredictStreamTest, RowsWithoutAModelFailWhenTheModelsEnd) {
  auto h = Opened();
  Rows(*h, R"([[1, "a", null]])");
  EXPECT_THAT(Sent(*h), IsEmpty());
  EXPECT_TRUE(h->op().Finish(1, *h).ok());
  EXPECT_THAT(Sent(*h), ElementsAre("dead 0: no version", "1 null, null"));
}

TEST_F(PredictStreamTest, SkipsRowsBeforeTheFirstModel) {  // M3
  config_->stream->before_first = BeforeFirstModel::kSkip;
  auto h = Opened();
  Rows(*h, R"([[1, "a", null], [2, "a", null]])");
  EXPECT_THAT(h->Taken(), IsEmpty());
  EXPECT_EQ(h->metrics().counter("rows_without_model")->value(), 2);
  Record(*h, R"([["a", 1, "2", null, null]])");
  Rows(*h, R"([[3, "a", null]])");  // it has come: the row waits until it is loaded
  runtime_.FinishAll();
  h->Complete();
  EXPECT_THAT(Sent(*h), ElementsAre("3 6, 1"));
}

TEST_F(PredictStreamTest, NoMoreRowsWaitThanMay) {
  config_->stream->max_waiting_rows = 1;
  auto h = Opened();
  Rows(*h, R"([[1, "a", null], [2, "b", null]])");
  EXPECT_THAT(Sent(*h), ElementsAre("dead 0: no version", "2 null, null"));
  EXPECT_EQ(h->op().pending(), 1);
}

TEST_F(PredictStreamTest, RestoresWhatServedWithoutItsLocation) {  // M5
  for (const bool keyed : {true, false}) {
    config_->stream->keyed = keyed;
    auto h = Opened();
    Serve(*h, R"([["a", 1, null, "4", null]])");
    Rows(*h, R"([[1, "b", "1970-01-01 00:00:01"], [2, "b", null]])");
    Record(*h, R"([["a", 2, "5", null, null]])");  // not loaded at the barrier
    const auto parts = h->Snapshot();
    runtime_.loads.clear();

    auto again = Opened(parts);
    ASSERT_EQ(runtime_.loads.size(), 2U);
    for (const auto& load : runtime_.loads) ASSERT_TRUE(load.record.bytes);
    if (runtime_.loads[0].record.bytes->ToString() == "5")
      std::swap(runtime_.loads[0], runtime_.loads[1]);
    EXPECT_EQ(runtime_.loads[0].record.bytes->ToString(), "4");
    runtime_.FinishNext();
    again->Complete();
    Rows(*again, R"([[3, "a", null]])");
    EXPECT_THAT(Sent(*again), ElementsAre("3 12, 1"));
    runtime_.FinishAll();
    again->Complete();
    Rows(*again, R"([[4, "a", null]])");
    EXPECT_THAT(Sent(*again), ElementsAre("4 20, 2"));
    EXPECT_EQ(again->op().pending(), 2);
    Serve(*again, R"([["b", 1, "7", null, null]])");
    EXPECT_THAT(Sent(*again), ElementsAre("1 7, 1", "2 14, 1"));
    EXPECT_TRUE(again->status.ok()) << again->status.ToString();
    EXPECT_EQ(Opened(again->Snapshot())->op().pending(), 2);  // loads; no row
    runtime_.loads.clear();
  }
}

TEST_F(PredictStreamTest, WhatLeavesBeforeTheBarrierIsNotInTheSnapshot) {  // M5
  for (const bool keyed : {true, false}) {
    config_->stream->keyed = keyed;
    auto h = Opened();
    Rows(*h, R"([[1, "a", null], [2, "b", null]])");
    (void)h->Snapshot();
    // The task still works between the preparation and the barrier.
    Serve(*h, R"([["a", 1, "2", null, null]])");
    EXPECT_THAT(Sent(*h), ElementsAre("1 2, 1"));
    const auto store = h->Frozen();
    auto again = Opened(store);
    Serve(*again, R"([["b", 1, "3", null, null]])");
    runtime_.FinishAll();
    again->Complete();
    EXPECT_THAT(Sent(*again), ElementsAre("2 6, 1"));
  }
}

TEST_F(PredictStreamTest, AVersionThatServedMustLoadAgain) {  // M5
  auto h = Opened();
  Serve(*h, R"([["a", 1, "4", null, null]])");
  auto again = Opened(h->Snapshot());
  runtime_.loads.front().done(Error::User("out of memory"));
  again->Complete();
  EXPECT_THAT(again->status.ToString(), HasSubstr("cannot be loaded again: out of memory"));
  runtime_.loads.clear();
}

TEST_F(PredictStreamTest, ByEventTimeARowHasTheNewestVersionThatIsNotNewer) {  // M8
  ByEventTime();
  auto h = Opened();
  const auto models_until = [&](int64_t us) {
    EXPECT_TRUE(h->op().ProcessWatermark(1, {{us}, false}, *h).ok());
  };
  Serve(
      *h,
      R"([["a", 2, "2", null, "1970-01-01 00:00:02"], ["a", 4, "4", null, "1970-01-01 00:00:04"]])");
  Rows(*h, R"([[1, "a", "1970-01-01 00:00:03"], [2, "a", "1970-01-01 00:00:05"]])");
  EXPECT_THAT(Sent(*h), IsEmpty());  // a version of 00:00:03 may still come
  models_until(4'000'000);
  EXPECT_THAT(Sent(*h), ElementsAre("1 2, 2"));
  Rows(*h, R"([[3, "a", "1970-01-01 00:00:01"]])");  // behind one that waits
  models_until(6'000'000);
  EXPECT_THAT(Sent(*h), ElementsAre("2 8, 4", "dead 0: no version", "3 null, null"));
  // Late: it serves from the models' watermark on.
  Serve(*h, R"([["a", 5, "5", null, "1970-01-01 00:00:05"]])");
  models_until(9'000'000);
  Rows(*h, R"([[4, "a", "1970-01-01 00:00:06"], [5, "a", "1970-01-01 00:00:07"]])");
  EXPECT_THAT(Sent(*h), ElementsAre("4 16, 4", "5 25, 5"));
  EXPECT_EQ(h->metrics().counter("model_versions_late")->value(), 1);
  // Versions that no row needs any more are gone, and so are their models.
  const int before = FakeVersion::alive;
  h->PushTime(8'000'000);
  EXPECT_EQ(FakeVersion::alive, before - 2);
}

TEST_F(PredictStreamTest, ASilentStreamOfModelsIsCompleteAfterItsDelay) {  // M8
  ByEventTime();
  config_->stream->swap_delay_us = 2'000'000;
  auto h = Opened();
  Serve(*h, R"([["a", 1, "2", null, "1970-01-01 00:00:00"]])");
  Rows(*h, R"([[1, "a", "1970-01-01 00:00:01"]])");
  EXPECT_THAT(Sent(*h), IsEmpty());
  EXPECT_EQ(h->alarm().us, 3'000'000);
  h->Advance(2'000'000);
  EXPECT_THAT(Sent(*h), ElementsAre("1 2, 1"));
}

class RolloutTest : public PredictStreamTest {
 protected:
  RolloutTest() {
    rollout().kind = RolloutKind::kCanary;
    rollout().share = 0.5;
  }
  RolloutConfig& rollout() { return config_->stream->rollout; }
  /// Versions 1 (times 2) and 2 (times 3) of "a"; the second is the candidate.
  std::unique_ptr<OperatorHarness> TwoVersions() {
    auto h = Opened();
    Serve(*h, R"([["a", 1, "2", null, null]])");
    Serve(*h, R"([["a", 2, "3", null, null]])");
    return h;
  }
  /// Rows `from` to `to` of "a"; "1 1 2 …": the versions that scored them.
  static std::string Versions(OperatorHarness& h, int from, int to) {
    std::string rows;
    for (int id = from; id <= to; ++id) {
      rows += (id == from ? "[[" : ", [") + std::to_string(id) + R"(, "a", null])";
    }
    Rows(h, rows + "]");
    std::string versions;
    for (const std::string& text : Sent(h)) versions += text.substr(text.rfind(' ') + 1) + ' ';
    return versions;
  }
  static int64_t CountOf(const std::string& versions, char version) {
    return std::count(versions.begin(), versions.end(), version);
  }
};

TEST_F(RolloutTest, ACanaryScoresTheSameRowsWheneverTheyCome) {  // M9
  auto h = TwoVersions();
  const std::string versions = Versions(*h, 1, 100);
  EXPECT_NEAR(CountOf(versions, '2'), 50, 15);
  EXPECT_EQ(Versions(*h, 1, 100), versions);
  std::string one_by_one;
  for (int id = 1; id <= 100; ++id) one_by_one += Versions(*h, id, id);
  EXPECT_EQ(one_by_one, versions);
  EXPECT_EQ(Versions(*Opened(h->Snapshot()), 1, 1), "");  // waits for both to load again
  runtime_.loads.clear();
}

TEST_F(RolloutTest, RowsOfOneKeyGoToOneVersion) {  // M9: an A/B test
  rollout().keys = {1};
  auto h = TwoVersions();
  const std::string versions = Versions(*h, 1, 20);
  EXPECT_TRUE(CountOf(versions, '1') == 20 || CountOf(versions, '2') == 20) << versions;
}

TEST_F(RolloutTest, TakesOverAfterItsRowsWhateverTheBatches) {  // M9
  rollout().rows = 10;
  std::string expected;
  for (const int batch : {1, 7, 100}) {
    auto h = TwoVersions();
    std::string versions;
    for (int id = 1; id <= 100; id += batch) {
      versions += Versions(*h, id, std::min(id + batch - 1, 100));
    }
    if (expected.empty()) expected = versions;
    EXPECT_EQ(versions, expected);
    EXPECT_EQ(versions.substr(versions.rfind('1') + 2), versions.substr(versions.rfind("1 2") + 2));
  }
  // Ten rows by the canary, and all that come later.
  const size_t last = expected.rfind('1');
  EXPECT_EQ(CountOf(expected.substr(last), '1'), 1);
  EXPECT_LE(CountOf(expected.substr(0, last), '2'), 10);
  EXPECT_GT(CountOf(expected.substr(last), '2'), 50);
}

TEST_F(RolloutTest, FailedRowsRollBack) {  // M9
  rollout().max_failed = 0.1;
  rollout().check_rows = 5;
  auto h = Opened();
  Serve(*h, R"([["a", 1, "2", null, null]])");
  Serve(*h, R"([["a", 2, "0", null, null]])");  // fails every row
  Versions(*h, 1, 40);
  EXPECT_EQ(CountOf(Versions(*h, 41, 80), '2'), 0);
  EXPECT_EQ(h->metrics().counter("model_rollbacks")->value(), 1);
  // It is not tried again after a restore, nor when its record comes again.
  auto again = Opened(h->Snapshot());
  ASSERT_EQ(runtime_.loads.size(), 1U);
  runtime_.FinishAll();
  again->Complete();
  Record(*again, R"([["a", 2, "0", null, null]])");
  EXPECT_THAT(runtime_.loads, IsEmpty());
  EXPECT_EQ(CountOf(Versions(*again, 1, 80), '1'), 80);
}

TEST_F(RolloutTest, ShiftedScoresRollBack) {  // M9
  rollout().max_shift = 0.2;
  rollout().check_rows = 50;
  auto h = TwoVersions();
  const std::string versions = Versions(*h, 1, 1000);
  EXPECT_EQ(CountOf(versions, '2'), 50);
  EXPECT_EQ(CountOf(versions.substr(versions.size() - 800), '2'), 0);
}

TEST_F(RolloutTest, TheCountsAreInTheCheckpoint) {  // M5, M9
  rollout().rows = 10;
  auto h = TwoVersions();
  const std::string uninterrupted = Versions(*TwoVersions(), 1, 60);
  const std::string before = Versions(*h, 1, 8);
  auto again = Opened(h->Snapshot());
  runtime_.FinishAll();
  again->Complete();
  EXPECT_EQ(before + Versions(*again, 9, 60), uninterrupted);
}

TEST_F(RolloutTest, TakesOverAfterItsTime) {  // M9
  rollout().duration_us = 5'000'000;
  auto h = TwoVersions();
  EXPECT_GT(CountOf(Versions(*h, 1, 40), '1'), 5);
  h->Advance(5'000'000);
  EXPECT_EQ(CountOf(Versions(*h, 1, 40), '2'), 40);
}

TEST_F(RolloutTest, ByEventTimeTheTimeOfTheRowDecides) {  // M8, M9
  ByEventTime();
  rollout().duration_us = 10'000'000;
  auto h = Opened();
  Serve(*h, R"([["a", 1, "2", null, "1970-01-01 00:00:00"],
                ["a", 2, "3", null, "1970-01-01 00:00:10"],
                ["a", 3, "5", null, "1970-01-01 00:00:25"],
                ["a", 4, "7", null, "1970-01-01 00:00:30"]])");
  EXPECT_TRUE(h->op().ProcessWatermark(1, {{60'000'000}, false}, *h).ok());
  const auto versions_at = [&](const std::string& time) {
    std::string rows;
    for (int id = 1; id <= 40; ++id) {
      rows += (id == 1 ? "[[" : ", [") + std::to_string(id) + R"(, "a", "1970-01-01 00:00:)" +
              time + "\"]";
    }
    Rows(*h, rows + "]");
    std::string versions;
    for (const std::string& text : Sent(*h)) versions += text.back();
    std::sort(versions.begin(), versions.end());
    versions.erase(std::unique(versions.begin(), versions.end()), versions.end());
    return versions;
  };
  EXPECT_EQ(versions_at("05"), "1");
  EXPECT_EQ(versions_at("15"), "12");
  EXPECT_EQ(versions_at("20"), "2");
  EXPECT_EQ(versions_at("27"), "23");
  EXPECT_EQ(versions_at("35"), "24");  // the third was not tried for long enough
  EXPECT_EQ(versions_at("40"), "4");
}

TEST_F(RolloutTest, TheNewestCandidateStays) {  // M9
  auto h = Opened();
  Record(*h,
         R"([["a", 1, "2", null, null], ["a", 2, "3", null, null], ["a", 3, "5", null, null]])");
  ASSERT_EQ(runtime_.loads.size(), 3U);
  const int before = FakeVersion::alive;
  std::swap(runtime_.loads[0], runtime_.loads[2]);  // whichever is loaded first
  runtime_.FinishAll();
  h->Complete();
  EXPECT_EQ(FakeVersion::alive, before + 2);
  const std::string versions = Versions(*h, 1, 40);
  EXPECT_GT(CountOf(versions, '1'), 5);
  EXPECT_GT(CountOf(versions, '3'), 5);
  EXPECT_EQ(CountOf(versions, '2'), 0);
}

TEST_F(RolloutTest, AVersionServesByHandUntilANewerOneComes) {  // M9
  rollout().kind = RolloutKind::kNone;
  config_->stream->keep_versions = 1;
  auto h = TwoVersions();
  EXPECT_EQ(Versions(*h, 1, 3), "2 2 2 ");
  runtime_.Serve("m", 7);  // nobody has it
  h->Complete();
  EXPECT_EQ(Versions(*h, 1, 3), "2 2 2 ");
  runtime_.Serve("m", 1);
  h->Complete();
  EXPECT_EQ(Versions(*h, 1, 3), "1 1 1 ");
  // The choice is in the checkpoint, and a record that is known does not undo it.
  auto again = Opened(h->Snapshot());
  runtime_.FinishAll();
  again->Complete();
  Record(*again, R"([["a", 2, "3", null, null]])");
  EXPECT_THAT(runtime_.loads, IsEmpty());
  EXPECT_EQ(Versions(*again, 1, 3), "1 1 1 ");
  Serve(*again, R"([["a", 3, "5", null, null]])");
  EXPECT_EQ(Versions(*again, 1, 3), "3 3 3 ");
}

TEST_F(RolloutTest, TheHistoryIsKept) {  // M9
  rollout().check_rows = 2;
  rollout().max_failed = 0;
  auto h = TwoVersions();
  Serve(*h, R"([["a", 3, "0", null, null]])");
  (void)Versions(*h, 1, 100);
  Record(*h, R"([["a", 4, null, null, null]])");
  runtime_.Serve("m", 1);
  h->Complete();
  const auto events = runtime_.Events();
  std::vector<std::string> told;
  for (const ModelEvent& event : events) {
    EXPECT_EQ(event.model, "m");
    EXPECT_EQ(event.key, "a");
    told.push_back(std::to_string(event.version) + " " + event.event);
  }
  EXPECT_THAT(told, ElementsAre("1 loaded", "1 serves", "2 loaded", "2 rollout", "3 loaded",
                                "3 rollout", "3 rolled back", "4 refused", "1 by hand"));
  EXPECT_THAT(events[6].reason, HasSubstr("rows have failed"));
  EXPECT_THAT(events[7].reason, HasSubstr("neither data nor a location"));
  // Another process knows it from the checkpoint; this one is not told twice.
  const auto parts = h->Snapshot();
  (void)Opened(parts);
  EXPECT_EQ(runtime_.Events().size(), events.size());
  FakeRuntime another;
  services_.models_ = &another;
  (void)Opened(parts);
  EXPECT_EQ(another.Events(), events);
  another.loads.clear();
  services_.models_ = &runtime_;
}

TEST_F(RolloutTest, ARolloutEndsByHand) {  // M9: an A/B test
  for (const int winner : {1, 2}) {
    auto h = TwoVersions();
    runtime_.Serve("m", winner);
    h->Complete();
    EXPECT_EQ(CountOf(Versions(*h, 1, 40), static_cast<char>('0' + winner)), 40);
  }
}

TEST_F(RolloutTest, AShadowScoresTooAndChangesNothing) {  // M9
  rollout().kind = RolloutKind::kShadow;
  rollout().share = 1;
  rollout().rows = 2;
  auto h = TwoVersions();
  Rows(*h, R"([[1, "a", null], [2, "a", null], [3, "a", null]])");
  EXPECT_THAT(h->Taken(),
              ElementsAre("shadow: +I(1, a, null, 2, 1, 3, 2, null)",
                          "shadow: +I(2, a, null, 4, 1, 6, 2, null)", "+I(1, a, null, 2, 1)",
                          "+I(2, a, null, 4, 1)", "+I(3, a, null, 9, 2)"));
}

TEST_F(RolloutTest, AShadowsFailuresAreItsOwn) {  // M9
  rollout().kind = RolloutKind::kShadow;
  rollout().share = 1;
  auto h = Opened();
  Serve(*h, R"([["a", 1, "2", null, null]])");
  Serve(*h, R"([["a", 2, "0", null, null]])");
  Rows(*h, R"([[1, "a", null]])");
  EXPECT_THAT(h->Taken(), ElementsAre("shadow: +I(1, a, null, 2, 1, null, 2, no version)",
                                      "+I(1, a, null, 2, 1)"));
}

}  // namespace
}  // namespace millrace

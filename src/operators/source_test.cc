#include <deque>
#include <set>

#include <gmock/gmock.h>

#include "operators/operator_harness.h"
#include "operators/source_time.h"

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::StartsWith;

Schema Physical() { return SchemaOf({{"id", SqlType::Int()}, {"ts", SqlType::Timestamp(6)}}); }

/// What a test feeds to the readers of the connector 'fake'.
struct Feed {
  std::deque<Poll> polls;
  std::vector<Split> splits;  ///< given to the reader
  std::vector<Split> snapshot;
  std::set<std::string> paused;
  std::function<void()> ready;
  bool no_more = false;
  int64_t completed = 0;
};
Feed* feed = nullptr;

class FakeReader final : public SourceReader {
 public:
  Status AddSplits(std::vector<Split> splits) override {
    for (Split& split : splits) feed->splits.push_back(std::move(split));
    return Status::OK();
  }
  void NoMoreSplits() override { feed->no_more = true; }
  Result<Poll> PollNext(int64_t, int64_t) override {
    if (feed->polls.empty()) {
      Poll none;
      if (feed->no_more) none.kind = Poll::Kind::kFinished;
      return none;
    }
    Poll poll = std::move(feed->polls.front());
    feed->polls.pop_front();
    return poll;
  }
  void OnReady(std::function<void()> ready) override { feed->ready = std::move(ready); }
  void Pause(std::span<const std::string> splits, bool paused) override {
    for (const std::string& split : splits) {
      paused ? (void)feed->paused.insert(split) : (void)feed->paused.erase(split);
    }
  }
  Result<std::vector<Split>> Snapshot() override { return feed->snapshot; }
  void OnCheckpointComplete(CheckpointId id) override { feed->completed = Raw(id); }
};

class SourceTest : public testing::Test {
 protected:
  SourceTest() {
    feed = &feed_;
    ConnectorSpec spec;
    spec.name = "fake";
    spec.make_finder = [](const SourceRequest&) -> Result<std::unique_ptr<SplitFinder>> {
      return nullptr;
    };
    spec.make_reader = [](const SourceRequest&) -> Result<std::unique_ptr<SourceReader>> {
      return std::make_unique<FakeReader>();
    };
    services_.registries_.connectors.Add(std::move(spec));
    config_->table = {"t", "fake", {{"connector", "fake"}}, Physical()};
    config_->projection = {0, 1};
    output_ = Physical();
  }

  void WithWatermark(int64_t idle_timeout_us = 0) {
    config_->watermark = {1, Expression::Column(1, SqlType::Timestamp(6)), idle_timeout_us};
  }
  std::unique_ptr<OperatorHarness> Make() {
    return std::make_unique<OperatorHarness>(
        services_, config_,
        std::vector<PortPlan>{{"main", output_}, {"rejected", RejectedSchema()}});
  }
  static void Give(OperatorHarness& h, std::vector<Split> splits) {
    ASSERT_TRUE(dynamic_cast<SplitTaker&>(h.op()).AddSplits(std::move(splits)).ok());
  }
  void Feed1(const std::string& split, const std::string& json, bool finished = false) {
    Poll poll;
    poll.kind = Poll::Kind::kRows;
    poll.split = split;
    poll.rows = BatchOf(Physical(), json);
    poll.split_finished = finished;
    feed_.polls.push_back(std::move(poll));
  }

  Feed feed_;
  TestServices services_;
  std::shared_ptr<SourceConfig> config_ = std::make_shared<SourceConfig>();
  Schema output_;
};

TEST_F(SourceTest, GathersSmallPollsUntilTheLingerTimeIsOver) {
  auto h = Make();
  h->Open();
  Give(*h, {{"s", ""}});
  Feed1("s", R"([[1,null]])");
  Feed1("s", R"([[2,null]])");
  EXPECT_EQ(h->RunAll(), Step::kIdle);
  EXPECT_THAT(h->Taken(), IsEmpty());
  h->Advance(5000);
  EXPECT_THAT(h->Taken(), ElementsAre("+I(1, null)", "+I(2, null)"));
  ASSERT_TRUE(h->status.ok()) << h->status.ToString();
}

TEST_F(SourceTest, EndsWithTheLastSplit) {
  auto h = Make();
  h->Open();
  Give(*h, {{"s", ""}});
  Feed1("s", R"([[1,null]])", true);
  ASSERT_TRUE(dynamic_cast<SplitTaker&>(h->op()).NoMoreSplits().ok());
  EXPECT_EQ(h->RunAll(), Step::kFinished);
  EXPECT_THAT(h->Taken(), ElementsAre("+I(1, null)", "end"));
}

TEST_F(SourceTest, TheWatermarkIsTheSlowestSplitsAndFollowsTheRows) {
  WithWatermark();
  auto h = Make();
  h->Open();
  Give(*h, {{"a", ""}, {"b", ""}});
  Feed1("a", R"([[1,100],[2,90]])");
  h->RunAll();
  h->Advance(5000);
  EXPECT_THAT(h->Taken(), testing::SizeIs(2)) << "split b has said nothing yet";
  Feed1("b", R"([[3,50]])");
  h->RunAll();
  h->Advance(5000);
  EXPECT_THAT(h->Taken(), ElementsAre(StartsWith("+I(3"), "watermark 50"));
  Feed1("b", R"([[4,40]])", true);
  h->RunAll();
  h->Advance(5000);
  EXPECT_THAT(h->Taken(), ElementsAre(StartsWith("+I(4"), "watermark 100"))
      << "late rows do not set it back, a finished split does not hold it";
}

TEST_F(SourceTest, AnIdleSplitDoesNotHoldTheOthersBack) {
  WithWatermark(60'000);
  auto h = Make();
  h->Open();
  Give(*h, {{"a", ""}, {"b", ""}});
  h->Advance(30'000);
  Feed1("a", R"([[1,100]])");
  h->RunAll();
  h->Advance(5000);
  EXPECT_THAT(h->Taken(), testing::SizeIs(1));
  h->Advance(30'000);
  EXPECT_THAT(h->Taken(), ElementsAre("watermark 100")) << "b is idle";
  h->Advance(60'000);
  EXPECT_THAT(h->Taken(), ElementsAre("idle")) << "all are";
  Feed1("a", R"([[2,200]])");
  h->RunAll();
  h->Advance(5000);
  EXPECT_THAT(h->Taken(), ElementsAre(StartsWith("+I(2"), "watermark 200"));
}

TEST_F(SourceTest, ComputesColumnsAndRejectsWhatCannotBeRead) {
  config_->computed = {Expression::Column(0, SqlType::Int())};
  config_->computed_names = {"twin"};
  output_.Add("twin", SqlType::Int());
  auto h = Make();
  h->Open();
  Feed1("s", R"([[1,null]])");
  feed_.polls.back().rejected =
      MakeRejected(std::vector<RejectedRecord>{{"f.csv", 2, "bad", "x;y"}}).ValueOrDie();
  h->RunAll();
  EXPECT_THAT(h->Taken(),
              ElementsAre("rejected 1: f.csv:2: bad", StartsWith("rejected: +I(f.csv, 2, bad")));
  h->Advance(5000);
  EXPECT_THAT(h->Taken(), ElementsAre("+I(1, null, 1)"));
}

TEST_F(SourceTest, WaitsForRoom) {
  auto h = Make();
  h->Open();
  Feed1("s", R"([[1,null]])");
  h->room = false;
  EXPECT_EQ(h->Run(), Step::kMore);
  EXPECT_EQ(feed_.polls.size(), 1u);
}

TEST_F(SourceTest, StopsAtItsLimit) {
  config_->limit = 2;
  auto h = Make();
  h->Open();
  Feed1("s", R"([[1,null],[2,null],[3,null]])");
  EXPECT_EQ(h->RunAll(), Step::kFinished);
  EXPECT_THAT(h->Taken(), ElementsAre("+I(1, null)", "+I(2, null)", "end"));
}

TEST_F(SourceTest, AReaderWithoutASplitIsIdleInTime) {
  WithWatermark(60'000);
  auto h = Make();
  h->Open();
  h->RunAll();
  h->Advance(59'000);
  EXPECT_THAT(h->Taken(), IsEmpty());
  h->Advance(1000);
  EXPECT_THAT(h->Taken(), ElementsAre("idle"));
  Give(*h, {{"a", ""}});
  Feed1("a", R"([[1,100]])");
  h->RunAll();
  h->Advance(5000);
  EXPECT_THAT(h->Taken(), ElementsAre(StartsWith("+I(1"), "watermark 100"));
  Feed1("a", R"([[2,200]])", true);
  h->RunAll();
  h->Advance(5000);
  EXPECT_THAT(h->Taken(), ElementsAre(StartsWith("+I(2")));
  h->Advance(60'000);
  EXPECT_THAT(h->Taken(), ElementsAre("idle")) << "its split has ended";
}

// P1: a split that is far ahead waits, without being idle, until the others come near.
TEST_F(SourceTest, AlignedSplitsWaitForTheSlowest) {
  WithWatermark(60'000'000);
  config_->watermark->alignment_group = "g";
  config_->watermark->max_drift_us = 100;
  auto h = Make();
  h->Open();
  const auto other = services_.watermarks().Join("/g");
  other->Report({50});
  Give(*h, {{"a", ""}, {"b", ""}});
  h->Advance(1'000'000);
  Feed1("a", R"([[1,150]])");
  Feed1("b", R"([[2,151]])");
  h->RunAll();
  EXPECT_THAT(feed_.paused, ElementsAre("a", "b")) << "when it last asked, nothing was read yet";
  EXPECT_EQ(other->Report({50}), EventTime::Min()) << "what the group last heard of this one";
  h->Advance(1'000'000);
  EXPECT_THAT(feed_.paused, ElementsAre("b")) << "the other source is at 50";
  EXPECT_EQ(other->Report({60}), EventTime{60});
  h->Advance(1'000'000);
  EXPECT_THAT(feed_.paused, IsEmpty());
  Feed1("b", R"([[3,400]])");
  h->RunAll();
  EXPECT_THAT(feed_.paused, ElementsAre("b"));
  h->Taken();
  h->Advance(30'000'000);
  Feed1("a", R"([[4,155]])");
  h->RunAll();
  h->Advance(50'000'000);
  EXPECT_THAT(h->Taken(), testing::Not(testing::Contains("watermark 400")))
      << "paused is not idle: b has been without rows for longer than the idle time";
  ASSERT_TRUE(dynamic_cast<SplitTaker&>(h->op()).NoMoreSplits().ok());
  Feed1("a", "[]", true);
  Feed1("b", "[]", true);
  EXPECT_EQ(h->RunAll(), Step::kFinished);
  EXPECT_EQ(other->Report({70}), EventTime{70}) << "a source that has ended holds nobody up";
}

// P2: splits go on from their positions, and event time from where it was.
TEST_F(SourceTest, ARestoreGoesOnWithItsSplits) {
  WithWatermark();
  auto first = Make();
  first->Open();
  Give(*first, {{"a", "0"}});
  Feed1("a", R"([[1,100]])");
  first->RunAll();
  feed_.snapshot = {{"a", "position 1"}};
  const auto parts = first->Snapshot(7);
  EXPECT_THAT(first->Taken(), ElementsAre(StartsWith("+I(1"), "watermark 100"))
      << "what was polled leaves before the barrier";
  first->op().OnCheckpoint(CheckpointId{7}, true);
  EXPECT_EQ(feed_.completed, 7);
  feed_.splits.clear();
  auto second = Make();
  second->Open(parts);
  ASSERT_EQ(feed_.splits.size(), 1u);
  EXPECT_EQ(feed_.splits[0].position, "position 1");
  Feed1("a", R"([[2,30]])");
  second->RunAll();
  second->Advance(5000);
  EXPECT_THAT(second->Taken(), ElementsAre("watermark 100", StartsWith("+I(2")));
  ASSERT_TRUE(second->status.ok()) << second->status.ToString();
}

}  // namespace
}  // namespace millrace

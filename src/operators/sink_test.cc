#include <gmock/gmock.h>

#include "operators/operator_harness.h"

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::StartsWith;

Schema Rows() { return SchemaOf({{"n", SqlType::Int()}}); }

/// What happened to the writers of the connector 'fake', and the answers that they have not given
/// yet.
struct Log {
  std::vector<std::string> events;
  std::vector<std::function<void()>> answers;
  int rows_open = 0;
  bool room = true;
  Status commit = Status::OK();

  std::vector<std::string> Taken() { return std::exchange(events, {}); }
  void Answer() {
    for (auto& answer : std::exchange(answers, {})) answer();
  }
};
Log* writes = nullptr;

class FakeWriter final : public SinkWriter {
 public:
  bool HasRoom() const override { return writes->room; }
  Status Write(const Batch& batch, std::vector<RejectedRecord>* rejected) override {
    writes->rows_open += static_cast<int>(batch.num_rows());
    if (batch.num_rows() == 3) rejected->push_back({"t", 2, "too long", "…"});
    return Status::OK();
  }
  Result<std::vector<Committable>> Rotate(CheckpointId) override {
    if (writes->rows_open == 0) return std::vector<Committable>{};
    return std::vector<Committable>{
        {std::to_string(std::exchange(writes->rows_open, 0)) + " rows"}};
  }
  void FlushAsync(CheckpointId, std::function<void(Status)> done) override { done(Status::OK()); }
  void CommitAsync(std::vector<Committable> c, CommitDone done) override { Say("commit", c, done); }
  void RecoverAsync(std::vector<Committable> c, int old_parallelism, CommitDone done) override {
    Say("recover of " + std::to_string(old_parallelism), c, done);
  }
  void FinishAsync(std::function<void(Status)> done) override {
    writes->events.push_back("finish");
    writes->answers.push_back([done] { done(Status::OK()); });
  }

 private:
  static void Say(std::string event, const std::vector<Committable>& committables,
                  CommitDone done) {
    for (const auto& c : committables) event += " [" + c.bytes + "]";
    writes->events.push_back(std::move(event));
    writes->answers.push_back([done, n = committables.size()] {
      if (!writes->commit.ok()) return done(writes->commit);
      done(std::vector<CommitOutcome>(n, CommitOutcome::kCommitted));
    });
  }
};

class SinkTest : public testing::Test {
 protected:
  SinkTest() {
    writes = &log_;
    ConnectorSpec spec;
    spec.name = "fake";
    spec.make_writer = [](const SinkRequest&) -> Result<std::unique_ptr<SinkWriter>> {
      return std::make_unique<FakeWriter>();
    };
    services_.registries_.connectors.Add(std::move(spec));
    config_->table = {"t", "fake", {{"connector", "fake"}}, Rows()};
  }

  /// Open and recovered.
  std::unique_ptr<OperatorHarness> Make(const OperatorHarness::Parts& parts = {}) {
    auto h = std::make_unique<OperatorHarness>(
        services_, config_,
        std::vector<PortPlan>{{"main", Schema()}, {"rejected", RejectedSchema()}},
        std::vector<Schema>{Rows()});
    h->Open(parts);
    EXPECT_FALSE(h->op().Accepts(0)) << "rows wait for the recovery";
    Answer(*h);
    EXPECT_TRUE(h->op().Accepts(0));
    return h;
  }
  void Answer(OperatorHarness& h) {
    log_.Answer();
    h.Complete();
  }

  Log log_;
  TestServices services_;
  std::shared_ptr<SinkConfig> config_ = std::make_shared<SinkConfig>();
};

TEST_F(SinkTest, CommitsWhatACompletedCheckpointHolds) {
  auto h = Make();
  EXPECT_THAT(log_.Taken(), ElementsAre("recover of 1"));
  h->Push(BatchOf(Rows(), "[[1],[2]]"));
  h->Snapshot(1);
  EXPECT_THAT(log_.Taken(), IsEmpty());
  h->op().OnCheckpoint(CheckpointId{1}, true);
  EXPECT_THAT(log_.Taken(), ElementsAre("commit [2 rows]"));
  EXPECT_EQ(h->op().pending(), 1);
  Answer(*h);
  EXPECT_EQ(h->op().pending(), 0);
  Make(h->Snapshot(2));
  EXPECT_THAT(log_.Taken(), ElementsAre("recover of 1")) << "nothing is left to commit";
  ASSERT_TRUE(h->status.ok()) << h->status.ToString();
}

TEST_F(SinkTest, AnAbortedCheckpointsRowsGoWithTheNext) {
  auto h = Make();
  log_.Taken();
  h->Push(BatchOf(Rows(), "[[1]]"));
  h->Snapshot(1);
  h->op().OnCheckpoint(CheckpointId{1}, false);
  h->Push(BatchOf(Rows(), "[[2],[3]]"));
  h->Snapshot(2);
  h->Push(BatchOf(Rows(), "[[4]]"));
  h->Snapshot(3);
  h->op().OnCheckpoint(CheckpointId{2}, true);
  EXPECT_THAT(log_.Taken(), ElementsAre("commit [1 rows] [2 rows]"));
}

// P2: a crash between the checkpoint and its commit.
TEST_F(SinkTest, RecoversWhatWasNotCommitted) {
  auto h = Make();
  h->Push(BatchOf(Rows(), "[[1]]"));
  const auto parts = h->Snapshot(1);
  log_.Taken();
  auto restored = Make(parts);
  EXPECT_THAT(log_.Taken(), ElementsAre("recover of 1 [1 rows]"));
  Make(restored->Snapshot(2));
  EXPECT_THAT(log_.Taken(), ElementsAre("recover of 1")) << "it was committed by the recovery";
}

TEST_F(SinkTest, AFailedCommitFailsTheOperator) {
  auto h = Make();
  h->Push(BatchOf(Rows(), "[[1]]"));
  h->Snapshot(1);
  h->op().OnCheckpoint(CheckpointId{1}, true);
  log_.commit = Error::Transient("no broker");
  Answer(*h);
  EXPECT_EQ(h->status.message(), "no broker");
}

TEST_F(SinkTest, EndsAfterTheLastCheckpointsCommit) {
  auto h = Make();
  log_.Taken();
  h->Push(BatchOf(Rows(), "[[1]]"));
  h->Finish();
  EXPECT_EQ(h->op().pending(), 0) << "the last checkpoint may start";
  h->Snapshot(1);
  h->op().OnCheckpoint(CheckpointId{1}, true);
  EXPECT_THAT(log_.Taken(), ElementsAre("commit [1 rows]"));
  Answer(*h);
  EXPECT_THAT(log_.Taken(), ElementsAre("finish"));
  EXPECT_EQ(h->op().pending(), 1);
  Answer(*h);
  EXPECT_EQ(h->op().pending(), 0);
}

TEST_F(SinkTest, RejectedRowsLeaveAtTheirPort) {
  auto h = Make();
  h->Push(BatchOf(Rows(), "[[1],[2],[3]]"));
  EXPECT_THAT(h->Taken(),
              ElementsAre("rejected 1: t: too long", StartsWith("rejected: +I(t, 2, too long")));
  log_.room = false;
  EXPECT_FALSE(h->op().Accepts(0));
}

// table.exec.sink.not-null-enforcer
TEST_F(SinkTest, NullsForNotNullColumns) {
  const Schema schema({{"x", SqlType::Int().AsNotNull(), {}}, {"y", SqlType::Int(), {}}});
  config_->table.physical = schema;
  {
    auto h = Make();
    log_.Taken();
    h->Push(BatchOf(schema, "[[1, null], [null, 2], [3, 3]]"));
    EXPECT_THAT(h->Taken(),
                ElementsAre("rejected 1: t: column `x` of table 't' is NOT NULL",
                            "rejected: +I(t, 1, column `x` of table 't' is NOT NULL, null, 2)"));
    h->Snapshot(1);
    h->op().OnCheckpoint(CheckpointId{1}, true);
    EXPECT_THAT(log_.Taken(), ElementsAre("commit [2 rows]"));
  }
  config_->not_null = NotNullEnforcer::kDrop;
  {
    auto h = Make();
    h->Push(BatchOf(schema, "[[null, 2]]"));
    EXPECT_THAT(h->Taken(), IsEmpty());
    EXPECT_TRUE(h->status.ok());
  }
  config_->not_null = NotNullEnforcer::kError;
  auto h = Make();
  h->Push(BatchOf(schema, "[[null, 2]]"));
  EXPECT_THAT(h->status.message(), testing::HasSubstr("column `x` of table 't' is NOT NULL"));
}

}  // namespace
}  // namespace millrace

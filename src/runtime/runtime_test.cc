#include "runtime/runtime.h"

#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/log.h"
#include "runtime/test_support.h"

namespace millrace {
namespace {

using testing::HasSubstr;
using testing_support::Columns;
using testing_support::MakeBatch;
using testing_support::Port;
using testing_support::TestConfig;
using testing_support::TestServices;
using testing_support::Values;

const Schema kRow = Columns({"key", "value"});

class TemporaryFolder {
 public:
  explicit TemporaryFolder(Env& env)
      : path_(std::filesystem::temp_directory_path() /
              ("millrace-runtime-" + std::to_string(env.Random()))) {}
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  std::string path() const { return path_.string(); }

 private:
  const std::filesystem::path path_;
};

/// `batches` of `rows` rows each, or without end.
class Source final : public Operator {
 public:
  Source(int64_t batches, int64_t rows) : batches_(batches), rows_(rows) {}
  Status Open(OperatorContext&) override { return Status::OK(); }
  Status ProcessBatch(int, Batch, Collector&) override { return Status::OK(); }
  Result<Step> Run(Collector& out) override {
    for (int i = 0; i < 16 && out.HasRoom(); ++i) {
      if (sent_ == batches_) return Step::kFinished;
      std::vector<int64_t> keys, values;
      for (int64_t row = 0; row < rows_; ++row) {
        keys.push_back(row);
        values.push_back(sent_);
      }
      out.Emit(0, MakeBatch(kRow, {keys, values}));
      out.Watermark({EventTime{++sent_}, false});
    }
    return Step::kMore;
  }

 private:
  const int64_t batches_, rows_;
  int64_t sent_ = 0;
};

/// What the sinks of a test have seen.
struct Seen {
  std::atomic<int64_t> rows{0};
  std::atomic<int64_t> sum{0};
  std::mutex mutex;
  std::condition_variable changed;
  bool open = true;  ///< closed: sinks take nothing
  std::vector<CompletionSender> waiting;

  void Close() { open = false; }
  void Open() {
    std::lock_guard lock(mutex);
    open = true;
    for (const CompletionSender& sender : waiting) sender.Send({});
  }
  void WaitForRows(int64_t least) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return rows >= least; });
  }
};

class Sink final : public Operator {
 public:
  explicit Sink(Seen& seen) : seen_(seen) {}
  Status Open(OperatorContext& context) override {
    std::lock_guard lock(seen_.mutex);
    open_ = seen_.open;
    seen_.waiting.push_back(context.sender());
    return Status::OK();
  }
  bool Accepts(int) const override { return open_; }
  Status ProcessBatch(int, Batch batch, Collector&) override {
    for (int64_t row = 0; row < batch.num_rows(); ++row) seen_.sum += Values(batch, 1)[row];
    std::lock_guard lock(seen_.mutex);
    seen_.rows += batch.num_rows();
    seen_.changed.notify_all();
    return Status::OK();
  }
  Status OnCompletions(std::span<Completion>, Collector&) override {
    open_ = true;
    return Status::OK();
  }

 private:
  Seen& seen_;
  bool open_ = true;
};

/// Passes batches of all inputs on, by a function that may fail or throw.
class Map final : public Operator {
 public:
  using Function = std::function<Result<Batch>(Batch)>;
  explicit Map(Function function) : function_(std::move(function)) {}
  Status Open(OperatorContext&) override { return Status::OK(); }
  Status ProcessBatch(int, Batch batch, Collector& out) override {
    ARROW_ASSIGN_OR_RAISE(batch, function_(std::move(batch)));
    out.Emit(0, std::move(batch));
    return Status::OK();
  }

 private:
  Function function_;
};

/// Wants no more after `rows` rows.
class Limit final : public Operator {
 public:
  explicit Limit(int64_t rows) : left_(rows) {}
  Status Open(OperatorContext&) override { return Status::OK(); }
  Status ProcessBatch(int, Batch batch, Collector& out) override {
    const int64_t take = std::min(left_, batch.num_rows());
    left_ -= take;
    out.Emit(0, batch.Slice(0, take));
    return Status::OK();
  }
  Result<Step> Run(Collector&) override { return left_ == 0 ? Step::kFinished : Step::kIdle; }

 private:
  int64_t left_;
};

/// The real world, in which the wall clock can be set.
class SettableClock final : public Env {
 public:
  int64_t NowMicros() override { return real_->NowMicros() + shift_us_; }
  int64_t MonotonicMicros() override { return real_->MonotonicMicros(); }
  uint64_t Random() override { return real_->Random(); }
  void Execute(std::function<void()> work) override { real_->Execute(std::move(work)); }
  FileSystem& files() override { return real_->files(); }
  void Shift(int64_t us) { shift_us_ += us; }

 private:
  const std::unique_ptr<Env> real_ = MakeSystemEnv();
  std::atomic<int64_t> shift_us_{0};
};

/// Sets its alarm, then the clock; emits one row when the alarm rings.
class SetsTheClock final : public Operator {
 public:
  SetsTheClock(SettableClock& clock, int64_t shift_us) : clock_(clock), shift_us_(shift_us) {}
  Status Open(OperatorContext& context) override {
    context.SetAlarm({clock_.NowMicros() + 20'000});
    return Status::OK();
  }
  Status ProcessBatch(int, Batch, Collector&) override { return Status::OK(); }
  Result<Step> Run(Collector&) override {
    clock_.Shift(std::exchange(shift_us_, 0));
    return Step::kIdle;
  }
  Status OnAlarm(ProcTime, Collector& out) override {
    out.Emit(0, MakeBatch(kRow, {{1}, {42}}));
    return Status::OK();
  }

 private:
  SettableClock& clock_;
  int64_t shift_us_;
};

/// Emits one row after an alarm of 10 ms.
class AlarmClock final : public Operator {
 public:
  Status Open(OperatorContext& context) override {
    context.SetAlarm({context.env().NowMicros() + 10'000});
    return Status::OK();
  }
  Status ProcessBatch(int, Batch, Collector&) override { return Status::OK(); }
  Status OnAlarm(ProcTime, Collector& out) override {
    out.Emit(0, MakeBatch(kRow, {{1}, {42}}));
    rang_ = true;
    return Status::OK();
  }
  Result<Step> Run(Collector&) override { return rang_ ? Step::kFinished : Step::kIdle; }

 private:
  bool rang_ = false;
};

class RuntimeTest : public testing::Test {
 protected:
  /// Nodes of one chain or stage; `makers_` tells what each is.
  PlanNode Node(const std::string& id, std::function<std::unique_ptr<Operator>()> maker,
                bool has_port = true) {
    makers_[id] = std::move(maker);
    PlanNode node{id, std::make_shared<TestConfig>(), {}};
    if (has_port) node.ports.push_back(Port("main", kRow));
    return node;
  }
  PlanNode SourceNode(int64_t batches, int64_t rows) {
    return Node("source", [=] { return std::make_unique<Source>(batches, rows); });
  }
  PlanNode SinkNode() {
    return Node("sink", [this] { return std::make_unique<Sink>(seen_); }, false);
  }
  PlanNode MapNode(const std::string& id, Map::Function function) {
    return Node(id, [function] { return std::make_unique<Map>(function); });
  }
  static Exchange Connect(int id, int from, NodeId node, int to, Partitioning how, int input = 0) {
    return {ExchangeId{id},
            StageId{from},
            std::move(node),
            0,
            StageId{to},
            input,
            how,
            how == Partitioning::kHash ? std::vector<int>{0} : std::vector<int>{}};
  }
  static std::shared_ptr<PhysicalPlan> Plan(std::vector<std::vector<PlanNode>> stages,
                                            std::vector<Exchange> exchanges, int parallelism = 1) {
    auto plan = std::make_shared<PhysicalPlan>();
    for (auto& chain : stages) {
      plan->stages.push_back(
          {StageId{static_cast<int>(plan->stages.size())}, std::move(chain), parallelism, 128});
    }
    plan->exchanges = std::move(exchanges);
    return plan;
  }
  std::shared_ptr<PhysicalPlan> SourceToSink(int64_t batches, int64_t rows, Partitioning how,
                                             int parallelism) {
    return Plan({{SourceNode(batches, rows)}, {SinkNode()}}, {Connect(0, 0, "source", 1, how)},
                parallelism);
  }
  Runtime& runtime() {
    if (runtime_ == nullptr) {
      runtime_ = std::make_unique<Runtime>(
          services_,
          [this](const OperatorRequest& request) -> Result<std::unique_ptr<Operator>> {
            return makers_.at(request.node.id)();
          },
          4);
    }
    return *runtime_;
  }
  Status Run(std::shared_ptr<const PhysicalPlan> plan, JobOptions options = {}) {
    ARROW_ASSIGN_OR_RAISE(const JobHandle job,
                          runtime().Submit(std::move(plan), std::move(options)));
    return job.Wait();
  }

  const std::unique_ptr<SettableClock> env_ = std::make_unique<SettableClock>();
  TestServices services_{*env_};
  std::map<NodeId, std::function<std::unique_ptr<Operator>()>> makers_;
  Seen seen_;
  std::unique_ptr<Runtime> runtime_;
};

TEST_F(RuntimeTest, OneChainRunsToItsEnd) {
  const auto plan = Plan({{SourceNode(10, 100), SinkNode()}}, {});
  auto job = runtime().Submit(plan);
  ASSERT_TRUE(job.ok()) << job.status();
  ASSERT_TRUE(job->Wait().ok()) << job->Wait();
  EXPECT_EQ(seen_.rows, 1000);
  EXPECT_EQ(seen_.sum, 100 * 45);
  const JobProgress progress = job->progress();
  EXPECT_EQ(progress.state, JobState::kFinished);
  ASSERT_EQ(progress.nodes.size(), 2u);
  EXPECT_EQ(progress.nodes[0].rows_out, 1000);
  EXPECT_EQ(progress.nodes[1].rows_in, 1000);
  EXPECT_EQ(progress.nodes[1].batches_in, 10);
}

/// A row for each split.
class SplitSource final : public Operator, public SplitTaker {
 public:
  Status Open(OperatorContext& context) override {
    sender_ = context.sender();
    return Status::OK();
  }
  Status ProcessBatch(int, Batch, Collector&) override { return Status::OK(); }
  Status AddSplits(std::vector<Split> splits) override {
    rows_ += static_cast<int64_t>(splits.size());
    sender_.Send({});
    return Status::OK();
  }
  Status NoMoreSplits() override { return Status::OK(); }
  Status OnCompletions(std::span<Completion>, Collector&) override { return Status::OK(); }
  Result<Step> Run(Collector& out) override {
    for (; rows_ > 0; --rows_) out.Emit(0, MakeBatch(kRow, {{1}, {1}}));
    return Step::kIdle;
  }

 private:
  CompletionSender sender_;
  int64_t rows_ = 0;
};

/// Finds one split, and waits for more.
class OneSplit final : public SplitFinder {
 public:
  Status Open(const std::string&, int, Env&) override { return Status::OK(); }
  Result<std::vector<Split>> NewSplits() override {
    std::vector<Split> splits;
    if (!std::exchange(found_, true)) splits.emplace_back().id = "only";
    return splits;
  }
  bool finished() const override { return false; }
  void OnReady(std::function<void()>) override {}
  Result<std::string> Snapshot() override { return std::string("only"); }

 private:
  bool found_ = false;
};

TEST_F(RuntimeTest, SubtasksWithoutASplitAreTold) {  // M2
  const auto plan = SourceToSink(0, 0, Partitioning::kForward, 3);
  makers_["source"] = [] { return std::make_unique<SplitSource>(); };
  Runtime runtime(
      services_, [this](const OperatorRequest& request) { return makers_.at(request.node.id)(); },
      2,
      [](const PlanNode& node, Services&) -> Result<std::unique_ptr<SplitFinder>> {
        if (node.id != "source") return nullptr;
        return std::make_unique<OneSplit>();
      });
  std::ostringstream log;
  SetLogStream(&log);
  const auto job = runtime.Submit(plan);
  ASSERT_TRUE(job.ok()) << job.status();
  seen_.WaitForRows(1);
  job->Cancel();
  EXPECT_TRUE(job->Wait().IsCancelled());
  SetLogStream(nullptr);
  EXPECT_THAT(log.str(), HasSubstr("some subtasks of a source have nothing to read source=source "
                                   "idle=2 subtasks=3"));
}

TEST_F(RuntimeTest, EveryPartitioningDeliversEveryRow) {
  const std::pair<Partitioning, int> cases[] = {{Partitioning::kForward, 1},
                                                {Partitioning::kHash, 1},
                                                {Partitioning::kRebalance, 1},
                                                {Partitioning::kBroadcast, 3}};
  for (const auto& [how, copies] : cases) {
    seen_.rows = seen_.sum = 0;
    const Status status = Run(SourceToSink(20, 50, how, 3));
    ASSERT_TRUE(status.ok()) << status;
    EXPECT_EQ(seen_.rows, 3 * 20 * 50 * copies);
    EXPECT_EQ(seen_.sum, 3 * 50 * 190 * copies);
  }
}

TEST_F(RuntimeTest, TwoThousandJobsShareTheWorkers) {
  std::vector<JobHandle> jobs;
  const auto plan = SourceToSink(5, 20, Partitioning::kHash, 2);
  for (int i = 0; i < 2000; ++i) {
    auto job = runtime().Submit(plan);
    ASSERT_TRUE(job.ok()) << job.status();
    jobs.push_back(*job);
  }
  for (const JobHandle& job : jobs) ASSERT_TRUE(job.Wait().ok());
  EXPECT_EQ(seen_.rows, 2000 * 2 * 5 * 20);
  EXPECT_TRUE(runtime().jobs().empty());
}

TEST_F(RuntimeTest, ASlowSinkBoundsWhatIsUnderWay) {
  seen_.Close();
  std::atomic<int64_t> made{0};
  const auto plan = Plan({{SourceNode(100'000, 100), MapNode("count",
                                                             [&](Batch batch) {
                                                               ++made;
                                                               return batch;
                                                             })},
                          {SinkNode()}},
                         {Connect(0, 0, "count", 1, Partitioning::kForward)});
  JobOptions options;
  options.channel_bytes = 64 << 10;
  auto job = runtime().Submit(plan, options);
  ASSERT_TRUE(job.ok()) << job.status();
  ASSERT_FALSE(job->WaitFor(100'000).has_value());
  // A batch holds 1,600 bytes.
  EXPECT_LT(made, 60);
  EXPECT_EQ(seen_.rows, 0);
  job->Cancel();
  EXPECT_TRUE(job->Wait().IsCancelled());
}

TEST_F(RuntimeTest, RoomReturnsAndTheRestFollows) {
  seen_.Close();
  JobOptions options;
  options.channel_bytes = 4 << 10;
  auto job = runtime().Submit(SourceToSink(200, 100, Partitioning::kHash, 2), options);
  ASSERT_TRUE(job.ok()) << job.status();
  ASSERT_FALSE(job->WaitFor(20'000).has_value());
  seen_.Open();
  ASSERT_TRUE(job->Wait().ok());
  EXPECT_EQ(seen_.rows, 2 * 200 * 100);
}

TEST_F(RuntimeTest, ADiamondDoesNotDeadlock) {
  const auto all = [](Batch batch) { return batch; };
  int64_t batches = 0;
  const auto few = [&batches](Batch batch) {
    return ++batches % 10 == 0 ? batch : batch.Slice(0, 0);
  };
  const auto plan =
      Plan({{SourceNode(500, 100)}, {MapNode("all", all)}, {MapNode("few", few)}, {SinkNode()}},
           {Connect(0, 0, "source", 1, Partitioning::kForward),
            Connect(1, 0, "source", 2, Partitioning::kForward),
            Connect(2, 1, "all", 3, Partitioning::kForward, 0),
            Connect(3, 2, "few", 3, Partitioning::kForward, 1)});
  JobOptions options;
  options.channel_bytes = 2000;
  const Status status = Run(plan, options);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(seen_.rows, 500 * 100 + 50 * 100);
}

TEST_F(RuntimeTest, AnEndlessJobEndsWhenItIsCancelled) {
  auto job = runtime().Submit(SourceToSink(-1, 10, Partitioning::kHash, 2));
  ASSERT_TRUE(job.ok()) << job.status();
  seen_.WaitForRows(1000);
  EXPECT_EQ(runtime().jobs().size(), 1u);
  job->Cancel();
  EXPECT_TRUE(job->Wait().IsCancelled());
  EXPECT_EQ(job->progress().state, JobState::kCancelled);
}

TEST_F(RuntimeTest, ALimitEndsAnEndlessSource) {
  for (const bool same_stage : {true, false}) {
    seen_.rows = 0;
    const PlanNode limit = Node("limit", [] { return std::make_unique<Limit>(25); });
    const auto plan = same_stage ? Plan({{SourceNode(-1, 10), limit, SinkNode()}}, {})
                                 : Plan({{SourceNode(-1, 10)}, {limit, SinkNode()}},
                                        {Connect(0, 0, "source", 1, Partitioning::kForward)});
    const Status status = Run(plan);
    ASSERT_TRUE(status.ok()) << status;
    EXPECT_EQ(seen_.rows, 25);
  }
}

TEST_F(RuntimeTest, AFailureNamesTheNode) {
  const auto plan =
      Plan({{SourceNode(-1, 10)},
            {MapNode("broken", [](Batch) { return Result<Batch>(Error::User("no such thing")); }),
             SinkNode()}},
           {Connect(0, 0, "source", 1, Partitioning::kHash)}, 2);
  const Status status = Run(plan);
  EXPECT_THAT(status.message(), HasSubstr("in 'broken': no such thing"));
  EXPECT_EQ(InfoOf(status).error_class, ErrorClass::kUser);
}

TEST_F(RuntimeTest, AnExceptionFailsOnlyItsJob) {
  const auto plan = Plan(
      {{SourceNode(-1, 10),
        MapNode("thrower", [](Batch) -> Result<Batch> { throw std::runtime_error("out of luck"); }),
        SinkNode()}},
      {});
  EXPECT_THAT(Run(plan).message(), HasSubstr("in 'thrower': unexpected exception: out of luck"));
  const Status other = Run(Plan({{SourceNode(3, 10), SinkNode()}}, {}));
  EXPECT_TRUE(other.ok()) << other;
}

TEST_F(RuntimeTest, AnAlarmRings) {
  const PlanNode clock = Node("clock", [] { return std::make_unique<AlarmClock>(); });
  const Status status = Run(Plan({{clock, SinkNode()}}, {}));
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(seen_.sum, 42);
}

// P2: the clock jumps.
TEST_F(RuntimeTest, AlarmsAndCheckpointsGoOnWhenTheClockIsSet) {
  constexpr int64_t kHour = 3'600'000'000;
  for (const int64_t shift : {-kHour, kHour}) {
    const TemporaryFolder folder(*env_);
    seen_.rows = 0;
    const PlanNode clock =
        Node("clock", [&] { return std::make_unique<SetsTheClock>(*env_, shift); });
    JobOptions options;
    options.checkpoint_folder = folder.path() + "/job";
    options.checkpoint_interval_us = 5000;
    const auto job = runtime().Submit(Plan({{clock, SinkNode()}}, {}), options);
    ASSERT_TRUE(job.ok()) << job.status();
    seen_.WaitForRows(1);
    const int64_t before = job->progress().checkpoints;
    while (job->progress().checkpoints < before + 3) ASSERT_FALSE(job->WaitFor(1000));
    for (const CheckpointRecord& record : job->progress().history) {
      EXPECT_GE(record.duration_us, 0);
      EXPECT_LT(record.duration_us, kHour / 60);
    }
    job->Cancel();
    EXPECT_TRUE(job->Wait().IsCancelled());
  }
}

TEST_F(RuntimeTest, SmallSlicesLeaveAfterTheLinger) {
  // The clock's row is too small to leave at once, and no watermark pushes it: its task never ends.
  const PlanNode clock = Node("clock", [] {
    class Once final : public Operator {
     public:
      Status Open(OperatorContext&) override { return Status::OK(); }
      Status ProcessBatch(int, Batch, Collector&) override { return Status::OK(); }
      Result<Step> Run(Collector& out) override {
        if (!std::exchange(sent_, true)) out.Emit(0, MakeBatch(kRow, {{1, 2, 3, 4}, {5, 6, 7, 8}}));
        return Step::kIdle;
      }

     private:
      bool sent_ = false;
    };
    return std::make_unique<Once>();
  });
  auto job = runtime().Submit(
      Plan({{clock}, {SinkNode()}}, {Connect(0, 0, "clock", 1, Partitioning::kHash)}, 2));
  ASSERT_TRUE(job.ok()) << job.status();
  seen_.WaitForRows(8);
  job->Cancel();
  EXPECT_TRUE(job->Wait().IsCancelled());
}

TEST_F(RuntimeTest, ChannelsThatAreAllIdleLeaveTheHighestWatermark) {
  const PlanNode source = Node("source", [] {
    class FallsSilent final : public Operator {
     public:
      Status Open(OperatorContext& context) override {
        watermark_.us = context.subtask() == 0 ? 10 : 20;
        return Status::OK();
      }
      Status ProcessBatch(int, Batch, Collector&) override { return Status::OK(); }
      Result<Step> Run(Collector& out) override {
        if (!std::exchange(said_, true)) out.Watermark({watermark_, true});
        return Step::kIdle;
      }

     private:
      EventTime watermark_;
      bool said_ = false;
    };
    return std::make_unique<FallsSilent>();
  });
  const PlanNode sink = Node(
      "sink",
      [this] {
        class Hears final : public Operator {
         public:
          explicit Hears(Seen& seen) : seen_(seen) {}
          Status Open(OperatorContext&) override { return Status::OK(); }
          Status ProcessBatch(int, Batch, Collector&) override { return Status::OK(); }
          Status ProcessWatermark(int, InputTime time, Collector&) override {
            if (!time.idle) return Status::OK();
            std::lock_guard lock(seen_.mutex);
            seen_.sum += time.watermark.us;
            ++seen_.rows;
            seen_.changed.notify_all();
            return Status::OK();
          }

         private:
          Seen& seen_;
        };
        return std::make_unique<Hears>(seen_);
      },
      false);
  auto job = runtime().Submit(
      Plan({{source}, {sink}}, {Connect(0, 0, "source", 1, Partitioning::kHash)}, 2));
  ASSERT_TRUE(job.ok()) << job.status();
  seen_.WaitForRows(2);  // one in each sink
  job->Cancel();
  EXPECT_TRUE(job->Wait().IsCancelled());
  EXPECT_EQ(seen_.sum, 20 + 20);
}

TEST_F(RuntimeTest, ASavepointIsWrittenWhileTheJobRuns) {
  const auto folder = std::filesystem::temp_directory_path() /
                      ("millrace-savepoint-" + std::to_string(env_->Random()));
  auto job = runtime().Submit(SourceToSink(-1, 10, Partitioning::kHash, 2));
  ASSERT_TRUE(job.ok()) << job.status();
  const Result<std::string> path = job->Savepoint(folder.string());
  ASSERT_TRUE(path.ok()) << path.status();
  EXPECT_TRUE(std::filesystem::exists(*path + "/manifest.json"));
  job->Cancel();
  EXPECT_TRUE(job->Wait().IsCancelled());
  EXPECT_FALSE(job->Savepoint(folder.string()).ok());

  JobOptions options;
  options.restore_from = *path;
  auto restored = runtime().Submit(SourceToSink(-1, 10, Partitioning::kHash, 3), options);
  ASSERT_TRUE(restored.ok()) << restored.status();
  EXPECT_EQ(restored->restored().checkpoint, *path);
  std::filesystem::remove_all(folder);
}

// P2: restarts, checkpoints that fail, damaged ones, and the end with a savepoint.

TEST_F(RuntimeTest, AFailureThatMayPassRestartsTheJob) {
  const struct {
    RestartOptions::Strategy strategy;
    Status failure;
    bool recovers;
  } cases[] = {
      {RestartOptions::Strategy::kFixedDelay, Error::Transient("the line is cut"), true},
      {RestartOptions::Strategy::kExponentialDelay, Error::Internal("a defect"), true},
      {RestartOptions::Strategy::kFixedDelay, Error::User("no such file"), false},
      {RestartOptions::Strategy::kNone, Error::Transient("the line is cut"), false},
  };
  for (const auto& c : cases) {
    std::atomic<int> batches{0};
    const PlanNode shaky = MapNode("shaky", [&](Batch batch) -> Result<Batch> {
      if (++batches == 5) return c.failure;
      return batch;
    });
    JobOptions options;
    options.restart.strategy = c.strategy;
    options.restart.delay_us = options.restart.initial_us = 1000;
    const auto job = runtime().Submit(Plan({{SourceNode(10, 10), shaky, SinkNode()}}, {}), options);
    ASSERT_TRUE(job.ok()) << job.status();
    EXPECT_EQ(job->Wait().ok(), c.recovers) << job->Wait();
    EXPECT_EQ(job->progress().restarts, c.recovers ? 1 : 0);
    EXPECT_EQ(job->progress().last_failure, c.recovers ? "in 'shaky': " + c.failure.message() : "");
  }
}

TEST_F(RuntimeTest, AJobThatKeepsFailingEndsWithItsLastFailure) {
  const PlanNode broken =
      MapNode("broken", [](Batch) { return Result<Batch>(Error::Transient("out of reach")); });
  JobOptions options;
  options.restart = {
      .strategy = RestartOptions::Strategy::kFixedDelay, .delay_us = 1000, .attempts = 3};
  const auto job = runtime().Submit(Plan({{SourceNode(-1, 10), broken, SinkNode()}}, {}), options);
  ASSERT_TRUE(job.ok()) << job.status();
  EXPECT_THAT(job->Wait().message(), HasSubstr("out of reach"));
  EXPECT_EQ(job->progress().restarts, 3);
  EXPECT_EQ(job->progress().state, JobState::kFailed);
}

TEST_F(RuntimeTest, AJobIsCancelledWhileItWaitsForItsRestart) {
  const PlanNode broken =
      MapNode("broken", [](Batch) { return Result<Batch>(Error::Transient("out of reach")); });
  JobOptions options;
  options.restart = {.strategy = RestartOptions::Strategy::kFixedDelay,
                     .delay_us = 3600 * RestartOptions::kSecond};
  const auto job = runtime().Submit(Plan({{SourceNode(-1, 10), broken, SinkNode()}}, {}), options);
  ASSERT_TRUE(job.ok()) << job.status();
  while (job->progress().state != JobState::kRestarting) ASSERT_FALSE(job->WaitFor(1000));
  job->Cancel();
  EXPECT_TRUE(job->Wait().IsCancelled());
}

TEST_F(RuntimeTest, AJobStopsWithASavepoint) {
  const TemporaryFolder folder(*env_);
  const auto job = runtime().Submit(SourceToSink(-1, 10, Partitioning::kHash, 2));
  ASSERT_TRUE(job.ok()) << job.status();
  const auto path = job->StopWithSavepoint(folder.path());
  ASSERT_TRUE(path.ok()) << path.status();
  EXPECT_TRUE(job->Wait().ok()) << job->Wait();
  EXPECT_EQ(job->progress().state, JobState::kFinished);
  EXPECT_TRUE(std::filesystem::exists(*path + "/manifest.json"));
}

TEST_F(RuntimeTest, ACheckpointThatTakesTooLongIsGivenUpAndTheJobGoesOn) {
  const TemporaryFolder folder(*env_);
  seen_.Close();
  JobOptions options;
  options.checkpoint_folder = folder.path() + "/job";
  options.checkpoint_interval_us = 1000;
  options.checkpoint_timeout_us = 100'000;
  options.channel_bytes = 1000;
  const auto job = runtime().Submit(SourceToSink(200, 10, Partitioning::kHash, 2), options);
  ASSERT_TRUE(job.ok()) << job.status();
  while (job->progress().failed_checkpoints < 3) ASSERT_FALSE(job->WaitFor(1000));
  EXPECT_THAT(job->progress().history.back().failure, HasSubstr("longer than 100 ms"));
  seen_.Open();
  ASSERT_TRUE(job->Wait().ok()) << job->Wait();
  EXPECT_EQ(seen_.rows, 2 * 200 * 10);
}

TEST_F(RuntimeTest, ADamagedCheckpointIsPassedOver) {
  const TemporaryFolder folder(*env_);
  JobOptions options;
  options.checkpoint_folder = folder.path() + "/job";
  options.checkpoint_interval_us = 1000;
  options.keep_checkpoints = 3;
  const auto job = runtime().Submit(SourceToSink(-1, 10, Partitioning::kHash, 2), options);
  ASSERT_TRUE(job.ok()) << job.status();
  while (job->progress().checkpoints < 3) ASSERT_FALSE(job->WaitFor(1000));
  EXPECT_FALSE(runtime().Submit(SourceToSink(1, 1, Partitioning::kHash, 1), options).ok());
  job->Cancel();
  EXPECT_TRUE(job->Wait().IsCancelled());
  const std::string newest = job->progress().last_checkpoint;
  std::filesystem::resize_file(newest + "/stage-0-0.arrows", 1);

  options.restore_from = options.checkpoint_folder;
  const auto restored = runtime().Submit(SourceToSink(-1, 10, Partitioning::kHash, 2), options);
  ASSERT_TRUE(restored.ok()) << restored.status();
  ASSERT_EQ(restored->restored().skipped.size(), 1u);
  EXPECT_EQ(restored->restored().skipped[0].path, newest);
  EXPECT_THAT(restored->restored().skipped[0].cause, HasSubstr("'$task' of 'source'"));
  EXPECT_NE(restored->restored().checkpoint, newest);
  restored->Cancel();
  EXPECT_TRUE(restored->Wait().IsCancelled());

  options.restore_from = newest;
  const auto exact = runtime().Submit(SourceToSink(-1, 10, Partitioning::kHash, 2), options);
  EXPECT_THAT(exact.status().message(), HasSubstr("cannot be read"));
}

TEST_F(RuntimeTest, ARestoreFromNowhereSaysSo) {
  JobOptions options;
  options.restore_from = "/no/such/folder";
  const auto job = runtime().Submit(SourceToSink(1, 1, Partitioning::kHash, 1), options);
  EXPECT_THAT(job.status().message(), HasSubstr("/no/such/folder"));
}

}  // namespace
}  // namespace millrace

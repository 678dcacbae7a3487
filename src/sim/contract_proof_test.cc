#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/job.h"
#include "runtime/test_support.h"
#include "sim/sim_env.h"
#include "sim/test_operators.h"

// P2: a job with keyed state, event-time timers, calls in flight, side outputs and a committing
// sink gives the same rows whatever the schedule, through crashes at any moment and restores at
// other parallelisms.

namespace millrace {
namespace {

using namespace sim_test;  // NOLINT: the operators of this test
using testing_support::Port;
using testing_support::TestConfig;
using testing_support::TestServices;

constexpr int kGroups = 8;

std::shared_ptr<const PhysicalPlan> MakePlan(int parallelism, int readers, bool forward) {
  const auto config = std::make_shared<TestConfig>();
  const Schema row = Columns({"key", "time", "value"});
  const Schema counted = Columns({"key", "end", "count", "sum"});
  const Schema scored = Columns({"key", "end", "count", "sum", "score"});
  auto plan = std::make_shared<PhysicalPlan>();
  plan->bounded = true;
  plan->stages = {
      {StageId{0}, {{"source", config, {Port("main", row)}}}, readers, kGroups},
      {StageId{1},
       {{"count", config, {Port("main", counted), Port("late", row)}},
        {"predict", config, {Port("main", scored)}}},
       parallelism,
       kGroups},
      {StageId{2}, {{"sink", config, {}}}, parallelism, kGroups},
      {StageId{3}, {{"late_sink", config, {}}}, 1, kGroups},
  };
  plan->exchanges = {
      {ExchangeId{0}, StageId{0}, "source", 0, StageId{1}, 0, Partitioning::kHash, {0}},
      {ExchangeId{1}, StageId{1}, "predict", 0, StageId{2}, 0,
       forward ? Partitioning::kForward : Partitioning::kHash,
       forward ? std::vector<int>{} : std::vector<int>{0}},
      {ExchangeId{2}, StageId{1}, "count", 1, StageId{3}, 0, Partitioning::kRebalance, {}},
  };
  return plan;
}

OperatorMaker MakerOf(const Input& input, TestBroker& broker) {
  return [input, &broker](const OperatorRequest& request) -> Result<std::unique_ptr<Operator>> {
    const NodeId& id = request.node.id;
    if (id == "source") return std::make_unique<TestSource>(input);
    if (id == "count") return std::make_unique<TestCount>();
    if (id == "predict") return std::make_unique<TestPredict>();
    return std::make_unique<TestSink>(broker, id, request.inputs[0].schema);
  };
}

struct Outcome {
  std::map<std::string, std::multiset<Row>> rows;
  Trace trace;
  int restores = 0;
  int repeated = 0;
  int64_t steps = 0;
  Status status;
};

/// The life of a job on one disk: killed after each of `kills` steps, restored at the next
/// parallelism.
class Life {
 public:
  Life(uint64_t seed, Input input, double append_fails)
      : random_(seed), input_(input), disk_(seed, {append_fails}) {}

  Outcome Live(const std::vector<int>& parallelism, const std::vector<int64_t>& kills) {
    for (size_t i = 0; i < parallelism.size(); ++i) {
      Incarnation(parallelism[i], i < kills.size() ? kills[i] : INT64_MAX);
      disk_.Crash();
    }
    outcome_.rows = broker_.rows;
    outcome_.repeated = broker_.repeated;
    return outcome_;
  }

 private:
  void Incarnation(int parallelism, int64_t kill_after) {
    SimEnv env(random_(), now_us_, disk_);
    TestServices services(env);
    SimExecutor executor(env, outcome_.trace);
    JobOptions options;
    options.name = "proof";
    options.checkpoint_folder = "/checkpoints";
    options.checkpoint_interval_us = 8000;
    options.channel_bytes = 200;
    options.restart = {.strategy = RestartOptions::Strategy::kExponentialDelay,
                       .initial_us = 1000,
                       .longest_us = 50'000};
    if (FindCheckpoints(disk_, options.checkpoint_folder).ok()) {
      options.restore_from = options.checkpoint_folder;
      ++outcome_.restores;
    }
    const SplitFinderMaker finder = [this](const PlanNode& node,
                                           Services&) -> Result<std::unique_ptr<SplitFinder>> {
      if (node.id != "source") return nullptr;
      return std::make_unique<TestFinder>(input_.splits);
    };
    auto job = Job::Make(
        "proof-1", MakePlan(parallelism, std::min(parallelism, input_.splits), random_() % 2 == 0),
        options, executor, services, MakerOf(input_, broker_), finder);
    outcome_.status = job.status();
    if (!job.ok()) return;
    (*job)->Start();
    int64_t steps = 0;
    constexpr int64_t kTooLong = 1'000'000;
    while (steps < std::min(kill_after, kTooLong) && !(*job)->over() && executor.Step()) ++steps;
    now_us_ = env.NowMicros();
    outcome_.steps += steps;
    if ((*job)->over()) {
      outcome_.status = (*job)->Wait();
    } else if (steps < kill_after) {
      outcome_.status = Error::Internal("the job does not come to its end");
    }
  }

  std::mt19937_64 random_;
  Input input_;
  FakeDisk disk_;
  TestBroker broker_;
  Outcome outcome_;
  int64_t now_us_ = 1'000'000;
};

/// Computed without the engine.
std::map<std::string, std::multiset<Row>> Expected(const Input& input) {
  std::map<std::pair<int64_t, int64_t>, std::pair<int64_t, int64_t>> windows;
  std::map<std::string, std::multiset<Row>> expected;
  for (int split = 0; split < input.splits; ++split) {
    for (int64_t i = 0; i < input.rows_per_split; ++i) {
      const int64_t time = input.Time(i);
      const int64_t end = (time / Input::kWindow + 1) * Input::kWindow;
      auto& [count, sum] = windows[{input.Key(split, i), end}];
      ++count;
      sum += input.Value(split, i);
    }
  }
  for (const auto& [window, values] : windows) {
    const auto& [count, sum] = values;
    expected["sink"].insert({window.first, window.second, count, sum, sum - count});
  }
  return expected;
}

TEST(ContractProofTest, FailureFreeRunCountsEveryRow) {
  const Input input;
  const Outcome outcome = Life(1, input, 0).Live({4}, {});
  ASSERT_TRUE(outcome.status.ok()) << Describe(outcome.status);
  EXPECT_EQ(outcome.rows, Expected(input));
}

struct Case {
  const char* name;
  Input input;
  double append_fails;
};

class ContractProofTest : public testing::TestWithParam<Case> {};

TEST_P(ContractProofTest, CrashesAndRescalesChangeNothing) {
  const auto& [name, input, append_fails] = GetParam();
  const Outcome free = Life(7, input, 0).Live({4}, {});
  ASSERT_TRUE(free.status.ok()) << Describe(free.status);
  ASSERT_FALSE(free.rows.at("sink").empty());
  EXPECT_EQ(free.rows.contains("late_sink"), input.late);

  int restores = 0;
  int repeated = 0;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    std::mt19937_64 random(seed * 977 + 5);
    const auto moment = [&] {
      return static_cast<int64_t>(random() % static_cast<uint64_t>(free.steps));
    };
    const std::vector<int64_t> kills = {moment(), moment()};
    const Outcome first = Life(seed, input, append_fails).Live({4, 3, 5}, kills);
    ASSERT_TRUE(first.status.ok()) << "seed " << seed << ": " << Describe(first.status);
    ASSERT_EQ(first.rows, free.rows) << "seed " << seed;
    const Outcome second = Life(seed, input, append_fails).Live({4, 3, 5}, kills);
    ASSERT_EQ(Trace::Difference(first.trace, second.trace), "") << "seed " << seed;
    ASSERT_EQ(first.rows, second.rows) << "seed " << seed;
    restores += first.restores;
    repeated += first.repeated;
  }
  // The test would prove nothing if the crashes missed.
  EXPECT_GT(restores, 100);
  EXPECT_GT(repeated, 2);
}

INSTANTIATE_TEST_SUITE_P(Inputs, ContractProofTest,
                         testing::Values(Case{"ManySplits", {}, 0},
                                         Case{"LateRows", {1, 200, true}, 0},
                                         Case{"FullDisk", {}, 0.002}),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace millrace

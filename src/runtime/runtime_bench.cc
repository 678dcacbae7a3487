#include <unistd.h>

#include <atomic>
#include <fstream>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "runtime/runtime.h"
#include "runtime/test_support.h"

namespace millrace {
namespace {

using testing_support::Columns;
using testing_support::MakeBatch;
using testing_support::Port;
using testing_support::TestConfig;
using testing_support::TestServices;

const Schema kRow = Columns({"key", "value"});

/// The same batch again and again.
class Source final : public Operator {
 public:
  Source(int64_t batches, int64_t rows) : left_(batches) {
    std::vector<int64_t> keys(static_cast<size_t>(rows));
    for (size_t i = 0; i < keys.size(); ++i) keys[i] = static_cast<int64_t>(i * 7919);
    batch_ = MakeBatch(kRow, {keys, keys});
  }
  Status Open(OperatorContext&) override { return Status::OK(); }
  Status ProcessBatch(int, Batch, Collector&) override { return Status::OK(); }
  Result<Step> Run(Collector& out) override {
    for (int i = 0; i < 16 && out.HasRoom(); ++i) {
      if (left_-- == 0) return Step::kFinished;
      out.Emit(0, batch_);
    }
    return Step::kMore;
  }

 private:
  int64_t left_;
  Batch batch_;
};

/// Never has anything; wakes by a completion and ends.
class Sleeper final : public Operator {
 public:
  explicit Sleeper(std::promise<CompletionSender>* sender) : sender_(sender) {}
  Status Open(OperatorContext& context) override {
    if (sender_ != nullptr) sender_->set_value(context.sender());
    return Status::OK();
  }
  Status ProcessBatch(int, Batch, Collector&) override { return Status::OK(); }
  Status OnCompletions(std::span<Completion> completions, Collector&) override {
    for (const Completion& completion : completions) {
      static_cast<std::atomic<bool>*>(completion.value.get())->store(true);
      static_cast<std::atomic<bool>*>(completion.value.get())->notify_one();
    }
    return Status::OK();
  }

 private:
  std::promise<CompletionSender>* sender_;
};

class Sink final : public Operator {
 public:
  Status Open(OperatorContext&) override { return Status::OK(); }
  Status ProcessBatch(int, Batch, Collector&) override { return Status::OK(); }
};

std::shared_ptr<PhysicalPlan> TwoStages(Partitioning how, int parallelism) {
  const auto config = std::make_shared<TestConfig>();
  auto plan = std::make_shared<PhysicalPlan>();
  plan->stages = {{StageId{0}, {{"source", config, {Port("main", kRow)}}}, parallelism, 128},
                  {StageId{1}, {{"sink", config, {}}}, parallelism, 128}};
  std::vector<int> keys;
  if (how == Partitioning::kHash) keys = {0};
  plan->exchanges = {{ExchangeId{0}, StageId{0}, "source", 0, StageId{1}, 0, how, keys}};
  return plan;
}

void Exchange(benchmark::State& state, Partitioning how) {
  constexpr int64_t kBatches = 2000;
  const int64_t rows = state.range(0);
  const auto env = MakeSystemEnv();
  TestServices services(*env);
  Runtime runtime(services,
                  [&](const OperatorRequest& request) -> Result<std::unique_ptr<Operator>> {
                    if (request.node.id == "source")
                      return std::make_unique<Source>(kBatches, rows);
                    return std::make_unique<Sink>();
                  });
  const auto plan = TwoStages(how, 2);
  for (auto _ : state) {
    const auto job = runtime.Submit(plan);
    if (!job.ok() || !job->Wait().ok()) state.SkipWithError("the job failed");
  }
  state.SetItemsProcessed(state.iterations() * kBatches * 2);
  state.counters["rows/s"] = benchmark::Counter(
      static_cast<double>(state.iterations() * kBatches * 2 * rows), benchmark::Counter::kIsRate);
}
BENCHMARK_CAPTURE(Exchange, Forward, Partitioning::kForward)->Arg(1000)->UseRealTime();
BENCHMARK_CAPTURE(Exchange, Hash, Partitioning::kHash)
    ->Arg(100)
    ->Arg(1000)
    ->Arg(10000)
    ->UseRealTime();

int64_t ResidentBytes() {
  std::ifstream file("/proc/self/statm");
  int64_t all = 0;
  int64_t resident = 0;
  file >> all >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

void IdleJobs(benchmark::State& state) {
  const auto env = MakeSystemEnv();
  TestServices services(*env);
  for (auto _ : state) {
    Runtime runtime(services,
                    [](const OperatorRequest& request) -> Result<std::unique_ptr<Operator>> {
                      if (request.node.id == "source") return std::make_unique<Sleeper>(nullptr);
                      return std::make_unique<Sink>();
                    });
    const int64_t before = ResidentBytes();
    const auto plan = TwoStages(Partitioning::kHash, 1);
    for (int64_t i = 0; i < state.range(0); ++i) benchmark::DoNotOptimize(runtime.Submit(plan));
    state.counters["bytes/job"] =
        static_cast<double>(ResidentBytes() - before) / static_cast<double>(state.range(0));
  }
}
BENCHMARK(IdleJobs)->Arg(10'000)->Iterations(1)->Unit(benchmark::kMillisecond);

void WakeLatency(benchmark::State& state) {
  const auto env = MakeSystemEnv();
  TestServices services(*env);
  std::promise<CompletionSender> opened;
  Runtime runtime(services,
                  [&](const OperatorRequest& request) -> Result<std::unique_ptr<Operator>> {
                    if (request.node.id == "source") return std::make_unique<Sleeper>(&opened);
                    return std::make_unique<Sink>();
                  });
  const auto job = runtime.Submit(TwoStages(Partitioning::kForward, 1));
  if (!job.ok()) {
    state.SkipWithError("the job failed");
    return;
  }
  const CompletionSender sender = opened.get_future().get();
  for (auto _ : state) {
    const auto woken = std::make_shared<std::atomic<bool>>(false);
    sender.Send({0, woken, Status::OK()});
    woken->wait(false);
  }
}
BENCHMARK(WakeLatency)->UseRealTime();

}  // namespace
}  // namespace millrace

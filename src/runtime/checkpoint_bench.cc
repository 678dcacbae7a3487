// What checkpoints of a large state cost: throughput beside them, pauses, bytes, and a restore.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <thread>
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
using Clock = std::chrono::steady_clock;  // allowed: a benchmark
using Seconds = std::chrono::duration<double>;

constexpr int64_t kRows = 16'000'000;  // a gigabyte
constexpr int64_t kBatch = 1024;

void Must(const Status& status) {
  if (!status.ok()) status.Abort();
}

StateSpec Counters() {
  StateSpec spec;
  spec.name = "counters";
  spec.key.Add("id", SqlType::BigInt());
  for (const char* name : {"count", "sum", "max"}) spec.value.Add(name, SqlType::BigInt());
  return spec;
}

/// Which rows are updated, in turns: batches of keys.
using Updates = std::vector<RowKeys>;

Updates KeysOf(std::vector<int64_t> ids) {
  const Schema key = Counters().key;
  const KeyEncoder encoder = KeyEncoder::Make(key, {0}, 1).ValueOrDie();
  Updates batches;
  for (size_t at = 0; at < ids.size(); at += kBatch) {
    const auto begin = ids.begin() + static_cast<int64_t>(at);
    const auto end = ids.begin() + static_cast<int64_t>(std::min(at + kBatch, ids.size()));
    const Batch batch = MakeBatch(Columns({"id"}), {std::vector<int64_t>(begin, end)});
    Must(encoder.Encode(*batch.rows, &batches.emplace_back()));
  }
  return batches;
}

/// The first `share` of all rows, shuffled.
Updates Shuffled(double share) {
  std::vector<int64_t> ids(static_cast<size_t>(static_cast<double>(kRows) * share));
  std::iota(ids.begin(), ids.end(), 0);
  std::shuffle(ids.begin(), ids.end(), std::mt19937_64(1));
  return KeysOf(std::move(ids));
}

/// CPU time of the calling thread.
double CpuSeconds() {
  timespec used{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) / 1e9;
}

/// What the operator of a job tells the benchmark.
struct Work {
  const Updates* updates = nullptr;
  std::atomic<bool> filled{false};
  std::atomic<int64_t> rows{0};
  std::atomic<double> cpu_s{0};  ///< in which they were updated
};

/// Fills its table where it is empty, then updates rows without end.
class Updater final : public Operator {
 public:
  explicit Updater(Work& work) : work_(work) {}
  std::vector<StateSpec> States() const override { return {Counters()}; }
  Status Open(OperatorContext& context) override {
    table_ = &context.table(0);
    if (table_->size() == kRows) work_.filled = true;
    return Status::OK();
  }
  Status ProcessBatch(int, Batch, Collector&) override { return Status::OK(); }
  Result<Step> Run(Collector&) override {
    if (table_->size() < kRows) {
      std::vector<int64_t> ids(kBatch);
      std::iota(ids.begin(), ids.end(), table_->size());
      ARROW_RETURN_NOT_OK(Update(KeysOf(std::move(ids))[0]));
      work_.filled = table_->size() >= kRows;
      return Step::kMore;
    }
    const double start = CpuSeconds();
    const RowKeys& keys = (*work_.updates)[at_++ % work_.updates->size()];
    ARROW_RETURN_NOT_OK(Update(keys));
    work_.rows += keys.size();
    work_.cpu_s = work_.cpu_s + (CpuSeconds() - start);
    return Step::kMore;
  }

 private:
  Status Update(const RowKeys& keys) {
    slots_.resize(keys.hashes.size());
    inserted_.resize(slots_.size());
    ARROW_RETURN_NOT_OK(table_->FindOrInsert(keys, slots_, inserted_));
    FixedColumn& count = table_->Fixed(0);
    FixedColumn& sum = table_->Fixed(1);
    for (const Slot slot : slots_) ++count.Mut<int64_t>(slot);
    for (const Slot slot : slots_) sum.Mut<int64_t>(slot) += 7;
    return Status::OK();
  }

  Work& work_;
  KeyedTable* table_ = nullptr;
  std::vector<Slot> slots_;
  std::vector<uint8_t> inserted_;
  size_t at_ = 0;
};

/// A job of one such operator, and its folder of checkpoints.
class Bench {
 public:
  Bench()
      : env_(MakeSystemEnv()),
        services_(*env_),
        runtime_(services_,
                 [this](const OperatorRequest&) -> Result<std::unique_ptr<Operator>> {
                   return std::make_unique<Updater>(*work_);
                 }),
        folder_(std::filesystem::temp_directory_path() /
                ("millrace-bench-" + std::to_string(env_->Random()))) {
    plan_->stages = {{StageId{0}, {{"counters", std::make_shared<TestConfig>(), {}}}, 1, 128}};
  }
  ~Bench() { std::filesystem::remove_all(folder_); }

  JobHandle Start(Work& work, JobOptions options) {
    work_ = &work;
    options.memory_limit = int64_t{8} << 30;
    return runtime_.Submit(plan_, std::move(options)).ValueOrDie();
  }
  std::string folder() const { return folder_.string(); }

 private:
  const std::unique_ptr<Env> env_;
  TestServices services_;
  Work* work_ = nullptr;
  Runtime runtime_;
  const std::filesystem::path folder_;
  const std::shared_ptr<PhysicalPlan> plan_ = std::make_shared<PhysicalPlan>();
};

/// Rows per second, and per second of CPU time of the job's own thread: on a busy machine only the
/// latter says something.
struct Rates {
  double per_second = 0;
  double per_cpu_second = 0;
};

Rates Measure(Work& work, double seconds) {
  const int64_t before = work.rows;
  const double cpu_before = work.cpu_s;
  const auto start = Clock::now();
  std::this_thread::sleep_for(Seconds(seconds));
  const auto rows = static_cast<double>(work.rows - before);
  return {rows / Seconds(Clock::now() - start).count(), rows / (work.cpu_s - cpu_before)};
}

void AwaitFilled(const Work& work) {
  while (!work.filled) std::this_thread::sleep_for(std::chrono::milliseconds(20));
}

/// Updates of one kind, with and without checkpoints. Arguments: percent of the rows that are
/// updated, seconds between checkpoints.
void BM_Checkpoints(benchmark::State& state) {
  const Updates updates = Shuffled(static_cast<double>(state.range(0)) / 100);
  const auto interval = static_cast<double>(state.range(1));
  const double seconds = std::max(15.0, 3 * interval);
  Bench bench;
  for (auto _ : state) {
    Work without{&updates};
    JobHandle job = bench.Start(without, {});
    AwaitFilled(without);
    const Rates alone = Measure(without, seconds);
    for (const NodeStats& node : job.progress().nodes) {
      state.counters["bytes_per_row"] =
          static_cast<double>(node.levels.state_bytes) / static_cast<double>(kRows);
    }
    job.Cancel();
    (void)job.Wait();

    Work with{&updates};
    JobOptions options;
    options.checkpoint_folder = bench.folder();
    options.checkpoint_interval_us = static_cast<int64_t>(interval * 1e6);
    job = bench.Start(with, options);
    AwaitFilled(with);
    const Rates beside = Measure(with, seconds);
    const JobProgress progress = job.progress();
    double pause_us = 0, duration_us = 0, written = 0, count = 0;
    for (const CheckpointRecord& record : progress.history) {
      if (record.path.empty()) continue;
      ++count;
      pause_us = std::max(pause_us, static_cast<double>(record.pause_us));
      duration_us += static_cast<double>(record.duration_us);
      written += static_cast<double>(record.written_bytes);
    }
    state.counters["rows/s_alone"] = alone.per_second;
    state.counters["lost_percent"] = 100 * (1 - beside.per_second / alone.per_second);
    state.counters["lost_cpu_percent"] = 100 * (1 - beside.per_cpu_second / alone.per_cpu_second);
    state.counters["checkpoints"] = static_cast<double>(progress.checkpoints);
    state.counters["pause_ms_max"] = pause_us / 1e3;
    state.counters["each_s"] = duration_us / count / 1e6;
    state.counters["each_written_mb"] = written / count / 1e6;
    job.Cancel();
    (void)job.Wait();

    const auto start = Clock::now();
    const double cpu_start = CpuSeconds();
    options.restore_from = bench.folder();
    Work again{&updates};
    job = bench.Start(again, options);
    state.counters["restore_s"] = Seconds(Clock::now() - start).count();
    state.counters["restore_cpu_s"] = CpuSeconds() - cpu_start;
    job.Cancel();
    (void)job.Wait();
  }
}
BENCHMARK(BM_Checkpoints)
    ->Args({5, 1})
    ->Args({100, 10})
    ->Iterations(1)
    ->Unit(benchmark::kSecond)
    ->UseRealTime();

}  // namespace
}  // namespace millrace

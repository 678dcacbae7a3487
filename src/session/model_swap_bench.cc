// What swaps of versions do to an operator that scores rows beside them: the time of its thread per
// batch, with and without records of versions, also of a model of 500 MB, and with barriers. Run it
// in the project's root.
#include <algorithm>
#include <chrono>
#include <future>

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <benchmark/benchmark.h>
#include <time.h>

#include "models/larger_model.h"
#include "models/test_services.h"
#include "operators/bench_host.h"

namespace millrace {
namespace {

using Clock = std::chrono::steady_clock;  // allowed: what is measured is real
using Micros = std::chrono::microseconds;
constexpr std::chrono::seconds kRun{10};
constexpr std::chrono::seconds kLongestRun{60};
constexpr int64_t kFewestSwaps = 3;
constexpr std::chrono::milliseconds kBetweenSwaps{500};
constexpr std::chrono::seconds kBetweenBarriers{1};
constexpr int64_t kRows = 64;
constexpr int kInputs = 11;

/// Of this thread on its core.
int64_t WorkMicros() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return int64_t{time.tv_sec} * 1'000'000 + time.tv_nsec / 1000;
}

class SwappingOperator {
 public:
  explicit SwappingOperator(int64_t bytes) {
    auto config = std::make_shared<PredictConfig>();
    config->model.name = "m";
    config->model.provider = "stream";
    config->model.options = {{"source", "s"}, {"type", "onnx"}};
    arrow::ArrayVector columns;
    for (int i = 0; i < kInputs; ++i) {
      const std::string name = "c" + std::to_string(i);
      config->model.input.Add(name, SqlType::Float());
      config->arguments.push_back(Expression::Column(i, SqlType::Float()));
      columns.push_back(std::make_shared<arrow::FloatArray>(
          kRows, arrow::Buffer::FromVector(std::vector<float>(kRows, 0.5f))));
    }
    config->model.output.Add("y", SqlType::Float());
    config->names = {"y"};
    ModelStream stream;
    stream.source = "s";
    stream.version = 0;
    stream.data = 1;
    config->stream = stream;
    Schema output = config->model.input;
    output.Add("y", SqlType::Float());
    records_.Add("version", SqlType::BigInt());
    records_.Add("data", SqlType::Bytes());
    rows_.rows = arrow::RecordBatch::Make(config->model.input.ToArrow(), kRows, columns);
    const std::string model =
        ReadFile(services_.env().files(), "test/models/forest.onnx").ValueOrDie();
    for (int i = 0; i < 2; ++i) {
      models_[i] = arrow::Buffer::FromString(LargerModel(model, std::max(bytes, int64_t{4}), i));
    }
    host_ = std::make_unique<BenchHost>(
        services_, config, std::vector{config->model.input, records_},
        std::vector<PortPlan>{{"main", output}, {"failed", FailedRowsSchema(config->model.input)}});
    PushVersion();
    while (host_->rows_out == 0) {
      host_->Complete();
      host_->Push(rows_);
    }
  }

  struct Latencies {
    int64_t p99_us = 0, most_us = 0;  ///< of a batch, and what came before it
    int64_t most_work_us = 0;         ///< the same, without the time when others had the core
    int64_t swaps = 0;
  };
  /// The versions come one by one: the next when the one before it serves.
  Latencies Measure(bool swaps) {
    Latencies result;
    std::vector<int64_t> took;
    std::future<void> written;
    bool loading = false;
    auto next_swap = Clock::now(), next_barrier = Clock::now() + kBetweenBarriers;
    const auto begin = Clock::now();
    const auto goes_on = [&] {
      const auto ran = Clock::now() - begin;
      return ran < kRun || (swaps && result.swaps < kFewestSwaps && ran < kLongestRun);
    };
    while (goes_on()) {
      const auto start = Clock::now();
      const int64_t work_us = WorkMicros();
      if (host_->Complete() && loading) {
        loading = false;
        ++result.swaps;
        next_swap = start + kBetweenSwaps;
      }
      if (swaps && !loading && start >= next_swap) {
        PushVersion();
        loading = true;
      }
      const bool free =
          !written.valid() || written.wait_for(Micros(0)) == std::future_status::ready;
      if (start >= next_barrier && free) {
        std::shared_ptr<StateSnapshot> snapshot = host_->Snapshot();
        written = std::async(std::launch::async, [snapshot] {  // as checkpoints are written
          std::string bytes;
          for (const PartId& part : snapshot->parts()) (void)snapshot->Write(part, &bytes);
        });
        next_barrier = start + kBetweenBarriers;
      }
      host_->Push(rows_);
      result.most_work_us = std::max(result.most_work_us, WorkMicros() - work_us);
      took.push_back(std::chrono::duration_cast<Micros>(Clock::now() - start).count());
    }
    while (loading && !host_->Complete()) continue;
    std::sort(took.begin(), took.end());
    result.p99_us = took[took.size() * 99 / 100];
    result.most_us = took.back();
    return result;
  }

 private:
  void PushVersion() {
    const std::shared_ptr<arrow::Buffer>& model = models_[++version_ % 2];
    const auto offsets =
        arrow::Buffer::FromVector(std::vector<int32_t>{0, static_cast<int32_t>(model->size())});
    Batch record;
    record.rows =
        arrow::RecordBatch::Make(records_.ToArrow(), 1,
                                 {std::make_shared<arrow::Int64Array>(
                                      1, arrow::Buffer::FromVector(std::vector<int64_t>{version_})),
                                  std::make_shared<arrow::BinaryArray>(1, offsets, model)});
    host_->Push(record, 1);
  }

  TestServices services_;
  Schema records_;
  Batch rows_;
  std::shared_ptr<arrow::Buffer> models_[2];
  int64_t version_ = 0;
  std::unique_ptr<BenchHost> host_;
};

void BM_OperatorSwaps(benchmark::State& state) {
  SwappingOperator swapping(state.range(0) << 20);
  for (auto _ : state) {
    const auto without = swapping.Measure(false);
    const auto with = swapping.Measure(true);
    state.counters["p99_us"] = static_cast<double>(without.p99_us);
    state.counters["p99_with_swaps_us"] = static_cast<double>(with.p99_us);
    state.counters["most_work_us"] = static_cast<double>(without.most_work_us);
    state.counters["most_work_with_swaps_us"] = static_cast<double>(with.most_work_us);
    state.counters["most_us"] = static_cast<double>(without.most_us);
    state.counters["most_with_swaps_us"] = static_cast<double>(with.most_us);
    state.counters["swaps"] = static_cast<double>(with.swaps);
  }
}
BENCHMARK(BM_OperatorSwaps)
    ->Arg(0)
    ->Arg(500)
    ->ArgName("mb")
    ->Iterations(1)
    ->Unit(benchmark::kSecond);

}  // namespace
}  // namespace millrace

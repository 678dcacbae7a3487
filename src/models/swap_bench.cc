// What swaps of versions do to the threads that score: latencies of calls with and without loads
// beside them, also of a model of 500 MB. Run it in the project's root.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <benchmark/benchmark.h>

#include "models/larger_model.h"
#include "models/test_services.h"

namespace millrace {
namespace {

using Clock = std::chrono::steady_clock;  // allowed: what is measured is real
constexpr std::chrono::seconds kRun{5};
constexpr std::chrono::milliseconds kBetweenSwaps{100};
constexpr int64_t kRows = 64;
constexpr int64_t kInputs = 11;

class Swaps {
 public:
  explicit Swaps(int64_t bytes) {
    config_.name = "m";
    config_.provider = "stream";
    config_.options = {{"source", "s"}, {"type", "onnx"}};
    arrow::ArrayVector columns;
    for (int i = 0; i < kInputs; ++i) {
      config_.input.Add("c" + std::to_string(i), SqlType::Float());
      columns.push_back(std::make_shared<arrow::FloatArray>(
          kRows, arrow::Buffer::FromVector(std::vector<float>(kRows, 0.5f))));
    }
    config_.output.Add("y", SqlType::Float());
    batch_.rows = arrow::RecordBatch::Make(config_.input.ToArrow(), kRows, columns);
    const std::string model =
        ReadFile(services_.env().files(), "test/models/forest.onnx").ValueOrDie();
    for (int version = 0; version < 2; ++version) {
      const bool same = bytes == 0;
      records_[version].bytes =
          arrow::Buffer::FromString(LargerModel(model, same ? int64_t{4} : bytes, version));
    }
    Load(0);
  }

  /// p99 of a call in µs, with or without swaps beside it.
  int64_t P99(bool swaps, int64_t* count) {
    std::atomic<bool> over = false;
    std::thread loader([&] {
      for (int version = 1; swaps && !over; version = 1 - version) {
        Load(version);
        ++*count;
        std::this_thread::sleep_for(kBetweenSwaps);  // allowed: a benchmark's pace
      }
    });
    std::vector<int64_t> took;
    ModelLease model;
    for (const auto end = Clock::now() + kRun; Clock::now() < end;) {
      const auto start = Clock::now();
      {
        // As an operator does: the new version from the next batch on, the old one is let go.
        std::lock_guard lock(mutex_);
        if (model != current_) model = current_;
      }
      (void)model->PredictAsync(batch_, {}, [](Result<Prediction> result) {
        benchmark::DoNotOptimize(result.ValueOrDie());
      });
      took.push_back(
          std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - start).count());
    }
    over = true;
    loader.join();
    std::sort(took.begin(), took.end());
    return took[took.size() * 99 / 100];
  }

 private:
  void Load(int version) {
    std::promise<LoadedVersion> loaded;
    services_.models().LoadVersion(config_, records_[version], [&](Result<LoadedVersion> result) {
      loaded.set_value(std::move(result).ValueOrDie());
    });
    ModelLease model = loaded.get_future().get().model;
    std::lock_guard lock(mutex_);
    current_ = std::move(model);
  }

  TestServices services_;
  ModelConfig config_;
  Batch batch_;
  ModelRecord records_[2];
  std::mutex mutex_;
  ModelLease current_;
};

void BM_Swaps(benchmark::State& state) {
  Swaps swaps(state.range(0) << 20);
  for (auto _ : state) {
    int64_t count = 0, none = 0;
    const int64_t without = swaps.P99(false, &none);
    const int64_t with = swaps.P99(true, &count);
    state.counters["p99_us"] = static_cast<double>(without);
    state.counters["p99_with_swaps_us"] = static_cast<double>(with);
    state.counters["swaps"] = static_cast<double>(count);
  }
}
BENCHMARK(BM_Swaps)->Arg(0)->Arg(500)->ArgName("mb")->Iterations(1)->Unit(benchmark::kSecond);

}  // namespace
}  // namespace millrace

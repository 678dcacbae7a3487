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

#include "models/test_services.h"

namespace millrace {
namespace {

using Clock = std::chrono::steady_clock;  // allowed: what is measured is real
constexpr std::chrono::seconds kRun{5};
constexpr std::chrono::milliseconds kBetweenSwaps{100};
constexpr int64_t kRows = 64;
constexpr int64_t kInputs = 11;

void PutVarint(uint64_t number, std::string* out) {
  for (; number >= 0x80; number >>= 7) out->push_back(static_cast<char>(number | 0x80));
  out->push_back(static_cast<char>(number));
}

/// A member of a protobuf message that has a length.
std::string Member(int number, const std::string& value) {
  std::string out;
  PutVarint(static_cast<uint64_t>(number) << 3 | 2, &out);
  PutVarint(value.size(), &out);
  return out + value;
}

/// The model with `bytes` of weights more, and another hash for each `version`: messages of
/// protobuf that follow each other are one, so the graph gets another initializer.
std::string Larger(const std::string& model, int64_t bytes, int version) {
  constexpr int kGraph = 7, kInitializer = 5, kName = 8, kRawData = 9;
  std::string tensor;
  PutVarint(1 << 3, &tensor);  // dims
  PutVarint(static_cast<uint64_t>(bytes / 4), &tensor);
  PutVarint(2 << 3, &tensor);  // data_type
  PutVarint(1, &tensor);       // FLOAT
  tensor += Member(kName, "more" + std::to_string(version));
  tensor += Member(kRawData, std::string(static_cast<size_t>(bytes / 4 * 4), '\0'));
  return model + Member(kGraph, Member(kInitializer, tensor));
}

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
          std::make_shared<const std::string>(Larger(model, same ? int64_t{4} : bytes, version));
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

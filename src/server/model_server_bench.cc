// Requests a second over loopback, and the CPU of both sides for each. Run it in the project's
// root.
#include <sys/resource.h>

#include <atomic>
#include <future>

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <benchmark/benchmark.h>

#include "models/test_services.h"
#include "server/model_server.h"

namespace millrace {
namespace {

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

void BM_Loopback(benchmark::State& state) {
  const int64_t rows = state.range(0), in_flight = state.range(1);
  TestServices services;
  FileSystem& files = services.env().files();
  const std::string folder = "build/bench-models/linear/1";
  files.CreateDirectories(folder).ok();
  {
    auto file = files.OpenOutput(folder + "/model.onnx", OpenMode::kTruncate).ValueOrDie();
    file->Append(ReadFile(files, "test/models/linear.onnx").ValueOrDie()).ok();
    file->Close().ok();
  }
  const auto server =
      ModelServer::Start({.repository = "build/bench-models", .port = 0}, services).ValueOrDie();
  const auto* spec = services.registries().providers.Find("triton");
  const auto options =
      Options::Make("p", spec->options,
                    {{"endpoint", "http://127.0.0.1:" + std::to_string(server->port())},
                     {"model-name", "linear"}})
          .ValueOrDie();
  Schema input;
  input.Add("a", SqlType::Float());
  input.Add("b", SqlType::Float());
  ModelConfig config{"m", "triton", {}, input, {}};
  config.output =
      SchemaOf(spec->describe(config, options, services).ValueOrDie().outputs).ValueOrDie();
  const auto model = spec->load(config, options, services).ValueOrDie();
  const auto column = std::make_shared<arrow::FloatArray>(
      rows, arrow::Buffer::FromVector(std::vector<float>(static_cast<size_t>(rows), 0.5f)));
  Batch batch;
  batch.rows = arrow::RecordBatch::Make(input.ToArrow(), rows, arrow::ArrayVector{column, column});
  const double before = CpuSeconds();
  for (auto _ : state) {
    std::atomic<int64_t> left{in_flight};
    std::promise<void> all;
    std::vector<std::unique_ptr<Call>> calls;
    for (int64_t i = 0; i < in_flight; ++i) {
      calls.push_back(model->PredictAsync(batch, {}, [&](Result<Prediction> result) {
        benchmark::DoNotOptimize(result.ValueOrDie());
        if (--left == 0) all.set_value();
      }));
    }
    all.get_future().wait();
  }
  const auto requests = static_cast<double>(state.iterations() * in_flight);
  state.SetItemsProcessed(state.iterations() * in_flight);
  state.counters["cpu_us_per_request"] = 1e6 * (CpuSeconds() - before) / requests;
}
BENCHMARK(BM_Loopback)
    ->ArgsProduct({{1, 1024}, {1, 32}})
    ->ArgNames({"rows", "in_flight"})
    ->UseRealTime();

}  // namespace
}  // namespace millrace

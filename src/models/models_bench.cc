// ONNX Runtime called directly against the provider: what packing, checks and metrics cost. Run it
// in the project's root.
#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <benchmark/benchmark.h>

#include "models/onnx/onnx_model.h"
#include "models/test_services.h"

namespace millrace {
namespace {

std::string Path(const std::string& name) { return "test/models/" + name + ".onnx"; }

struct Model {
  const char* file;
  int64_t width;
};
constexpr Model kModels[] = {{"linear", 2}, {"forest", 11}};

/// The floor: one session, inputs packed beforehand.
void BM_OnnxRuntime(benchmark::State& state) {
  const Model& which = kModels[state.range(0)];
  const int64_t rows = state.range(1);
  TestServices services;
  const auto model = LoadOnnxModel({.path = Path(which.file)}, services.env().files()).ValueOrDie();
  Tensor input;
  input.name = model->signature().inputs[0].name;
  input.shape = {rows, which.width};
  input.data =
      arrow::Buffer::FromVector(std::vector<float>(static_cast<size_t>(rows * which.width), 0.5f));
  const int output = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(model->Run({&input, 1}, {&output, 1}).ValueOrDie());
  }
  state.SetItemsProcessed(state.iterations() * rows);
}

/// The same through the provider and the runtime's metrics, from scalar columns.
void BM_Provider(benchmark::State& state) {
  const Model& which = kModels[state.range(0)];
  const int64_t rows = state.range(1);
  TestServices services;
  Schema input;
  for (int i = 0; i < which.width; ++i) input.Add("c" + std::to_string(i), SqlType::Float());
  const auto config = Define(services, "onnx", {{"path", Path(which.file)}}, input).ValueOrDie();
  std::promise<Status> ready;
  services.models().WhenReady(config, {}, [&](Status status) { ready.set_value(status); });
  ready.get_future().wait();
  const auto model = services.models().TryLease(config, {}).ValueOrDie();
  arrow::ArrayVector columns;
  for (int i = 0; i < which.width; ++i) {
    columns.push_back(std::make_shared<arrow::FloatArray>(
        rows, arrow::Buffer::FromVector(std::vector<float>(static_cast<size_t>(rows), 0.5f))));
  }
  Batch batch;
  batch.rows = arrow::RecordBatch::Make(config.input.ToArrow(), rows, columns);
  for (auto _ : state) {
    model->PredictAsync(batch, {}, [](Result<Prediction> result) {
      benchmark::DoNotOptimize(result.ValueOrDie());
    });
  }
  state.SetItemsProcessed(state.iterations() * rows);
}

void Cases(benchmark::internal::Benchmark* bench) {
  for (const int64_t model : {0, 1}) {
    for (const int64_t rows : {1, 64, 1024}) bench->Args({model, rows});
  }
}
BENCHMARK(BM_OnnxRuntime)->Apply(Cases)->ArgNames({"model", "rows"});
BENCHMARK(BM_Provider)->Apply(Cases)->ArgNames({"model", "rows"});

}  // namespace
}  // namespace millrace

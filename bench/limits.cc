// Native loops that do the least that a benchmark's work needs: what Millrace is compared with.
// Prints the rows and the CPU seconds of the loop alone.
#include <sys/resource.h>

#include <cmath>
#include <cstdio>
#include <cstring>
#include <random>
#include <string>

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/record_batch.h>
#include <malloc.h>

#include "connectors/fake_world.h"
#include "connectors/nexmark.h"
#include "connectors/nexmark_events.h"
#include "formats/format_testing.h"
#include "models/onnx/onnx_model.h"
#include "models/tensorflow/tensorflow_model.h"

namespace millrace {
namespace {

constexpr int64_t kBatch = 1024;  // as 'millrace.batch-rows'

double CpuSeconds() {
  rusage used;
  getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

/// Keeps the compiler from leaving out what made the value.
template <class T>
void Use(const T& value) {
  asm volatile("" : : "g"(&value) : "memory");
}

/// Runs `loop`, which returns its rows, and prints them with its CPU time.
template <class Loop>
Status Measure(Loop loop) {
  const double start = CpuSeconds();
  ARROW_ASSIGN_OR_RAISE(const int64_t rows, loop());
  std::printf("%lld %.6f\n", static_cast<long long>(rows), CpuSeconds() - start);
  return Status::OK();
}

Result<std::string> Contents(const std::string& path) {
  const auto env = MakeSystemEnv(1);
  ARROW_ASSIGN_OR_RAISE(const auto file, env->files().OpenInput(path));
  ARROW_ASSIGN_OR_RAISE(const int64_t size, file->Size());
  std::string text(static_cast<size_t>(size), '\0');
  for (size_t at = 0; at < text.size();) {
    ARROW_ASSIGN_OR_RAISE(const size_t got,
                          file->ReadAt(static_cast<int64_t>(at), std::span(text).subspan(at)));
    if (got == 0) return Error::User("the file became shorter").In(path);
    at += got;
  }
  return text;
}

/// Calls `take` with each batch of readings in `text`.
template <class Take>
Result<int64_t> DecodeAll(const std::string& format, const std::string& text, Take take) {
  const Schema readings({{"point", SqlType::String(), {}},
                         {"ts", SqlType::Timestamp(3), {}},
                         {"v", SqlType::Double(), {}}});
  ARROW_ASSIGN_OR_RAISE(const auto decoder, DecoderOf(format, readings, {}));
  int64_t rows = 0;
  for (size_t at = 0; at < text.size();) {
    const auto piece = std::string_view(text).substr(at, 1 << 20);
    ARROW_ASSIGN_OR_RAISE(
        const auto decoded,
        decoder->Decode(piece, at + piece.size() == text.size(), kBatch, {"f", rows + 1}));
    take(*decoded.rows);
    rows += decoded.rows->num_rows();
    at += static_cast<size_t>(decoded.bytes);
  }
  return rows;
}

Status Decode(const std::string& format, const std::string& path) {
  ARROW_ASSIGN_OR_RAISE(const std::string text, Contents(path));
  return Measure([&] { return DecodeAll(format, text, [](const auto& rows) { Use(rows); }); });
}

/// The first `steps` of the chain's ten, of which the last is always the level.
double Chain(double v, int steps) {
  const auto level = [](double x) { return x > 1.2 ? 2.0 : x > 0.8 ? 1.0 : 0.0; };
  v = v * 1.8 + 32;
  v = std::fmin(std::fmax(v, 20), 120);
  if (steps == 3) return level(v);
  v -= 60.5;
  v = (v > 0 ? 1 : v < 0 ? -1 : 0) * std::log1p(std::fabs(v));
  if (steps == 5) return level(v);
  v = std::floor(v * 1000) / 1000;
  v *= v;
  v = std::sqrt(v + 1);
  v = std::fabs(v) < 1.05 ? 0 : v;
  v = (v - 1.5) / 0.7;
  return level(v);
}

Status Fused(const std::string& path, int steps) {
  ARROW_ASSIGN_OR_RAISE(const std::string text, Contents(path));
  std::vector<double> values;
  ARROW_RETURN_NOT_OK(DecodeAll("csv", text, [&](const arrow::RecordBatch& rows) {
                        const auto& v = static_cast<const arrow::DoubleArray&>(*rows.column(2));
                        values.insert(values.end(), v.raw_values(), v.raw_values() + v.length());
                      }).status());
  std::vector<double> out(values.size());
  return Measure([&]() -> Result<int64_t> {
    for (size_t i = 0; i < values.size(); ++i) out[i] = Chain(values[i], steps);
    Use(out);
    return static_cast<int64_t>(values.size());
  });
}

/// The nexmark generator's reader alone, with the columns that a query of bids needs.
Status Nexmark(int64_t events) {
  FakeServices services;
  services.all.connectors.Add(NexmarkConnector());
  const Schema all = NexmarkSchema();
  ARROW_ASSIGN_OR_RAISE(
      const auto table,
      TestTable::Make(services, "nexmark", Schema({all.column(0), all.column(3), all.column(4)}),
                      {{"events.num", std::to_string(events)}}));
  ARROW_ASSIGN_OR_RAISE(auto splits, table->Splits());
  ARROW_ASSIGN_OR_RAISE(const auto reader, table->Reader(std::move(splits)));
  return Measure([&]() -> Result<int64_t> {
    for (;;) {
      ARROW_ASSIGN_OR_RAISE(const auto poll, reader->PollNext(kBatch, 1 << 30));
      if (poll.kind != Poll::Kind::kRows) return events;
      Use(*poll.rows.rows);
    }
  });
}

/// ONNX Runtime or TensorFlow on random rows that are packed beforehand, a batch a run.
Status Model(const std::string& runtime, const std::string& path, int64_t width, int64_t batch,
             int64_t rows) {
  const auto env = MakeSystemEnv(1);
  ARROW_ASSIGN_OR_RAISE(const auto model,
                        runtime == "onnx" ? LoadOnnxModel({.path = path}, env->files())
                                          : LoadTensorFlowModel({{.path = path}}, env->files()));
  std::mt19937 random(7);
  std::uniform_real_distribution<float> value(-2, 2);
  std::vector<float> values(static_cast<size_t>(rows * width));
  for (float& each : values) each = value(random);
  const auto bytes = arrow::Buffer::FromVector(std::move(values));
  Tensor input;
  input.name = model->signature().inputs[0].name;
  const int output = 0;
  return Measure([&]() -> Result<int64_t> {
    const auto row_bytes = width * static_cast<int64_t>(sizeof(float));
    for (int64_t at = 0; at < rows; at += batch) {
      const int64_t count = std::min(batch, rows - at);
      input.shape = {count, width};
      input.data = arrow::SliceBuffer(bytes, at * row_bytes, count * row_bytes);
      ARROW_ASSIGN_OR_RAISE(const auto outputs, model->Run({&input, 1}, {&output, 1}));
      Use(outputs);
    }
    return rows;
  });
}

Status Run(const std::vector<std::string>& arguments) {
  const auto text = [&](size_t i) { return i < arguments.size() ? arguments[i] : std::string(); };
  const auto number = [&](size_t i) { return std::atoll(text(i).c_str()); };
  if (text(0) == "decode") return Decode(text(1), text(2));
  if (text(0) == "fused") return Fused(text(1), static_cast<int>(number(2)));
  if (text(0) == "nexmark") return Nexmark(number(1));
  if (text(0) == "onnx" || text(0) == "tensorflow") {
    return Model(text(0), text(1), number(2), number(3), number(4));
  }
  return Error::User(
      "usage: bench_limits decode FORMAT FILE | fused FILE STEPS | nexmark EVENTS | "
      "onnx|tensorflow FILE WIDTH BATCH ROWS");
}

}  // namespace
}  // namespace millrace

int main(int argc, char** argv) {
  mallopt(M_TRIM_THRESHOLD, 8 << 20);  // as src/cli/main.cc
  mallopt(M_MMAP_THRESHOLD, 4 << 20);
  const auto status = millrace::Run({argv + 1, argv + argc});
  if (status.ok()) return 0;
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return 1;
}

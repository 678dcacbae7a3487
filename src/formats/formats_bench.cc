#include <arrow/buffer.h>
#include <arrow/csv/reader.h>
#include <arrow/io/memory.h>
#include <arrow/json/reader.h>
#include <arrow/table.h>
#include <benchmark/benchmark.h>

#include "formats/format_testing.h"
#include "types/value_text.h"

namespace millrace {
namespace {

const Schema& Rows() {
  static const Schema schema({{"point", SqlType::String(), {}},
                              {"ts", SqlType::Timestamp(3), {}},
                              {"value", SqlType::Double(), {}},
                              {"quality", SqlType::Int(), {}}});
  return schema;
}

/// Sensor rows as text: a point's name, a time, a value, a quality.
std::string Text(bool json) {
  std::string text;
  for (int i = 0; i < 200'000; ++i) {
    std::string time;
    FormatTimestamp(1'700'000'000'000'000 + int64_t{i} * 1'000'000, 3, ' ', &time);
    const std::string point = "plant-1/turbine-" + std::to_string(i % 40);
    const std::string value = std::to_string(i % 997 * 0.7301);
    const std::string quality = std::to_string(i % 7 == 0 ? 192 : 0);
    if (json) {
      text += "{\"point\":\"" + point + "\",\"ts\":\"" + time + "\",\"value\":" + value +
              ",\"quality\":" + quality + "}\n";
    } else {
      text += point + "," + time + "," + value + "," + quality + "\n";
    }
  }
  return text;
}

void Decode(benchmark::State& state, const std::string& format, std::vector<int> projection) {
  const std::string text = Text(format == "json");
  const auto decoder = *DecoderOf(format, Rows(), {}, std::move(projection));
  for (auto _ : state) {
    for (size_t at = 0; at < text.size();) {
      const auto view = std::string_view(text).substr(at, 1 << 20);
      const auto decoded = *decoder->Decode(view, at + view.size() == text.size(), 8192, {"f", 1});
      benchmark::DoNotOptimize(decoded.rows);
      at += static_cast<size_t>(decoded.bytes);
    }
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(text.size()));
}
BENCHMARK_CAPTURE(Decode, csv, "csv", {})->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Decode, csv_value_only, "csv", {2})->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Decode, json, "json", {})->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Decode, json_value_only, "json", {2})->Unit(benchmark::kMillisecond);

void ArrowCsv(benchmark::State& state) {
  const std::string text = Text(false);
  auto read = arrow::csv::ReadOptions::Defaults();
  read.use_threads = false;
  read.column_names = Rows().Names();
  auto convert = arrow::csv::ConvertOptions::Defaults();
  for (const auto& column : Rows().columns())
    convert.column_types[column.name] = column.type.ToArrow();
  for (auto _ : state) {
    const auto input = std::make_shared<arrow::io::BufferReader>(arrow::Buffer::FromString(text));
    const auto reader =
        *arrow::csv::TableReader::Make(arrow::io::default_io_context(), input, read,
                                       arrow::csv::ParseOptions::Defaults(), convert);
    benchmark::DoNotOptimize(*reader->Read());
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(text.size()));
}
BENCHMARK(ArrowCsv)->Unit(benchmark::kMillisecond);

void ArrowJson(benchmark::State& state) {
  const std::string text = Text(true);
  auto read = arrow::json::ReadOptions::Defaults();
  read.use_threads = false;
  auto parse = arrow::json::ParseOptions::Defaults();
  parse.explicit_schema = Rows().ToArrow();
  for (auto _ : state) {
    const auto input = std::make_shared<arrow::io::BufferReader>(arrow::Buffer::FromString(text));
    const auto reader =
        *arrow::json::TableReader::Make(arrow::default_memory_pool(), input, read, parse);
    benchmark::DoNotOptimize(*reader->Read());
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(text.size()));
}
BENCHMARK(ArrowJson)->Unit(benchmark::kMillisecond);

void Encode(benchmark::State& state, const std::string& format) {
  const std::string text = Text(format == "json");
  const auto decoded = *(*DecoderOf(format, Rows(), {}))->Decode(text, true, 1 << 20, {"f", 1});
  const auto& spec = FormatNamed(format);
  const auto encoder = *spec.make_encoder(Rows(), *Options::Make("format", spec.options, {}));
  std::string out;
  for (auto _ : state) {
    out.clear();
    benchmark::DoNotOptimize(encoder->Encode(*decoded.rows, &out).ok());
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(out.size()));
}
BENCHMARK_CAPTURE(Encode, csv, "csv")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Encode, json, "json")->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace millrace

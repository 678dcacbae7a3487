// Top-N and deduplication, by the operators and by loops over std::map that do only that.

#include <map>
#include <random>
#include <set>
#include <unordered_map>

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/record_batch.h>
#include <benchmark/benchmark.h>

#include "operators/bench_host.h"

namespace millrace {
namespace {

constexpr int64_t kRows = 1 << 20;
constexpr int64_t kBatch = 1024;

Schema Input() {
  Schema schema;
  schema.Add("k", SqlType::BigInt());
  schema.Add("v", SqlType::BigInt());
  schema.Add("id", SqlType::BigInt());
  return schema;
}

struct Rows {
  std::vector<int64_t> k, v;
  std::vector<Batch> batches;
};

std::shared_ptr<arrow::Array> ArrayOf(const std::vector<int64_t>& values, size_t from) {
  arrow::Int64Builder builder;
  if (!builder.AppendValues(values.data() + from, kBatch).ok()) std::abort();  // allowed: as above
  return builder.Finish().ValueOrDie();
}

const Rows& RowsOf(int64_t keys) {
  static std::map<int64_t, Rows> made;
  Rows& rows = made[keys];
  if (!rows.k.empty()) return rows;
  std::mt19937_64 random(7);
  const auto schema = Input().ToArrow();
  for (int64_t from = 0; from < kRows; from += kBatch) {
    std::vector<int64_t> ids;
    for (int64_t i = from; i < from + kBatch; ++i) {
      rows.k.push_back(static_cast<int64_t>(random() % static_cast<uint64_t>(keys)));
      rows.v.push_back(static_cast<int64_t>(random() >> 1));
      ids.push_back(i);
    }
    const auto first = static_cast<size_t>(from);
    rows.batches.emplace_back().rows = arrow::RecordBatch::Make(
        schema, kBatch, {ArrayOf(rows.k, first), ArrayOf(rows.v, first), ArrayOf(ids, 0)});
  }
  return rows;
}

void Report(benchmark::State& state) { state.SetItemsProcessed(state.iterations() * kRows); }

void RunOperator(benchmark::State& state, const NodeConfigPtr& config, int64_t keys,
                 ChangelogMode mode, bool numbered = false) {
  Schema output = Input();
  if (numbered) output.Add("rn", SqlType::BigInt());
  const Rows& rows = RowsOf(keys);
  int64_t rows_out = 0;
  for (auto _ : state) {
    BenchHost host(config, Input(), output, mode);
    for (const Batch& batch : rows.batches) host.Push(batch);
    host.Finish();
    rows_out = host.rows_out;
  }
  state.counters["rows_out"] = static_cast<double>(rows_out);
  Report(state);
}

std::shared_ptr<RankConfig> TopTen(bool keyed) {
  auto config = std::make_shared<RankConfig>();
  if (keyed) config->keys = {0};
  config->order = {{1, false, false}};
  config->to = 10;
  return config;
}

void TopNOperator(benchmark::State& state) {
  const auto config = TopTen(true);
  if (state.range(1)) config->number_name = "rn";
  RunOperator(state, config, state.range(0), ChangelogMode::kRetract, state.range(1) != 0);
}
BENCHMARK(TopNOperator)->ArgNames({"keys", "numbered"})->ArgsProduct({{10, 1000, 100000}, {0, 1}});

void TopNMap(benchmark::State& state) {
  const Rows& rows = RowsOf(state.range(0));
  for (auto _ : state) {
    std::map<int64_t, std::multiset<int64_t>> top;
    int64_t changes = 0;
    for (size_t i = 0; i < rows.k.size(); ++i) {
      auto& values = top[rows.k[i]];
      if (values.size() >= 10 && rows.v[i] <= *values.begin()) continue;
      values.insert(rows.v[i]);
      ++changes;
      if (values.size() > 10) values.erase(values.begin());
    }
    benchmark::DoNotOptimize(changes);
  }
  Report(state);
}
BENCHMARK(TopNMap)->ArgName("keys")->Arg(10)->Arg(1000)->Arg(100000);

void SortOperator(benchmark::State& state) {
  const auto config = TopTen(false);
  config->to = std::numeric_limits<int64_t>::max();
  config->final = true;
  RunOperator(state, config, 1000, ChangelogMode::kAppend);
}
BENCHMARK(SortOperator);

void SortMap(benchmark::State& state) {
  const Rows& rows = RowsOf(1000);
  for (auto _ : state) {
    std::multimap<int64_t, size_t> sorted;
    for (size_t i = 0; i < rows.v.size(); ++i) sorted.emplace(rows.v[i], i);
    benchmark::DoNotOptimize(sorted);
  }
  Report(state);
}
BENCHMARK(SortMap);

void DeduplicateOperator(benchmark::State& state) {
  auto config = std::make_shared<DeduplicateConfig>();
  config->keys = {0};
  config->keep_last = state.range(1) != 0;
  RunOperator(state, config, state.range(0),
              config->keep_last ? ChangelogMode::kRetract : ChangelogMode::kAppend);
}
BENCHMARK(DeduplicateOperator)->ArgNames({"keys", "last"})->ArgsProduct({{1000, 100000}, {0, 1}});

void DeduplicateMap(benchmark::State& state) {
  const Rows& rows = RowsOf(state.range(0));
  for (auto _ : state) {
    std::map<int64_t, int64_t> last;
    for (size_t i = 0; i < rows.k.size(); ++i) last[rows.k[i]] = rows.v[i];
    benchmark::DoNotOptimize(last);
  }
  Report(state);
}
BENCHMARK(DeduplicateMap)->ArgName("keys")->Arg(1000)->Arg(100000);

}  // namespace
}  // namespace millrace

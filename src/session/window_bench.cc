// Aggregation by window, by the operator and by loops over hash maps that do the same on the same
// columns and nothing else: the window of a row by its event time, whether it is late, its key's
// accumulator, and, once the watermark of the batch has passed a window, its result columns. What a
// loop leaves out is what makes it a limit: NULLs, types, changes, checkpoints.

#include <array>
#include <map>
#include <random>
#include <unordered_map>

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/record_batch.h>
#include <benchmark/benchmark.h>

#include "functions/families.h"
#include "operators/bench_host.h"

namespace millrace {
namespace {

constexpr int64_t kRows = 1 << 20;
constexpr int64_t kBatch = 1024;
constexpr int64_t kSecond = 1'000'000;
constexpr int64_t kSize = 10 * kSecond;
constexpr int64_t kSlide = 2 * kSecond;
constexpr int64_t kStep = 100;  ///< of event time from row to row: 100,000 rows a window

Schema Input() {
  Schema schema;
  schema.Add("k", SqlType::BigInt());
  schema.Add("v", SqlType::BigInt());
  schema.Add("ts", SqlType::Timestamp(3));
  return schema;
}

struct Rows {
  std::vector<int64_t> k, v, ts;
  std::vector<Batch> batches;
};

template <class Builder>
std::shared_ptr<arrow::Array> ArrayOf(Builder builder, const std::vector<int64_t>& values,
                                      size_t from) {
  if (!builder.AppendValues(values.data() + from, kBatch).ok()) std::abort();  // allowed: no rows
  return builder.Finish().ValueOrDie();
}

const Rows& RowsOf(int64_t keys) {
  static std::map<int64_t, Rows> made;
  Rows& rows = made[keys];
  if (!rows.k.empty()) return rows;
  std::mt19937_64 random(7);
  const auto schema = Input().ToArrow();
  for (int64_t from = 0; from < kRows; from += kBatch) {
    for (int64_t i = from; i < from + kBatch; ++i) {
      rows.k.push_back(static_cast<int64_t>(random() % static_cast<uint64_t>(keys)));
      rows.v.push_back(static_cast<int64_t>(random() % 1000));
      rows.ts.push_back(i * kStep);
    }
    const auto first = static_cast<size_t>(from);
    rows.batches.emplace_back().rows = arrow::RecordBatch::Make(
        schema, kBatch,
        {ArrayOf(arrow::Int64Builder(), rows.k, first),
         ArrayOf(arrow::Int64Builder(), rows.v, first),
         ArrayOf(arrow::TimestampBuilder(schema->field(2)->type(), arrow::default_memory_pool()),
                 rows.ts, first)});
  }
  return rows;
}

std::shared_ptr<WindowAggregateConfig> SumBy(WindowSpec::Kind kind) {
  auto config = std::make_shared<WindowAggregateConfig>();
  config->window.kind = kind;
  config->window.size_us = kind == WindowSpec::Kind::kSession ? kSecond / 10 : kSize;
  config->window.step_us = kSlide;
  config->window.time_column = 2;
  config->keys = {0};
  config->key_names = {"k"};
  config->aggregates = {
      {"SUM", {Expression::Column(1, SqlType::BigInt())}, nullptr, false, SqlType::BigInt(), "s"},
      {"COUNT", {}, nullptr, false, SqlType::BigInt(), "n"}};
  return config;
}

void RunOperator(benchmark::State& state, WindowSpec::Kind kind) {
  const Rows& rows = RowsOf(state.range(0));
  Schema output;
  output.Add("k", SqlType::BigInt());
  for (const char* name : {"window_start", "window_end", "window_time"}) {
    output.Add(name, SqlType::Timestamp(3).AsNotNull());
  }
  output.Add("s", SqlType::BigInt());
  output.Add("n", SqlType::BigInt());
  int64_t rows_out = 0;
  for (auto _ : state) {
    BenchHost host(SumBy(kind), Input(), output, ChangelogMode::kAppend, functions::AddAggregates);
    int64_t time = 0;
    for (const Batch& batch : rows.batches) {
      host.Push(batch);
      time += kBatch * kStep;
      host.PushTime(time - kSecond);
    }
    host.PushTime(EventTime::Max().us);
    rows_out = host.rows_out;
  }
  state.counters["rows_out"] = static_cast<double>(rows_out);
  state.SetItemsProcessed(state.iterations() * kRows);
}

struct Accumulator {
  int64_t sum = 0, count = 0;
};

/// The columns that leave.
struct Output {
  std::vector<int64_t> k, end, sum, count;
  void Add(int64_t key, int64_t window_end, const Accumulator& value) {
    k.push_back(key);
    end.push_back(window_end);
    sum.push_back(value.sum);
    count.push_back(value.count);
  }
};

/// Windows are runs of `slices` slices; each window merges them when it ends.
void RunLoop(benchmark::State& state, int64_t slice, int64_t slices) {
  const Rows& rows = RowsOf(state.range(0));
  for (auto _ : state) {
    std::map<int64_t, std::unordered_map<int64_t, Accumulator>> open;  // by end of slice
    Output out;
    const auto fire = [&](int64_t end) {
      std::unordered_map<int64_t, Accumulator> merged;
      for (auto it = open.begin(); it != open.end() && it->first <= end; ++it) {
        for (const auto& [key, value] : it->second) {
          Accumulator& total = merged[key];
          total.sum += value.sum;
          total.count += value.count;
        }
      }
      for (const auto& [key, value] : merged) out.Add(key, end, value);
      open.erase(open.begin(), open.upper_bound(end - (slices - 1) * slice));
    };
    int64_t next = slice, late = 0;
    for (size_t from = 0; from < rows.k.size(); from += kBatch) {
      for (size_t i = from; i < from + kBatch; ++i) {
        const int64_t end = (rows.ts[i] / slice + 1) * slice;
        if (end + (slices - 1) * slice < next) {
          ++late;
          continue;
        }
        Accumulator& value = open[end][rows.k[i]];
        value.sum += rows.v[i];
        ++value.count;
      }
      const int64_t watermark = rows.ts[from + kBatch - 1] - kSecond;
      for (; watermark >= next; next += slice) fire(next);
    }
    for (; !open.empty(); next += slice) fire(next);
    benchmark::DoNotOptimize(late);
    benchmark::DoNotOptimize(out);
  }
  state.SetItemsProcessed(state.iterations() * kRows);
}

void TumbleOperator(benchmark::State& state) { RunOperator(state, WindowSpec::Kind::kTumble); }
void TumbleLoop(benchmark::State& state) { RunLoop(state, kSize, 1); }
void HopOperator(benchmark::State& state) { RunOperator(state, WindowSpec::Kind::kHop); }
void HopLoop(benchmark::State& state) { RunLoop(state, kSlide, kSize / kSlide); }
void CumulateOperator(benchmark::State& state) { RunOperator(state, WindowSpec::Kind::kCumulate); }
void SessionOperator(benchmark::State& state) { RunOperator(state, WindowSpec::Kind::kSession); }

void SessionLoop(benchmark::State& state) {
  constexpr int64_t kGap = kSecond / 10;
  struct Session {
    Accumulator value;
    int64_t end = 0;
  };
  const Rows& rows = RowsOf(state.range(0));
  for (auto _ : state) {
    std::unordered_map<int64_t, Session> open;
    Output out;
    for (size_t i = 0; i < rows.k.size(); ++i) {
      Session& session = open[rows.k[i]];  // rows come in order: no session needs a merge
      if (session.value.count > 0 && session.end < rows.ts[i]) {
        out.Add(rows.k[i], session.end, session.value);
        session.value = {};
      }
      session.value.sum += rows.v[i];
      ++session.value.count;
      session.end = rows.ts[i] + kGap;
    }
    for (const auto& [key, session] : open) out.Add(key, session.end, session.value);
    benchmark::DoNotOptimize(out);
  }
  state.SetItemsProcessed(state.iterations() * kRows);
}

#define MILLRACE_WINDOWS(name) BENCHMARK(name)->ArgName("keys")->Arg(10)->Arg(1000)->Arg(100000)
MILLRACE_WINDOWS(TumbleOperator);
MILLRACE_WINDOWS(TumbleLoop);
MILLRACE_WINDOWS(HopOperator);
MILLRACE_WINDOWS(HopLoop);
MILLRACE_WINDOWS(CumulateOperator);
MILLRACE_WINDOWS(SessionOperator);
MILLRACE_WINDOWS(SessionLoop);

}  // namespace
}  // namespace millrace

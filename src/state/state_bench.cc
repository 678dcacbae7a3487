#include <chrono>
#include <cstdint>
#include <numeric>
#include <random>
#include <unordered_map>

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/record_batch.h>
#include <benchmark/benchmark.h>

#include "state/state.h"
#include "types/row_keys.h"

namespace millrace {
namespace {

constexpr int64_t kBatch = 1024;

StateSpec Counters() {
  StateSpec spec;
  spec.name = "counters";
  spec.key.Add("id", SqlType::BigInt());
  for (const char* name : {"count", "sum", "max"}) spec.value.Add(name, SqlType::BigInt());
  return spec;
}

std::shared_ptr<arrow::RecordBatch> RowsOf(const std::vector<int64_t>& ids) {
  const auto array = std::make_shared<arrow::Int64Array>(static_cast<int64_t>(ids.size()),
                                                         arrow::Buffer::FromVector(ids));
  return arrow::RecordBatch::Make(Counters().key.ToArrow(), array->length(), {array});
}

// Batches that visit `keys` different keys in random order, each once.
std::vector<RowKeys> ShuffledKeys(const KeyEncoder& encoder, int64_t keys) {
  std::vector<int64_t> ids(static_cast<size_t>(keys));
  std::iota(ids.begin(), ids.end(), 0);
  std::shuffle(ids.begin(), ids.end(), std::mt19937_64(1));
  std::vector<RowKeys> batches;
  for (auto at = ids.begin(); at != ids.end(); at += std::min(kBatch, ids.end() - at)) {
    RowKeys batch;
    const auto end = at + std::min(kBatch, ids.end() - at);
    encoder.Encode(*RowsOf({at, end}), &batch).Abort();
    batches.push_back(std::move(batch));
  }
  return batches;
}

std::unique_ptr<StateStore> NewStore() {
  return MakeMemoryStateStore("bench", {Counters()}, 0, 1, 128).ValueOrDie();
}

void Update(KeyedTable& table, const RowKeys& keys) {
  static std::vector<Slot> slots;
  static std::vector<uint8_t> inserted;
  slots.resize(keys.hashes.size());
  inserted.resize(slots.size());
  table.FindOrInsert(keys, slots, inserted).Abort();
  FixedColumn& count = table.Fixed(0);
  FixedColumn& sum = table.Fixed(1);
  for (const Slot slot : slots) ++count.Mut<int64_t>(slot);
  for (const Slot slot : slots) sum.Mut<int64_t>(slot) += 7;
}

void BM_Insert(benchmark::State& state) {
  const auto batches = ShuffledKeys(NewStore()->table(0).encoder(), state.range(0));
  double bytes = 0;
  for (auto _ : state) {
    const auto store = NewStore();
    for (const RowKeys& keys : batches) Update(store->table(0), keys);
    bytes = static_cast<double>(store->memory_bytes());
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
  state.counters["bytes_per_row"] = bytes / static_cast<double>(state.range(0));
}
BENCHMARK(BM_Insert)->Arg(10'000)->Arg(1'000'000)->Unit(benchmark::kMillisecond);

void BM_Update(benchmark::State& state) {
  const auto store = NewStore();
  const auto batches = ShuffledKeys(store->table(0).encoder(), state.range(0));
  for (auto _ : state) {
    for (const RowKeys& keys : batches) Update(store->table(0), keys);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_Update)->Arg(10'000)->Arg(1'000'000)->Unit(benchmark::kMillisecond);

// The peer: three numbers per key in the standard map, no copy on write, no snapshots.
struct Counter {
  int64_t count = 0, sum = 0, max = 0;
};

void BM_UnorderedMapInsert(benchmark::State& state) {
  const auto batches = ShuffledKeys(NewStore()->table(0).encoder(), state.range(0));
  for (auto _ : state) {
    std::unordered_map<std::string, Counter> map;
    for (const RowKeys& keys : batches) {
      for (int64_t i = 0; i < keys.size(); ++i) {
        Counter& counter = map[std::string(keys.key(i))];
        ++counter.count;
        counter.sum += 7;
      }
    }
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_UnorderedMapInsert)->Arg(10'000)->Arg(1'000'000)->Unit(benchmark::kMillisecond);

// The stall of a barrier, then the rate of updates while the snapshot is held. Argument: rows; 16
// million are a gigabyte.
void BM_Freeze(benchmark::State& state) {
  const auto store = NewStore();
  const auto batches = ShuffledKeys(store->table(0).encoder(), state.range(0));
  for (const RowKeys& keys : batches) Update(store->table(0), keys);
  double updates_s = 0;
  for (auto _ : state) {
    auto snapshot = store->Freeze().ValueOrDie();
    state.PauseTiming();
    const auto start = std::chrono::steady_clock::now();
    for (const RowKeys& keys : batches) Update(store->table(0), keys);
    updates_s += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    snapshot.reset();
    state.ResumeTiming();
  }
  state.counters["megabytes"] = static_cast<double>(store->memory_bytes()) / 1e6;
  state.counters["updates_per_s_while_held"] =
      static_cast<double>(state.iterations() * state.range(0)) / updates_s;
}
BENCHMARK(BM_Freeze)->Arg(1'000'000)->Arg(16'000'000)->Unit(benchmark::kMillisecond)->Iterations(5);

}  // namespace
}  // namespace millrace

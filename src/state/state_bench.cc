#include <algorithm>
#include <chrono>
#include <cstdint>
#include <numeric>
#include <random>
#include <string>
#include <unordered_map>
#include <utility>

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/record_batch.h>
#include <benchmark/benchmark.h>

#include "state/state.h"
#include "types/row_keys.h"

namespace millrace {
namespace {

constexpr int64_t kBatch = 1024;

void Must(const Status& status) {
  if (!status.ok()) status.Abort();
}

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
    Must(encoder.Encode(*RowsOf({at, end}), &batch));
    batches.push_back(std::move(batch));
  }
  return batches;
}

std::unique_ptr<StateStore> NewStore() {
  return MakeMemoryStateStore("bench", {Counters()}, 0, 1, 128).ValueOrDie();
}

// With memory for all rows of the smaller runs and a tenth of those of the larger ones.
std::unique_ptr<StateStore> NewRocksStore() {
  const RocksOptions options{"/tmp", int64_t{16} << 20};
  return MakeRocksStateStore("bench", {Counters()}, 0, 1, 128, options).ValueOrDie();
}

void Update(KeyedTable& table, const RowKeys& keys) {
  static std::vector<Slot> slots;
  static std::vector<uint8_t> inserted;
  slots.resize(keys.hashes.size());
  inserted.resize(slots.size());
  Must(table.FindOrInsert(keys, slots, inserted));
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

void BM_RocksInsert(benchmark::State& state) {
  const auto batches = ShuffledKeys(NewStore()->table(0).encoder(), state.range(0));
  for (auto _ : state) {
    const auto store = NewRocksStore();
    for (const RowKeys& keys : batches) {
      Must(store->BeginCall(1));
      Update(store->table(0), keys);
    }
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_RocksInsert)->Arg(10'000)->Arg(1'000'000)->Unit(benchmark::kMillisecond);

void BM_RocksUpdate(benchmark::State& state) {
  const auto store = NewRocksStore();
  const auto batches = ShuffledKeys(store->table(0).encoder(), state.range(0));
  for (auto _ : state) {
    for (const RowKeys& keys : batches) {
      Must(store->BeginCall(1));
      Update(store->table(0), keys);
    }
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_RocksUpdate)->Arg(10'000)->Arg(1'000'000)->Unit(benchmark::kMillisecond);

// The limits: three numbers per key, no copy on write, no snapshots. First the standard map, then a
// map written for this: open addressing over keys of eight bytes, hashes given.
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

class HandWrittenMap {
 public:
  Counter& At(uint64_t hash, std::string_view key) {
    if (2 * (used_ + 1) > cells_.size()) Grow();
    uint64_t bytes[2] = {};
    key.copy(reinterpret_cast<char*>(bytes), sizeof bytes);
    for (size_t i = hash & (cells_.size() - 1);; i = (i + 1) & (cells_.size() - 1)) {
      Cell& cell = cells_[i];
      if (cell.hash == 0) {
        ++used_;
        cell.hash = hash | 1;
        cell.key[0] = bytes[0];
        cell.key[1] = bytes[1];
        return cell.counter;
      }
      if (cell.hash == (hash | 1) && cell.key[0] == bytes[0] && cell.key[1] == bytes[1]) {
        return cell.counter;
      }
    }
  }

 private:
  struct Cell {
    uint64_t hash = 0;  ///< 0: free
    uint64_t key[2] = {};
    Counter counter;
  };
  void Grow() {
    const auto old =
        std::exchange(cells_, std::vector<Cell>(std::max<size_t>(64, 2 * cells_.size())));
    for (const Cell& cell : old) {
      if (cell.hash == 0) continue;
      size_t i = cell.hash & (cells_.size() - 1) & ~size_t{1};
      while (cells_[i].hash != 0) i = (i + 1) & (cells_.size() - 1);
      cells_[i] = cell;
    }
  }

  std::vector<Cell> cells_;
  size_t used_ = 0;
};

void UpdateByHand(HandWrittenMap& map, const RowKeys& keys) {
  for (int64_t i = 0; i < keys.size(); ++i) {
    Counter& counter = map.At(keys.hashes[static_cast<size_t>(i)] & ~uint64_t{1}, keys.key(i));
    ++counter.count;
    counter.sum += 7;
  }
}

void BM_ByHandInsert(benchmark::State& state) {
  const auto batches = ShuffledKeys(NewStore()->table(0).encoder(), state.range(0));
  for (auto _ : state) {
    HandWrittenMap map;
    for (const RowKeys& keys : batches) UpdateByHand(map, keys);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_ByHandInsert)->Arg(10'000)->Arg(1'000'000)->Unit(benchmark::kMillisecond);

void BM_ByHandUpdate(benchmark::State& state) {
  const auto batches = ShuffledKeys(NewStore()->table(0).encoder(), state.range(0));
  HandWrittenMap map;
  for (auto _ : state) {
    for (const RowKeys& keys : batches) UpdateByHand(map, keys);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_ByHandUpdate)->Arg(10'000)->Arg(1'000'000)->Unit(benchmark::kMillisecond);

// A store from the parts of another one.
void BM_Restore(benchmark::State& state) {
  std::vector<std::pair<PartId, std::string>> parts;
  {
    const auto store = NewStore();
    const auto batches = ShuffledKeys(store->table(0).encoder(), state.range(0));
    for (const RowKeys& keys : batches) Update(store->table(0), keys);
    const auto snapshot = store->Freeze().ValueOrDie();
    for (const PartId& id : snapshot->parts()) {
      Must(snapshot->Write(id, &parts.emplace_back(id, std::string()).second));
    }
  }
  for (auto _ : state) {
    const auto store = NewStore();
    for (const auto& [id, bytes] : parts) Must(store->RestorePart(id, 1, bytes));
    benchmark::DoNotOptimize(store->memory_bytes());
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_Restore)->Arg(1'000'000)->Arg(4'000'000)->Unit(benchmark::kMillisecond);

// The stall of a barrier over a hundred snapshots, each held while some rows are written. Argument:
// rows; 16 million are a gigabyte.
void BM_Freeze(benchmark::State& state) {
  const auto store = NewStore();
  const auto batches = ShuffledKeys(store->table(0).encoder(), state.range(0));
  for (const RowKeys& keys : batches) Update(store->table(0), keys);
  using Seconds = std::chrono::duration<double>;
  std::vector<double> pauses_ms;
  double updates_s = 0;
  size_t at = 0;
  constexpr size_t kBatches = 200;  // between two barriers
  for (auto _ : state) {
    const auto start = std::chrono::steady_clock::now();  // allowed: a benchmark
    auto snapshot = store->Freeze().ValueOrDie();
    const auto frozen = std::chrono::steady_clock::now();  // allowed: a benchmark
    for (size_t i = 0; i < kBatches; ++i) Update(store->table(0), batches[at++ % batches.size()]);
    updates_s += Seconds(std::chrono::steady_clock::now() - frozen).count();  // allowed: as above
    pauses_ms.push_back(1e3 * Seconds(frozen - start).count());
    state.SetIterationTime(Seconds(frozen - start).count());
  }
  std::sort(pauses_ms.begin(), pauses_ms.end());
  state.counters["megabytes"] = static_cast<double>(store->memory_bytes()) / 1e6;
  state.counters["p99_ms"] = pauses_ms[pauses_ms.size() * 99 / 100];
  state.counters["max_ms"] = pauses_ms.back();
  state.counters["updates_per_s_while_held"] =
      static_cast<double>(state.iterations() * kBatches * kBatch) / updates_s;
}
BENCHMARK(BM_Freeze)
    ->Arg(1'000'000)
    ->Arg(16'000'000)
    ->Unit(benchmark::kMillisecond)
    ->UseManualTime()
    ->Iterations(100);

}  // namespace
}  // namespace millrace

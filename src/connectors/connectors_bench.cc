#include <benchmark/benchmark.h>

#include "connectors/datagen.h"
#include "connectors/fake_world.h"
#include "connectors/nexmark.h"
#include "connectors/nexmark_events.h"

namespace millrace {
namespace {

constexpr int64_t kBatch = 8192;

void Generate(benchmark::State& state, const std::string& connector, const Schema& schema,
              const OptionMap& options) {
  FakeServices services;
  services.all.connectors.Add(DatagenConnector());
  services.all.connectors.Add(NexmarkConnector());
  const auto table = *TestTable::Make(services, connector, schema, options);
  const auto reader = *table->Reader(*table->Splits());
  for (auto _ : state) benchmark::DoNotOptimize(reader->PollNext(kBatch, 1 << 20)->rows.rows);
  state.SetItemsProcessed(state.iterations() * kBatch);
}

Schema BidsOnly() {
  const auto bid = NexmarkSchema().column(3);
  return Schema({{"event_type", SqlType::Int(), {}}, bid, {"dateTime", SqlType::Timestamp(3), {}}});
}

const Schema kNumbers({{"id", SqlType::BigInt(), {}}, {"v", SqlType::Double(), {}}});
const Schema kTexts({{"id", SqlType::BigInt(), {}}, {"s", SqlType::String(), {}}});
const OptionMap kUnlimited = {{"rows-per-second", "0"}};

BENCHMARK_CAPTURE(Generate, datagen_numbers, "datagen", kNumbers, kUnlimited);
BENCHMARK_CAPTURE(Generate, datagen_texts, "datagen", kTexts, kUnlimited);
BENCHMARK_CAPTURE(Generate, nexmark_bids, "nexmark", BidsOnly(), {});
BENCHMARK_CAPTURE(Generate, nexmark_all, "nexmark", NexmarkSchema(), {});

}  // namespace
}  // namespace millrace

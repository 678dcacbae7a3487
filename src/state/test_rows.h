#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/array.h>
#include <arrow/json/from_string.h>
#include <arrow/record_batch.h>
#include <gtest/gtest.h>

#include "state/state.h"
#include "types/key_group.h"
#include "types/row_keys.h"

namespace millrace {

#define ASSERT_STATUS_OK(expression)                 \
  do {                                               \
    const ::millrace::Status status_ = (expression); \
    ASSERT_TRUE(status_.ok()) << status_.ToString(); \
  } while (false)

/// Rows of `schema` from JSON: `[[1, "a"], [2, null]]`. For tests.
inline std::shared_ptr<arrow::RecordBatch> RowsOf(const Schema& schema, const std::string& json) {
  const auto arrow_schema = schema.ToArrow();
  const auto rows = arrow::json::ArrayFromJSONString(arrow::struct_(arrow_schema->fields()), json);
  EXPECT_TRUE(rows.ok()) << rows.status().ToString();
  const auto& fields = static_cast<const arrow::StructArray&>(**rows).fields();
  return arrow::RecordBatch::Make(arrow_schema, (*rows)->length(), fields);
}

inline RowKeys KeysOf(const KeyEncoder& encoder, const arrow::RecordBatch& rows) {
  RowKeys keys;
  const Status status = encoder.Encode(rows, &keys);
  EXPECT_TRUE(status.ok()) << status.ToString();
  return keys;
}

/// The slots of `keys`, inserted where they are new.
inline std::vector<Slot> SlotsOf(KeyedTable& table, const RowKeys& keys) {
  std::vector<Slot> slots(keys.hashes.size());
  std::vector<uint8_t> inserted(slots.size());
  const Status status = table.FindOrInsert(keys, slots, inserted);
  EXPECT_TRUE(status.ok()) << status.ToString();
  return slots;
}

struct WrittenPart {
  PartId id;
  std::string bytes;
};

inline std::vector<WrittenPart> WriteAll(const StateSnapshot& snapshot) {
  std::vector<WrittenPart> written;
  for (const PartId& id : snapshot.parts()) {
    written.push_back({id, {}});
    const Status status = snapshot.Write(id, &written.back().bytes);
    EXPECT_TRUE(status.ok()) << status.ToString();
  }
  return written;
}

/// The backends that the tests of state run over.
enum class TestBackend { kMemory, kRocks };

inline std::string NameOf(TestBackend backend) {
  return backend == TestBackend::kMemory ? "Memory" : "Rocks";
}

/// RocksDB with so little memory that tables of some hundred rows do not fit.
inline RocksOptions SmallRocks() { return {testing::TempDir(), 64 << 10}; }

inline std::unique_ptr<StateStore> MakeTestStore(TestBackend backend, std::vector<StateSpec> specs,
                                                 int subtask, int parallelism,
                                                 int max_parallelism) {
  auto store =
      backend == TestBackend::kMemory
          ? MakeMemoryStateStore("node", std::move(specs), subtask, parallelism, max_parallelism)
          : MakeRocksStateStore("node", std::move(specs), subtask, parallelism, max_parallelism,
                                SmallRocks());
  EXPECT_TRUE(store.ok()) << store.status().ToString();
  return std::move(*store);
}

/// Stores of `parallelism` subtasks, each with the parts of a snapshot that it owns.
inline std::vector<std::unique_ptr<StateStore>> RestoreAt(TestBackend backend, int parallelism,
                                                          int max_parallelism,
                                                          const std::vector<StateSpec>& specs,
                                                          const std::vector<WrittenPart>& parts) {
  std::vector<std::unique_ptr<StateStore>> stores;
  for (int i = 0; i < parallelism; ++i) {
    auto store = MakeTestStore(backend, specs, i, parallelism, max_parallelism);
    const KeyGroupRange range = KeyGroupRangeOf(i, parallelism, max_parallelism);
    std::map<std::string, int> lists;
    for (const WrittenPart& part : parts) {
      if (part.id.group && !part.id.everywhere && !range.Contains(*part.id.group)) continue;
      const ItemShare share{i, parallelism, lists[part.id.state]++, true};
      const Status status = store->RestorePart(part.id, 1, part.bytes, share);
      EXPECT_TRUE(status.ok()) << status.ToString();
    }
    stores.push_back(std::move(store));
  }
  return stores;
}

}  // namespace millrace

// Damaged parts of a snapshot are refused or read; they never crash. The first bytes choose the
// state and what is damaged of a part that is really one; without damage it must be read.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include <arrow/array.h>
#include <arrow/json/from_string.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "state/state.h"

namespace millrace {
namespace {

void Must(const Status& status) {
  if (!status.ok()) status.Abort();
}

std::vector<StateSpec> Specs() {
  std::vector<StateSpec> specs(3);
  specs[0].name = "table";
  specs[1].name = "log";
  specs[1].kind = StateKind::kLog;
  specs[2].name = "items";
  specs[2].kind = StateKind::kItems;
  for (int i = 0; i < 2; ++i) {
    specs[static_cast<size_t>(i)].key.Add("id", SqlType::BigInt());
    specs[static_cast<size_t>(i)].value.Add("n", SqlType::Int());
    specs[static_cast<size_t>(i)].value.Add("text", SqlType::String());
    specs[static_cast<size_t>(i)].value.Add("list", SqlType::Array(SqlType::Int()));
    specs[static_cast<size_t>(i)].ttl_us = 1'000'000;
  }
  return specs;
}

std::unique_ptr<StateStore> NewStore() {
  return MakeMemoryStateStore("node", Specs(), 0, 1, 1).ValueOrDie();
}

std::shared_ptr<arrow::RecordBatch> RowsOf(const Schema& schema, const std::string& json) {
  const auto rows =
      arrow::json::ArrayFromJSONString(arrow::struct_(schema.ToArrow()->fields()), json)
          .ValueOrDie();
  return arrow::RecordBatch::Make(schema.ToArrow(), rows->length(),
                                  static_cast<const arrow::StructArray&>(*rows).fields());
}

struct Part {
  PartId id;
  std::string bytes;
};

std::vector<Part> Written() {
  const auto store = NewStore();
  KeyedTable& table = store->table(0);
  const Schema values = Specs()[0].value;
  const auto rows = RowsOf(values, R"([[1, "a", [1, null]], [null, null, null]])");
  RowKeys keys;
  Must(table.encoder().Encode(*RowsOf(Specs()[0].key, "[[1], [2]]"), &keys));
  std::vector<Slot> slots(2);
  std::vector<uint8_t> inserted(2);
  Must(table.FindOrInsert(keys, slots, inserted));
  for (int c = 0; c < values.size(); ++c) Must(table.Set(c, slots, *rows->column(c)));
  const std::vector<EventTime> times = {{5}, {4}};
  Must(store->log(1).Append(keys, times, *rows));
  Must(store->items(2).Put(1, {rows, nullptr, 0}, "header"));
  std::vector<Part> parts;
  const auto snapshot = store->Freeze().ValueOrDie();
  for (const PartId& id : snapshot->parts()) {
    parts.push_back({id, {}});
    Must(snapshot->Write(id, &parts.back().bytes));
  }
  return parts;
}

// What was read can be frozen and written again.
void Read(const PartId& id, std::string_view bytes, bool must_succeed) {
  const auto store = NewStore();
  const Status read = store->RestorePart(id, 1, bytes);
  if (must_succeed) Must(read);
  if (!read.ok()) return;
  const auto snapshot = store->Freeze().ValueOrDie();
  std::string again;
  for (const PartId& part : snapshot->parts()) Must(snapshot->Write(part, &again));
}

}  // namespace
}  // namespace millrace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto* parts = new std::vector<millrace::Part>(millrace::Written());
  if (size == 0) return 0;
  const millrace::Part& part = (*parts)[data[0] % parts->size()];
  std::string bytes = part.bytes;
  // Triples: where, and what to put there.
  for (size_t i = 1; i + 2 < size; i += 3) {
    bytes[(data[i] | size_t{data[i + 1]} << 8) % bytes.size()] = static_cast<char>(data[i + 2]);
  }
  millrace::Read(part.id, bytes, bytes == part.bytes);
  millrace::Read(part.id, {reinterpret_cast<const char*>(data) + 1, size - 1}, false);
  return 0;
}

#include "state/memory_items.h"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/builder.h>
#include <arrow/io/memory.h>
#include <arrow/ipc/reader.h>
#include <arrow/ipc/writer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

namespace millrace {
namespace {

constexpr const char* kKindColumn = "millrace.kind";

// The batches of one list may differ in schema (or have none): each is a stream of its own.
arrow::FieldVector ItemFields() {
  return {arrow::field("id", arrow::uint64()), arrow::field("header", arrow::binary()),
          arrow::field("rows", arrow::binary()), arrow::field("ingest_us", arrow::int64())};
}

Result<std::string> WriteRows(const Batch& batch) {
  if (!batch.rows) return std::string();
  auto rows = batch.rows;
  if (batch.kinds) {
    ARROW_ASSIGN_OR_RAISE(rows, rows->AddColumn(rows->num_columns(), kKindColumn, batch.kinds));
  }
  ARROW_ASSIGN_OR_RAISE(auto stream, arrow::io::BufferOutputStream::Create());
  ARROW_ASSIGN_OR_RAISE(auto writer, arrow::ipc::MakeStreamWriter(stream, rows->schema()));
  ARROW_RETURN_NOT_OK(writer->WriteRecordBatch(*rows));
  ARROW_RETURN_NOT_OK(writer->Close());
  ARROW_ASSIGN_OR_RAISE(auto buffer, stream->Finish());
  return buffer->ToString();
}

Result<Batch> ReadRows(std::string_view bytes) {
  if (bytes.empty()) return Batch{};
  auto input = arrow::io::BufferReader::FromString(std::string(bytes));
  ARROW_ASSIGN_OR_RAISE(auto reader, arrow::ipc::RecordBatchStreamReader::Open(input.get()));
  Batch batch;
  ARROW_RETURN_NOT_OK(reader->ReadNext(&batch.rows));
  if (!batch.rows) return Error::Data("an item's rows are missing");
  ARROW_RETURN_NOT_OK(batch.rows->ValidateFull());
  const int last = batch.rows->num_columns() - 1;
  if (last < 0 || batch.rows->column_name(last) != kKindColumn) return batch;
  if (batch.rows->column(last)->type_id() != arrow::Type::INT8) {
    return Error::Data("an item's row kinds are not bytes");
  }
  batch.kinds = std::static_pointer_cast<arrow::Int8Array>(batch.rows->column(last));
  ARROW_ASSIGN_OR_RAISE(batch.rows, batch.rows->RemoveColumn(last));
  return batch;
}

int64_t BytesOf(const Item& item) {
  return static_cast<int64_t>(sizeof(Item) + item.header.size()) +
         (item.rows.rows ? item.rows.size_bytes() : 0);
}

/// Shares the items.
struct FrozenItems final : FrozenState {
  FrozenItems(Items frozen_items, uint64_t frozen_version)
      : items(std::move(frozen_items)), changes(frozen_version) {}

  std::vector<KeyGroup> groups() const override { return {}; }
  uint64_t version(KeyGroup) const override { return changes; }
  Status Write(const PartHeader& header, KeyGroup group, std::string* out) const override;

  const Items items;
  const uint64_t changes;
};

Status FrozenItems::Write(const PartHeader& header, KeyGroup, std::string* out) const {
  ARROW_ASSIGN_OR_RAISE(auto writer, PartWriter::Make(header, ItemFields()));
  arrow::UInt64Builder ids;
  arrow::BinaryBuilder headers, rows;
  arrow::Int64Builder ingests;
  for (const auto& [id, item] : items) {
    ARROW_RETURN_NOT_OK(ids.Append(id));
    ARROW_RETURN_NOT_OK(headers.Append(item->header));
    ARROW_ASSIGN_OR_RAISE(const std::string bytes, WriteRows(item->rows));
    ARROW_RETURN_NOT_OK(rows.Append(bytes));
    ARROW_RETURN_NOT_OK(ingests.Append(item->rows.ingest_us));
  }
  arrow::ArrayVector columns(4);
  ARROW_RETURN_NOT_OK(ids.Finish(&columns[0]));
  ARROW_RETURN_NOT_OK(headers.Finish(&columns[1]));
  ARROW_RETURN_NOT_OK(rows.Finish(&columns[2]));
  ARROW_RETURN_NOT_OK(ingests.Finish(&columns[3]));
  ARROW_RETURN_NOT_OK(writer->Write(columns));
  return writer->Finish(out);
}

}  // namespace

Result<std::shared_ptr<const FrozenState>> MemoryItems::Freeze() {
  return std::make_shared<const FrozenItems>(items_, version_);
}

Status MemoryItems::Put(uint64_t id, Batch rows, std::string header) {
  ARROW_RETURN_NOT_OK(Remove(id));
  auto item = std::make_shared<const Item>(Item{std::move(rows), std::move(header)});
  bytes_ += BytesOf(*item);
  ++version_;
  items_.emplace(id, std::move(item));
  return Status::OK();
}

Status MemoryItems::Remove(uint64_t id) {
  const auto found = items_.find(id);
  if (found == items_.end()) return Status::OK();
  bytes_ -= BytesOf(*found->second);
  items_.erase(found);
  ++version_;
  return Status::OK();
}

Status MemoryItems::ForEach(
    const std::function<Status(uint64_t id, const Batch& rows, const std::string& header)>& visit) {
  // A copy: the visitor may put and remove.
  for (const auto& [id, item] : Items(items_)) {
    ARROW_RETURN_NOT_OK(visit(id, item->rows, item->header));
  }
  return Status::OK();
}

Status MemoryItems::Restore(const PartHeader& expected, std::string_view bytes, ItemShare share) {
  const bool dealt = one_by_one_ && share.rescaled;
  if (!dealt && share.written_by % share.of != share.index) return Status::OK();
  const auto visit = [&](const arrow::RecordBatch& rows) -> Status {
    const auto& headers = static_cast<const arrow::BinaryArray&>(*rows.column(1));
    const auto& streams = static_cast<const arrow::BinaryArray&>(*rows.column(2));
    const auto& ingests = static_cast<const arrow::Int64Array&>(*rows.column(3));
    for (int64_t i = 0; i < rows.num_rows(); ++i) {
      if (dealt && dealt_++ % share.of != share.index) continue;
      ARROW_ASSIGN_OR_RAISE(Batch batch, ReadRows(streams.GetView(i)));
      batch.ingest_us = ingests.Value(i);
      ARROW_RETURN_NOT_OK(Put(items_.size() + 1, std::move(batch), headers.GetString(i)));
    }
    return Status::OK();
  };
  return ReadPart(expected, ItemFields(), bytes, visit);
}

}  // namespace millrace

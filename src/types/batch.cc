#include "types/batch.h"

#include <algorithm>

#include <arrow/array.h>
#include <arrow/array/concatenate.h>
#include <arrow/compute/api_vector.h>
#include <arrow/datum.h>
#include <arrow/record_batch.h>
#include <arrow/table.h>
#include <arrow/type.h>
#include <arrow/util/byte_size.h>

namespace millrace {
namespace {

std::shared_ptr<arrow::Int8Array> AllInserts(int64_t rows) {
  auto buffer = arrow::AllocateBuffer(rows);
  std::fill_n((*buffer)->mutable_data(), rows, static_cast<uint8_t>(RowKind::kInsert));
  return std::make_shared<arrow::Int8Array>(rows,
                                            std::shared_ptr<arrow::Buffer>(std::move(*buffer)));
}

/// The sides of a union may differ in what they call nullable.
std::shared_ptr<arrow::RecordBatch> WithSchema(const std::shared_ptr<arrow::RecordBatch>& rows,
                                               const std::shared_ptr<arrow::Schema>& schema) {
  if (rows->schema() == schema) return rows;
  return arrow::RecordBatch::Make(schema, rows->num_rows(), rows->columns());
}

}  // namespace

int64_t Batch::num_rows() const { return rows ? rows->num_rows() : 0; }

int64_t Batch::size_bytes() const {
  if (!rows) return 0;
  const auto bytes = arrow::util::ReferencedBufferSize(*rows);
  return (bytes.ok() ? *bytes : 0) + (kinds ? kinds->length() : 0);
}

Batch Batch::Slice(int64_t offset, int64_t length) const {
  Batch out = *this;
  out.rows = rows->Slice(offset, length);
  if (kinds) out.kinds = std::static_pointer_cast<arrow::Int8Array>(kinds->Slice(offset, length));
  return out;
}

Result<Batch> Batch::Take(const arrow::Int32Array& indices) const {
  const arrow::Datum which(indices.data());
  const auto options = arrow::compute::TakeOptions::NoBoundsCheck();
  ARROW_ASSIGN_OR_RAISE(const auto taken, arrow::compute::Take(arrow::Datum(rows), which, options));
  Batch out = *this;
  out.rows = taken.record_batch();
  if (kinds) {
    ARROW_ASSIGN_OR_RAISE(const auto taken_kinds,
                          arrow::compute::Take(arrow::Datum(kinds), which, options));
    out.kinds = std::static_pointer_cast<arrow::Int8Array>(taken_kinds.make_array());
  }
  return out;
}

Result<Batch> Concatenate(const std::vector<Batch>& batches) {
  if (batches.empty()) return Batch();
  if (batches.size() == 1) return batches[0];
  Batch out;
  arrow::RecordBatchVector rows;
  for (const Batch& batch : batches) {
    rows.push_back(WithSchema(batch.rows, batches[0].rows->schema()));
    const bool older =
        batch.ingest_us != 0 && (out.ingest_us == 0 || batch.ingest_us < out.ingest_us);
    if (older) out.ingest_us = batch.ingest_us;
  }
  ARROW_ASSIGN_OR_RAISE(out.rows, arrow::ConcatenateRecordBatches(rows));
  if (std::none_of(batches.begin(), batches.end(),
                   [](const Batch& b) { return b.kinds != nullptr; }))
    return out;
  arrow::ArrayVector kinds;
  for (const Batch& batch : batches) {
    kinds.push_back(batch.kinds ? batch.kinds : AllInserts(batch.num_rows()));
  }
  ARROW_ASSIGN_OR_RAISE(const auto all, arrow::Concatenate(kinds));
  out.kinds = std::static_pointer_cast<arrow::Int8Array>(all);
  return out;
}

}  // namespace millrace

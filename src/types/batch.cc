#include "types/batch.h"

#include <algorithm>

#include <arrow/array.h>
#include <arrow/array/concatenate.h>
#include <arrow/compute/api_vector.h>
#include <arrow/datum.h>
#include <arrow/record_batch.h>
#include <arrow/table.h>
#include <arrow/type.h>
#include <arrow/type_traits.h>
#include <arrow/util/bit_util.h>

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

/// Bytes of `length` rows of the array from `first` on.
int64_t BytesOf(const arrow::ArrayData& data, int64_t first, int64_t length) {
  first += data.offset;
  int64_t bytes = data.buffers[0] ? arrow::bit_util::BytesForBits(length) : 0;
  const arrow::Type::type type = data.type->id();
  if (type == arrow::Type::STRUCT) {
    for (const auto& field : data.child_data) bytes += BytesOf(*field, first, length);
  } else if (type == arrow::Type::LIST || type == arrow::Type::MAP || arrow::is_binary_like(type)) {
    const auto* offsets = data.GetValues<int32_t>(1, first);
    bytes += (length + 1) * static_cast<int64_t>(sizeof(int32_t));
    const int64_t inside = length == 0 ? 0 : offsets[length] - offsets[0];
    bytes += data.child_data.empty() ? inside
             : inside == 0           ? 0
                                     : BytesOf(*data.child_data[0], offsets[0], inside);
  } else if (arrow::is_fixed_width(type)) {
    bytes += arrow::bit_util::BytesForBits(length * data.type->bit_width());
  }
  return bytes;
}

}  // namespace

int64_t Batch::num_rows() const { return rows ? rows->num_rows() : 0; }

int64_t Batch::size_bytes() const {
  if (!rows) return 0;
  int64_t bytes = kinds ? kinds->length() : 0;
  for (const auto& column : rows->column_data()) bytes += BytesOf(*column, 0, column->length);
  return bytes;
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

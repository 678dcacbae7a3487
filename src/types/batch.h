#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <arrow/type_fwd.h>

#include "base/error.h"
#include <millrace/row_kind.h>

namespace millrace {

/// How a stream changes what it said before.
enum class ChangelogMode : uint8_t {
  kAppend,   ///< inserts only
  kUpsert,   ///< +U and -D by key, no update-before
  kRetract,  ///< every change takes back the row before
};

/// Rows that travel together: columns and, for a changelog, a kind per row. Shared and immutable.
struct Batch {
  std::shared_ptr<arrow::RecordBatch> rows;
  std::shared_ptr<arrow::Int8Array> kinds;  ///< RowKind per row; null: all inserts
  int64_t ingest_us = 0;  ///< wall clock when the oldest row entered the engine; 0: unknown

  int64_t num_rows() const;
  bool empty() const { return num_rows() == 0; }
  /// Bytes of the buffers that the batch refers to, sliced.
  int64_t size_bytes() const;

  Batch Slice(int64_t offset, int64_t length) const;
  /// Rows `indices` (int32), kinds included.
  Result<Batch> Take(const arrow::Int32Array& indices) const;
};

/// One batch of them all. All have the same schema; kinds are filled in where some have them.
Result<Batch> Concatenate(const std::vector<Batch>& batches);

}  // namespace millrace

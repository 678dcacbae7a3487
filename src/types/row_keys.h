#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/type_fwd.h>

#include "types/schema.h"

namespace millrace {

/// The keys of a batch: one byte string and one hash per row. Reused from batch to batch.
struct RowKeys {
  std::vector<char> bytes;
  std::vector<uint32_t> offsets;      ///< rows + 1
  std::vector<uint64_t> hashes;       ///< of the whole key; the state's index uses them
  std::vector<int32_t> group_hashes;  ///< of the first `group_columns`; chooses the key group

  int64_t size() const { return static_cast<int64_t>(hashes.size()); }
  std::string_view key(int64_t row) const {
    return {bytes.data() + offsets[static_cast<size_t>(row)],
            offsets[static_cast<size_t>(row) + 1] - offsets[static_cast<size_t>(row)]};
  }
};

/// Encodes key columns to bytes and back. Equal keys (NULL = NULL, -0.0 = 0.0, NaN = NaN) have
/// equal bytes. The encoding and the hashes are part of the checkpoint format: they never change.
/// Immutable; thread-safe.
class KeyEncoder {
 public:
  /// `columns` of `schema` in key order. ARRAY and MAP are refused; ROW is encoded field by field.
  /// `group_columns`: how many leading key columns choose the key group; all by default.
  static Result<KeyEncoder> Make(const Schema& schema, std::vector<int> columns,
                                 int group_columns = -1);

  Status Encode(const arrow::RecordBatch& rows, RowKeys* out) const;
  /// The key columns of encoded keys, in key order.
  Result<std::shared_ptr<arrow::RecordBatch>> Decode(std::span<const std::string_view> keys) const;

  const Schema& key_schema() const { return key_schema_; }
  const std::vector<int>& columns() const { return columns_; }

 private:
  std::vector<int> columns_;
  int group_columns_ = 0;
  Schema key_schema_;
};

}  // namespace millrace

#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include <arrow/type_fwd.h>

#include "plan/nodes.h"
#include "types/schema.h"

namespace millrace {

/// The sort keys of a batch: byte strings that compare (memcmp, then length) as their rows do.
/// Reused from batch to batch.
struct SortKeys {
  std::vector<char> bytes;
  std::vector<size_t> offsets;  ///< rows + 1

  std::string_view key(size_t row) const {
    return {bytes.data() + offsets[row], offsets[row + 1] - offsets[row]};
  }
};

/// Encodes ORDER BY columns. -0.0 equals 0.0, and NaN is above all numbers; text compares by its
/// UTF-8 bytes. Lives in memory only. Immutable; thread-safe.
class SortEncoder {
 public:
  /// A user error for a column whose type has no order: ARRAY, MAP, ROW.
  static Result<SortEncoder> Make(const Schema& schema, std::vector<SortColumn> order);

  void Encode(const arrow::RecordBatch& rows, SortKeys* out) const;

 private:
  explicit SortEncoder(std::vector<SortColumn> order) : order_(std::move(order)) {}

  std::vector<SortColumn> order_;
};

}  // namespace millrace

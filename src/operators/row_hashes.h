#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <arrow/type_fwd.h>

#include "types/row_keys.h"

namespace millrace {

/// Hashes of whole rows, of any types. Live in memory only.
class RowHashes {
 public:
  static Result<RowHashes> Make(const Schema& schema);

  Status Of(const arrow::RecordBatch& rows, std::vector<uint64_t>* hashes);

 private:
  explicit RowHashes(KeyEncoder flat) : flat_(std::move(flat)) {}

  KeyEncoder flat_;
  std::vector<int> nested_;  ///< columns that cannot be keys
  RowKeys keys_;
  std::string bytes_;
};

}  // namespace millrace

#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <arrow/type_fwd.h>

#include "types/batch.h"

namespace millrace {

/// Before and after of some keys: a row of each array per key.
struct KeyChanges {
  arrow::ArrayVector keys;
  arrow::ArrayVector before, after;
  std::vector<uint8_t> existed;  ///< before
  std::vector<uint8_t> exists;   ///< now
};

/// The changelog of the keys: +I, -U and +U (only +U where `upsert`), -D; keys, then values.
/// Nothing for keys that stay as they were.
Result<Batch> ChangelogOf(const KeyChanges& changes, bool upsert,
                          const std::shared_ptr<arrow::Schema>& schema);

}  // namespace millrace

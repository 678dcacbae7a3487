#pragma once

#include <cstdint>

namespace millrace {

/// What a row of a changelog does; Flink's codes.
enum class RowKind : int8_t { kInsert = 0, kUpdateBefore = 1, kUpdateAfter = 2, kDelete = 3 };

}  // namespace millrace

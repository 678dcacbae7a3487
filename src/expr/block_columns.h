#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <arrow/type_fwd.h>

#include "base/error.h"
#include "expr/block.h"

namespace millrace::expr {

/// Runs a block program over whole columns: `inputs` of `rows` values in the order in which they
/// were added, one new column of `types[i]` per output.
Result<std::vector<std::shared_ptr<arrow::Array>>> RunOnColumns(
    const BlockProgram& program, std::span<const std::shared_ptr<arrow::Array>> inputs,
    std::span<const std::shared_ptr<arrow::DataType>> types, int64_t rows);

}  // namespace millrace::expr

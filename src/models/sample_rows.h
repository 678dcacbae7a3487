#pragma once

#include <string>

#include "types/batch.h"
#include "types/schema.h"

namespace millrace {

/// Rows of a model's inputs from JSON lines, an object by column in each; empty lines are left out.
Result<Batch> SampleRows(const Schema& input, const std::string& lines);

}  // namespace millrace

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <arrow/type_fwd.h>

#include "base/error.h"

namespace millrace {

/// Appends the value of `row` (not NULL) as bytes: utf8 and binary as they are, nested types field
/// by field. Only for memory; snapshots hold Arrow columns.
void EncodeValue(const arrow::Array& array, int64_t row, std::string* out);

/// Appends to `builder`, which is of `type`, the value that `EncodeValue` wrote. (A builder of a
/// nested type makes its type anew whenever it is asked.)
Status DecodeValue(const arrow::DataType& type, std::string_view bytes,
                   arrow::ArrayBuilder* builder);

}  // namespace millrace

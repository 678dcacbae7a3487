#pragma once

#include <cstdint>

#include <arrow/type_fwd.h>
#include <nlohmann/json_fwd.hpp>

#include "types/sql_type.h"

namespace millrace::functions {

/// A value as JSON: numbers, booleans and texts as they are, times as their texts, binary in
/// Base64, rows and maps as objects.
nlohmann::ordered_json JsonOf(const SqlType& type, const arrow::Array& values, int64_t row);

}  // namespace millrace::functions

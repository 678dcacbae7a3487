#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/type_fwd.h>
#include <nlohmann/json.hpp>

#include "models/tensor.h"

namespace millrace {

/// The elements as they travel in binary: as they are; BYTES each behind its length (4 bytes,
/// little-endian).
Result<std::shared_ptr<arrow::Buffer>> ToBinary(const Tensor& tensor);
/// Sets `data` or `bytes` of a tensor whose datatype and shape are known.
Status FromBinary(std::shared_ptr<arrow::Buffer> bytes, Tensor* tensor);

/// The elements as a flat JSON array.
Result<nlohmann::json> ToJsonData(const Tensor& tensor);
/// From a JSON array, flat or nested. null is NaN.
Status FromJsonData(const nlohmann::json& data, Tensor* tensor);

}  // namespace millrace

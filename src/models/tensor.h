#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/type_fwd.h>

#include "base/error.h"
#include "types/sql_type.h"

namespace millrace {

/// The datatypes of the Open Inference Protocol.
enum class Datatype : uint8_t {
  kBool,
  kUint8,
  kUint16,
  kUint32,
  kUint64,
  kInt8,
  kInt16,
  kInt32,
  kInt64,
  kFp16,
  kBf16,
  kFp32,
  kFp64,
  kBytes,
};

std::string_view NameOf(Datatype datatype);  ///< "FP32"
std::optional<Datatype> DatatypeNamed(std::string_view name);
/// That holds the values of a column, or of its arrays' innermost elements; none where none does.
std::optional<Datatype> DatatypeFor(const SqlType& type);
int64_t SizeOf(Datatype datatype);  ///< bytes of an element; 0 for BYTES

/// A dense row-major array of a model's input or output. Shared and immutable.
struct Tensor {
  std::string name;
  Datatype datatype = Datatype::kFp32;
  std::vector<int64_t> shape;
  std::shared_ptr<arrow::Buffer>
      data;  ///< little-endian elements, BOOL a byte each; null for BYTES
  std::shared_ptr<arrow::BinaryArray> bytes;  ///< BYTES: its elements, none of them NULL

  int64_t num_elements() const;
};

/// The number of elements of a shape; -1 where a dimension is negative or the product overflows.
int64_t ElementsOf(const std::vector<int64_t>& shape);
std::string ShapeText(const std::vector<int64_t>& shape);  ///< "[2, 3]"

/// The elements of a tensor as an array of the nearest Arrow type: UINT8 … as they are, FP16 and
/// BF16 as float, BYTES as utf8 (ill-formed text repaired). Copies only where the representation
/// differs.
Result<std::shared_ptr<arrow::Array>> ElementsAsArray(const Tensor& tensor);

/// The values of an array without NULLs as elements of `datatype`; `bytes` for BYTES, else `data`
/// is set in `out`. Copies only where the representation differs. Values out of range are
/// undefined: see `CheckElements`.
Status ArrayAsElements(const arrow::Array& values, Datatype datatype, Tensor* out);

/// Why a tensor of `datatype` cannot take the values [begin, end): a NULL, or a number out of its
/// range; else null.
const char* CheckElements(const arrow::Array& values, int64_t begin, int64_t end,
                          Datatype datatype);

}  // namespace millrace

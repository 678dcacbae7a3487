#include "models/tensor.h"

#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <type_traits>

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/builder.h>
#include <arrow/type.h>
#include <arrow/util/bit_util.h>
#include <arrow/util/decimal.h>
#include <arrow/util/float16.h>

#include "base/utf8.h"

namespace millrace {
namespace {

struct Named {
  Datatype datatype;
  std::string_view name;
  int64_t size;
};

constexpr std::array<Named, 14> kDatatypes = {{{Datatype::kBool, "BOOL", 1},
                                               {Datatype::kUint8, "UINT8", 1},
                                               {Datatype::kUint16, "UINT16", 2},
                                               {Datatype::kUint32, "UINT32", 4},
                                               {Datatype::kUint64, "UINT64", 8},
                                               {Datatype::kInt8, "INT8", 1},
                                               {Datatype::kInt16, "INT16", 2},
                                               {Datatype::kInt32, "INT32", 4},
                                               {Datatype::kInt64, "INT64", 8},
                                               {Datatype::kFp16, "FP16", 2},
                                               {Datatype::kBf16, "BF16", 2},
                                               {Datatype::kFp32, "FP32", 4},
                                               {Datatype::kFp64, "FP64", 8},
                                               {Datatype::kBytes, "BYTES", 0}}};

struct Bf16 {
  uint16_t bits;
};
struct Fp16 {
  uint16_t bits;
};

Fp16 ToFp16(float value) { return {arrow::util::Float16::FromFloat(value).bits()}; }

/// Round to nearest, ties to even; NaN stays NaN.
Bf16 ToBf16(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  if (value != value) return {static_cast<uint16_t>((bits >> 16) | 0x40)};
  return {static_cast<uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16)};
}

float ToFloat(uint16_t bits, Datatype datatype) {
  if (datatype == Datatype::kFp16) return arrow::util::Float16::FromBits(bits).ToFloat();
  return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
}

template <class To, class From>
To ConvertOne(From value) {
  if constexpr (std::is_same_v<To, Fp16>) {
    return ToFp16(static_cast<float>(value));
  } else if constexpr (std::is_same_v<To, Bf16>) {
    return ToBf16(static_cast<float>(value));
  } else {
    return static_cast<To>(value);
  }
}

template <class To, class From>
void ConvertAll(const arrow::ArrayData& from, To* out) {
  const From* values = from.GetValues<From>(1);
  for (int64_t i = 0; i < from.length; ++i) out[i] = ConvertOne<To>(values[i]);
}

template <class To>
Status Convert(const arrow::Array& from, To* out) {
  const arrow::ArrayData& data = *from.data();
  switch (from.type_id()) {
    case arrow::Type::INT8:
      ConvertAll<To, int8_t>(data, out);
      break;
    case arrow::Type::INT16:
      ConvertAll<To, int16_t>(data, out);
      break;
    case arrow::Type::INT32:
      ConvertAll<To, int32_t>(data, out);
      break;
    case arrow::Type::INT64:
      ConvertAll<To, int64_t>(data, out);
      break;
    case arrow::Type::FLOAT:
      ConvertAll<To, float>(data, out);
      break;
    case arrow::Type::DOUBLE:
      ConvertAll<To, double>(data, out);
      break;
    case arrow::Type::BOOL:
      for (int64_t i = 0; i < data.length; ++i) {
        out[i] = ConvertOne<To>(static_cast<uint8_t>(
            arrow::bit_util::GetBit(data.buffers[1]->data(), data.offset + i)));
      }
      break;
    case arrow::Type::DECIMAL128: {
      const auto& decimals = static_cast<const arrow::Decimal128Array&>(from);
      for (int64_t i = 0; i < data.length; ++i) {
        out[i] = ConvertOne<To>(arrow::Decimal128(decimals.Value(i)).low_bits());
      }
      break;
    }
    default:
      return Error::Internal("no tensor is made of " + from.type()->ToString());
  }
  return Status::OK();
}

template <class To>
Result<std::shared_ptr<arrow::Buffer>> Converted(const arrow::Array& from) {
  ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> out,
                        arrow::AllocateBuffer(from.length() * static_cast<int64_t>(sizeof(To))));
  ARROW_RETURN_NOT_OK(Convert(from, reinterpret_cast<To*>(out->mutable_data())));
  return out;
}

/// The datatype whose elements lie in memory as the values of an Arrow type do.
std::optional<Datatype> SameLayout(arrow::Type::type type) {
  switch (type) {
    case arrow::Type::INT8:
      return Datatype::kInt8;
    case arrow::Type::INT16:
      return Datatype::kInt16;
    case arrow::Type::INT32:
      return Datatype::kInt32;
    case arrow::Type::INT64:
      return Datatype::kInt64;
    case arrow::Type::FLOAT:
      return Datatype::kFp32;
    case arrow::Type::DOUBLE:
      return Datatype::kFp64;
    default:
      return std::nullopt;
  }
}

std::shared_ptr<arrow::DataType> ArrowTypeOf(Datatype datatype) {
  switch (datatype) {
    case Datatype::kBool:
      return arrow::boolean();
    case Datatype::kUint8:
      return arrow::uint8();
    case Datatype::kUint16:
      return arrow::uint16();
    case Datatype::kUint32:
      return arrow::uint32();
    case Datatype::kUint64:
      return arrow::uint64();
    case Datatype::kInt8:
      return arrow::int8();
    case Datatype::kInt16:
      return arrow::int16();
    case Datatype::kInt32:
      return arrow::int32();
    case Datatype::kInt64:
      return arrow::int64();
    case Datatype::kFp64:
      return arrow::float64();
    case Datatype::kBytes:
      return arrow::utf8();
    default:
      return arrow::float32();
  }
}

Result<std::shared_ptr<arrow::Array>> TextOf(const arrow::BinaryArray& bytes) {
  auto data = bytes.data()->Copy();
  data->type = arrow::utf8();
  auto text = std::make_shared<arrow::StringArray>(std::move(data));
  if (text->ValidateUTF8().ok()) return text;
  arrow::StringBuilder repaired;
  for (int64_t i = 0; i < bytes.length(); ++i) {
    ARROW_RETURN_NOT_OK(repaired.Append(ValidUtf8(bytes.GetView(i))));
  }
  return repaired.Finish();
}

struct Limits {
  int64_t min;
  int64_t max;
};

std::optional<Limits> RangeOf(Datatype datatype) {
  switch (datatype) {
    case Datatype::kUint8:
      return Limits{0, 0xff};
    case Datatype::kUint16:
      return Limits{0, 0xffff};
    case Datatype::kUint32:
      return Limits{0, 0xffffffff};
    default:
      return std::nullopt;
  }
}

int64_t IntegerAt(const arrow::Array& values, int64_t i) {
  const arrow::ArrayData& data = *values.data();
  switch (values.type_id()) {
    case arrow::Type::INT8:
      return data.GetValues<int8_t>(1)[i];
    case arrow::Type::INT16:
      return data.GetValues<int16_t>(1)[i];
    case arrow::Type::INT32:
      return data.GetValues<int32_t>(1)[i];
    case arrow::Type::INT64:
      return data.GetValues<int64_t>(1)[i];
    default:
      return 0;
  }
}

}  // namespace

std::string_view NameOf(Datatype datatype) {
  return kDatatypes[static_cast<size_t>(datatype)].name;
}

std::optional<Datatype> DatatypeNamed(std::string_view name) {
  for (const Named& each : kDatatypes) {
    if (each.name == name) return each.datatype;
  }
  return std::nullopt;
}

std::optional<Datatype> DatatypeFor(const SqlType& type) {
  switch (type.kind()) {
    case TypeKind::kArray:
      return DatatypeFor(type.element());
    case TypeKind::kBoolean:
      return Datatype::kBool;
    case TypeKind::kTinyInt:
      return Datatype::kInt8;
    case TypeKind::kSmallInt:
      return Datatype::kInt16;
    case TypeKind::kInt:
      return Datatype::kInt32;
    case TypeKind::kBigInt:
      return Datatype::kInt64;
    case TypeKind::kFloat:
      return Datatype::kFp32;
    case TypeKind::kDouble:
      return Datatype::kFp64;
    case TypeKind::kChar:
    case TypeKind::kVarChar:
      return Datatype::kBytes;
    default:
      return std::nullopt;
  }
}

int64_t SizeOf(Datatype datatype) { return kDatatypes[static_cast<size_t>(datatype)].size; }

int64_t ElementsOf(const std::vector<int64_t>& shape) {
  int64_t elements = 1;
  for (const int64_t dimension : shape) {
    if (dimension < 0 || __builtin_mul_overflow(elements, dimension, &elements)) return -1;
  }
  return elements;
}

int64_t Tensor::num_elements() const { return ElementsOf(shape); }

std::string ShapeText(const std::vector<int64_t>& shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i) text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  return text + "]";
}

Result<std::shared_ptr<arrow::Array>> ElementsAsArray(const Tensor& tensor) {
  const int64_t n = tensor.num_elements();
  if (tensor.datatype == Datatype::kBytes) return TextOf(*tensor.bytes);
  auto values = tensor.data;
  if (tensor.datatype == Datatype::kFp16 || tensor.datatype == Datatype::kBf16) {
    ARROW_ASSIGN_OR_RAISE(values, arrow::AllocateBuffer(n * static_cast<int64_t>(sizeof(float))));
    const auto* halves = reinterpret_cast<const uint16_t*>(tensor.data->data());
    auto* floats = reinterpret_cast<float*>(values->mutable_data());
    for (int64_t i = 0; i < n; ++i) floats[i] = ToFloat(halves[i], tensor.datatype);
  } else if (tensor.datatype == Datatype::kBool) {
    ARROW_ASSIGN_OR_RAISE(values, arrow::AllocateEmptyBitmap(n));
    for (int64_t i = 0; i < n; ++i) {
      if (tensor.data->data()[i] != 0) arrow::bit_util::SetBit(values->mutable_data(), i);
    }
  }
  return arrow::MakeArray(
      arrow::ArrayData::Make(ArrowTypeOf(tensor.datatype), n, {nullptr, std::move(values)}, 0));
}

Status ArrayAsElements(const arrow::Array& values, Datatype datatype, Tensor* out) {
  out->datatype = datatype;
  if (datatype == Datatype::kBytes) {
    out->bytes = std::static_pointer_cast<arrow::BinaryArray>(arrow::MakeArray(values.data()));
    return Status::OK();
  }
  if (SameLayout(values.type_id()) == datatype) {
    const int64_t size = SizeOf(datatype);
    out->data = arrow::SliceBuffer(values.data()->buffers[1], values.offset() * size,
                                   values.length() * size);
    return Status::OK();
  }
  switch (datatype) {
    case Datatype::kBool:
    case Datatype::kUint8:
      return Converted<uint8_t>(values).Value(&out->data);
    case Datatype::kUint16:
      return Converted<uint16_t>(values).Value(&out->data);
    case Datatype::kUint32:
      return Converted<uint32_t>(values).Value(&out->data);
    case Datatype::kUint64:
      return Converted<uint64_t>(values).Value(&out->data);
    case Datatype::kInt8:
      return Converted<int8_t>(values).Value(&out->data);
    case Datatype::kInt16:
      return Converted<int16_t>(values).Value(&out->data);
    case Datatype::kInt32:
      return Converted<int32_t>(values).Value(&out->data);
    case Datatype::kInt64:
      return Converted<int64_t>(values).Value(&out->data);
    case Datatype::kFp16:
      return Converted<Fp16>(values).Value(&out->data);
    case Datatype::kBf16:
      return Converted<Bf16>(values).Value(&out->data);
    case Datatype::kFp32:
      return Converted<float>(values).Value(&out->data);
    default:
      return Converted<double>(values).Value(&out->data);
  }
}

const char* CheckElements(const arrow::Array& values, int64_t begin, int64_t end,
                          Datatype datatype) {
  if (values.null_count() > 0) {
    for (int64_t i = begin; i < end; ++i) {
      if (values.IsNull(i)) return "is NULL";
    }
  }
  if (const auto range = RangeOf(datatype)) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t value = IntegerAt(values, i);
      if (value < range->min || value > range->max) return "is out of the range of its tensor";
    }
  } else if (datatype == Datatype::kUint64 && values.type_id() == arrow::Type::DECIMAL128) {
    const auto& decimals = static_cast<const arrow::Decimal128Array&>(values);
    for (int64_t i = begin; i < end; ++i) {
      if (arrow::Decimal128(decimals.Value(i)).high_bits() != 0)
        return "is out of the range of its tensor";
    }
  } else if (datatype == Datatype::kUint64) {
    for (int64_t i = begin; i < end; ++i) {
      if (IntegerAt(values, i) < 0) return "is out of the range of its tensor";
    }
  }
  return nullptr;
}

}  // namespace millrace

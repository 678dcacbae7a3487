#include "models/inference_protocol/tensor_codec.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/builder.h>

#include "base/utf8.h"

namespace millrace {
namespace {

constexpr int kDeepest = 32;  ///< nesting of JSON data; tensors have far fewer dimensions

Error Fault(const Tensor& tensor, const std::string& what) {
  return Error::User("tensor '" + tensor.name + "': " + what);
}

/// Calls `visit` with a value of the C type of the datatype's elements; false for those without
/// one.
template <class Visit>
bool WithElement(Datatype datatype, Visit&& visit) {
  switch (datatype) {
    case Datatype::kBool:
    case Datatype::kUint8:
      visit(uint8_t{});
      return true;
    case Datatype::kUint16:
      visit(uint16_t{});
      return true;
    case Datatype::kUint32:
      visit(uint32_t{});
      return true;
    case Datatype::kUint64:
      visit(uint64_t{});
      return true;
    case Datatype::kInt8:
      visit(int8_t{});
      return true;
    case Datatype::kInt16:
      visit(int16_t{});
      return true;
    case Datatype::kInt32:
      visit(int32_t{});
      return true;
    case Datatype::kInt64:
      visit(int64_t{});
      return true;
    case Datatype::kFp32:
      visit(float{});
      return true;
    case Datatype::kFp64:
      visit(double{});
      return true;
    default:
      return false;
  }
}

template <class T>
bool ReadNumber(const nlohmann::json& value, T* out) {
  if constexpr (std::is_floating_point_v<T>) {
    if (value.is_null())
      *out = std::numeric_limits<T>::quiet_NaN();
    else if (value.is_number())
      *out = static_cast<T>(value.get<double>());
    else
      return false;
    return true;
  } else {
    if (value.is_boolean()) {
      *out = value.get<bool>() ? 1 : 0;
      return true;
    }
    if (value.is_number_unsigned()) {
      const auto number = value.get<uint64_t>();
      *out = static_cast<T>(number);
      return number <= static_cast<uint64_t>(std::numeric_limits<T>::max());
    }
    if (!value.is_number_integer()) return false;
    const auto number = value.get<int64_t>();
    *out = static_cast<T>(number);
    if constexpr (std::is_unsigned_v<T>)
      return false;  // a negative one
    else
      return number >= std::numeric_limits<T>::min();
  }
}

/// Appends the leaves of nested arrays.
bool Flatten(const nlohmann::json& data, int depth, std::vector<const nlohmann::json*>* leaves) {
  if (depth > kDeepest) return false;
  for (const auto& each : data) {
    if (!each.is_array())
      leaves->push_back(&each);
    else if (!Flatten(each, depth + 1, leaves))
      return false;
  }
  return true;
}

}  // namespace

Result<std::shared_ptr<arrow::Buffer>> ToBinary(const Tensor& tensor) {
  if (tensor.datatype != Datatype::kBytes) return tensor.data;
  const auto& bytes = *tensor.bytes;
  const int64_t size = bytes.total_values_length() + 4 * bytes.length();
  ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> out, arrow::AllocateBuffer(size));
  uint8_t* at = out->mutable_data();
  for (int64_t i = 0; i < bytes.length(); ++i) {
    const std::string_view value = bytes.GetView(i);
    const auto length = static_cast<uint32_t>(value.size());
    std::memcpy(at, &length, 4);
    std::memcpy(at + 4, value.data(), value.size());
    at += 4 + value.size();
  }
  return out;
}

Status FromBinary(std::shared_ptr<arrow::Buffer> bytes, Tensor* tensor) {
  const int64_t n = tensor->num_elements();
  if (tensor->datatype != Datatype::kBytes) {
    const int64_t width = SizeOf(tensor->datatype);
    if (n != bytes->size() / width || bytes->size() % width != 0) {
      return Fault(*tensor, std::to_string(bytes->size()) + " bytes came for the shape " +
                                ShapeText(tensor->shape) + " of " +
                                std::string(NameOf(tensor->datatype)));
    }
    if (reinterpret_cast<uintptr_t>(bytes->data()) % static_cast<uintptr_t>(width) != 0) {
      ARROW_ASSIGN_OR_RAISE(bytes, bytes->CopySlice(0, bytes->size()));
    }
    tensor->data = std::move(bytes);
    return Status::OK();
  }
  arrow::BinaryBuilder builder;
  const uint8_t* at = bytes->data();
  const uint8_t* end = at + bytes->size();
  while (at < end) {
    uint32_t length = 0;
    if (end - at < 4) return Fault(*tensor, "a BYTES element has no whole length");
    std::memcpy(&length, at, 4);
    at += 4;
    if (length > static_cast<uint64_t>(end - at))
      return Fault(*tensor, "a BYTES element is longer than the data");
    ARROW_RETURN_NOT_OK(builder.Append(at, static_cast<int32_t>(length)));
    at += length;
  }
  ARROW_RETURN_NOT_OK(builder.Finish(&tensor->bytes));
  if (tensor->bytes->length() != n) {
    return Fault(*tensor, std::to_string(tensor->bytes->length()) +
                              " elements came for the shape " + ShapeText(tensor->shape));
  }
  return Status::OK();
}

Result<nlohmann::json> ToJsonData(const Tensor& tensor) {
  auto data = nlohmann::json::array();
  if (tensor.datatype == Datatype::kBytes) {
    for (int64_t i = 0; i < tensor.bytes->length(); ++i)
      data.push_back(ValidUtf8(tensor.bytes->GetView(i)));
    return data;
  }
  const int64_t n = tensor.num_elements();
  const bool has_form = WithElement(tensor.datatype, [&](auto element) {
    const auto* values = reinterpret_cast<const decltype(element)*>(tensor.data->data());
    for (int64_t i = 0; i < n; ++i) {
      if (tensor.datatype == Datatype::kBool)
        data.push_back(values[i] != 0);
      else
        data.push_back(values[i]);
    }
  });
  if (!has_form) {
    return Fault(tensor, std::string(NameOf(tensor.datatype)) +
                             " has no JSON form; ask for it as binary data");
  }
  return data;
}

Status FromJsonData(const nlohmann::json& data, Tensor* tensor) {
  std::vector<const nlohmann::json*> leaves;
  if (!data.is_array() || !Flatten(data, 0, &leaves))
    return Fault(*tensor, "its data is not an array");
  const int64_t n = tensor->num_elements();
  if (static_cast<int64_t>(leaves.size()) != n) {
    return Fault(*tensor, std::to_string(leaves.size()) + " elements came for the shape " +
                              ShapeText(tensor->shape));
  }
  if (tensor->datatype == Datatype::kBytes) {
    arrow::BinaryBuilder builder;
    for (const auto* leaf : leaves) {
      if (!leaf->is_string()) return Fault(*tensor, "an element is not a string");
      ARROW_RETURN_NOT_OK(builder.Append(leaf->get_ref<const std::string&>()));
    }
    return builder.Finish(&tensor->bytes);
  }
  ARROW_ASSIGN_OR_RAISE(tensor->data, arrow::AllocateBuffer(n * SizeOf(tensor->datatype)));
  bool fits = true;
  const bool has_form = WithElement(tensor->datatype, [&](auto element) {
    auto* out = reinterpret_cast<decltype(element)*>(tensor->data->mutable_data());
    for (size_t i = 0; i < leaves.size() && fits; ++i) {
      fits = ReadNumber(*leaves[i], &out[i]);
      if (tensor->datatype == Datatype::kBool) fits = fits && out[i] <= 1;
    }
  });
  if (!has_form)
    return Fault(*tensor,
                 std::string(NameOf(tensor->datatype)) + " has no JSON form; send binary data");
  if (!fits) return Fault(*tensor, "an element is not a " + std::string(NameOf(tensor->datatype)));
  return Status::OK();
}

}  // namespace millrace

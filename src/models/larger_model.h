#pragma once

#include <cstdint>
#include <string>

namespace millrace {

inline void PutVarint(uint64_t number, std::string* out) {
  for (; number >= 0x80; number >>= 7) out->push_back(static_cast<char>(number | 0x80));
  out->push_back(static_cast<char>(number));
}

/// A member of a protobuf message that has a length.
inline std::string Member(int number, const std::string& value) {
  std::string out;
  PutVarint(static_cast<uint64_t>(number) << 3 | 2, &out);
  PutVarint(value.size(), &out);
  return out + value;
}

/// An ONNX model with `bytes` of weights more, and another hash for each `version`: messages of
/// protobuf that follow each other are one, so the graph gets another initializer.
inline std::string LargerModel(const std::string& model, int64_t bytes, int version) {
  constexpr int kGraph = 7, kInitializer = 5, kName = 8, kRawData = 9;
  std::string tensor;
  PutVarint(1 << 3, &tensor);  // dims
  PutVarint(static_cast<uint64_t>(bytes / 4), &tensor);
  PutVarint(2 << 3, &tensor);  // data_type
  PutVarint(1, &tensor);       // FLOAT
  tensor += Member(kName, "more" + std::to_string(version));
  tensor += Member(kRawData, std::string(static_cast<size_t>(bytes / 4 * 4), '\0'));
  return model + Member(kGraph, Member(kInitializer, tensor));
}

}  // namespace millrace

#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace millrace {

/// The wire format's types; groups (3 and 4) are only skipped.
enum class WireType : uint8_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

/// Reads a message's fields. After a fault all reads answer false.
class WireReader {
 public:
  explicit WireReader(std::string_view bytes)
      : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  bool done() const { return at_ == end_; }

  bool Varint(uint64_t* value) {
    *value = 0;
    for (int shift = 0; shift < 70 && at_ < end_; shift += 7) {
      const auto byte = static_cast<uint8_t>(*at_++);
      if (shift < 64) *value |= static_cast<uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return true;
    }
    return false;
  }
  bool Fixed(size_t width, uint64_t* value) {
    if (static_cast<size_t>(end_ - at_) < width) return false;
    *value = 0;
    std::memcpy(value, at_, width);
    at_ += width;
    return true;
  }
  bool Bytes(std::string_view* bytes) {
    uint64_t size = 0;
    if (!Varint(&size) || size > static_cast<uint64_t>(end_ - at_)) return false;
    *bytes = {at_, static_cast<size_t>(size)};
    at_ += size;
    return true;
  }
  /// A field's number and its value: `number` or `bytes` by its type.
  bool Field(uint32_t* field, WireType* type, uint64_t* number, std::string_view* bytes) {
    uint64_t tag = 0;
    if (!Varint(&tag) || (tag >> 3) == 0 || (tag >> 3) > 0x1FFFFFFF) return false;
    *field = static_cast<uint32_t>(tag >> 3);
    switch (tag & 7) {
      case 0:
        *type = WireType::kVarint;
        return Varint(number);
      case 1:
        *type = WireType::kFixed64;
        return Fixed(8, number);
      case 2:
        *type = WireType::kBytes;
        return Bytes(bytes);
      case 3:
        return SkipGroup(*field, field, type, number, bytes);
      case 5:
        *type = WireType::kFixed32;
        return Fixed(4, number);
      default:
        return false;
    }
  }

 private:
  /// Leaves a group out; it is told as a field that nobody knows.
  bool SkipGroup(uint32_t group, uint32_t* field, WireType* type, uint64_t* number,
                 std::string_view* bytes) {
    for (int depth = 1; depth > 0;) {
      uint64_t tag = 0;
      if (depth > 64 || !Varint(&tag)) return false;
      const auto kind = tag & 7;
      if (kind == 3) {
        ++depth;
      } else if (kind == 4) {
        if (--depth == 0 && (tag >> 3) != group) return false;
      } else if (!(kind == 0   ? Varint(number)
                   : kind == 1 ? Fixed(8, number)
                   : kind == 2 ? Bytes(bytes)
                   : kind == 5 ? Fixed(4, number)
                               : false)) {
        return false;
      }
    }
    *field = 0;
    *type = WireType::kVarint;
    return true;
  }

  const char* at_;
  const char* end_;
};

inline void AppendVarint(uint64_t value, std::string* out) {
  for (; value >= 0x80; value >>= 7) *out += static_cast<char>((value & 0x7F) | 0x80);
  *out += static_cast<char>(value);
}
inline void AppendTag(uint32_t field, WireType type, std::string* out) {
  AppendVarint(uint64_t{field} << 3 | static_cast<uint64_t>(type), out);
}
inline void AppendSized(std::string_view bytes, std::string* out) {
  AppendVarint(bytes.size(), out);
  *out += bytes;
}

inline int64_t UnZigZag(uint64_t value) {
  return static_cast<int64_t>((value >> 1) ^ (~(value & 1) + 1));
}
inline uint64_t ZigZag(int64_t value) {
  return (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63);
}

}  // namespace millrace

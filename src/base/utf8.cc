#include "base/utf8.h"

#include <cstdint>

namespace millrace {
namespace {

/// Bytes of the well-formed character that `text` starts with (Unicode, table 3-7); 0: there is
/// none.
size_t CharacterLength(std::string_view text) {
  const auto byte = [&](size_t i) {
    return i < text.size() ? static_cast<uint8_t>(text[i]) : uint8_t{0};
  };
  const auto in = [&](size_t i, uint8_t low, uint8_t high) {
    return byte(i) >= low && byte(i) <= high;
  };
  const auto tail = [&](size_t i) { return in(i, 0x80, 0xBF); };
  if (byte(0) < 0x80) return 1;
  if (in(0, 0xC2, 0xDF)) return tail(1) ? 2 : 0;
  if (in(0, 0xE0, 0xEF)) {
    const uint8_t low = byte(0) == 0xE0 ? 0xA0 : 0x80, high = byte(0) == 0xED ? 0x9F : 0xBF;
    return in(1, low, high) && tail(2) ? 3 : 0;
  }
  if (in(0, 0xF0, 0xF4)) {
    const uint8_t low = byte(0) == 0xF0 ? 0x90 : 0x80, high = byte(0) == 0xF4 ? 0x8F : 0xBF;
    return in(1, low, high) && tail(2) && tail(3) ? 4 : 0;
  }
  return 0;
}

}  // namespace

std::string ValidUtf8(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  while (!bytes.empty()) {
    const size_t length = CharacterLength(bytes);
    text += length > 0 ? bytes.substr(0, length) : "\uFFFD";
    bytes.remove_prefix(length > 0 ? length : 1);
  }
  return text;
}

}  // namespace millrace

#include "expr/text_of.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string_view>

namespace millrace {
namespace {

template <class T>
void AppendReal(T value, std::string* out) {
  if (std::isnan(value)) {
    *out += "NaN";
    return;
  }
  if (std::signbit(value)) *out += '-';
  const T size = std::fabs(value);
  if (std::isinf(size)) {
    *out += "Infinity";
    return;
  }
  if (size == 0) {
    *out += "0.0";
    return;
  }
  // Shortest digits that read back, "d.ddde±xx", put into Java's two shapes.
  std::array<char, 40> text;
  const auto end = std::to_chars(text.begin(), text.end(), size, std::chars_format::scientific).ptr;
  const std::string_view shortest(text.data(), static_cast<size_t>(end - text.data()));
  const size_t e = shortest.find('e');
  std::string digits(shortest.substr(0, 1));
  if (e > 2) digits += shortest.substr(2, e - 2);
  int exponent = 0;
  const char* first = shortest.data() + e + (shortest[e + 1] == '+' ? 2 : 1);
  std::from_chars(first, shortest.data() + shortest.size(), exponent);
  if (exponent >= -3 && exponent < 7) {
    if (exponent < 0) {
      *out += "0." + std::string(static_cast<size_t>(-exponent - 1), '0') + digits;
      return;
    }
    const auto whole = static_cast<size_t>(exponent) + 1;
    if (digits.size() < whole) digits.append(whole - digits.size(), '0');
    *out += digits.substr(0, whole) + '.' + (digits.size() > whole ? digits.substr(whole) : "0");
    return;
  }
  *out += digits.substr(0, 1) + '.' + (digits.size() > 1 ? digits.substr(1) : "0") + 'E' +
          std::to_string(exponent);
}

bool Continues(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

}  // namespace

void AppendDouble(double value, std::string* out) { AppendReal(value, out); }
void AppendFloat(float value, std::string* out) { AppendReal(value, out); }

size_t CountCharacters(std::string_view text) {
  return static_cast<size_t>(std::ranges::count_if(text, [](char c) { return !Continues(c); }));
}

size_t BytesOfCharacters(std::string_view text, size_t count) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (Continues(text[i])) continue;
    if (count-- == 0) return i;
  }
  return text.size();
}

}  // namespace millrace

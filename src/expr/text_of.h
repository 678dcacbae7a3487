#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace millrace {

/// As Java's Double.toString and Float.toString: "1.0", "1.0E7", "-Infinity", "NaN".
void AppendDouble(double value, std::string* out);
void AppendFloat(float value, std::string* out);

/// Number of Unicode characters, and the bytes that the first `count` take.
size_t CountCharacters(std::string_view text);
size_t BytesOfCharacters(std::string_view text, size_t count);

}  // namespace millrace

#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace millrace::syntax {

bool IsUtf8(std::string_view text);

/// The bytes of an even number of hexadecimal digits; none where it is not one.
std::optional<std::string> DecodeHex(std::string_view digits);

/// Resolves \hhhh, \+hhhhhh and \\ (with another `escape` where given) into UTF-8; none where one
/// is malformed.
std::optional<std::string> DecodeUnicodeEscapes(std::string_view text, char escape);

/// ASCII only, as keywords are.
bool EqualsIgnoringCase(std::string_view a, std::string_view b);
std::string ToUpper(std::string_view text);

}  // namespace millrace::syntax

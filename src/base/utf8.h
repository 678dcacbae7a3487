#pragma once

#include <string>
#include <string_view>

namespace millrace {

/// The text with each ill-formed byte of UTF-8 replaced by U+FFFD; for bytes that must be shown.
std::string ValidUtf8(std::string_view bytes);

}  // namespace millrace

#pragma once

#include <string>
#include <string_view>

namespace millrace {

/// "sha256:" and 64 hexadecimal digits: names a model's version by its content.
std::string Sha256(std::string_view bytes);

}  // namespace millrace

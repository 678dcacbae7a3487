#pragma once

#include <span>
#include <string>
#include <string_view>

namespace millrace {

/// The candidate most like `word` (edit distance, case ignored), or empty where none is near enough
/// to be meant.
std::string Nearest(std::string_view word, std::span<const std::string> candidates);

/// "did you mean 'x'?", else "one of: a, b, c" (the first few), else empty. For `Error::Hint`.
std::string Suggest(std::string_view word, std::span<const std::string> candidates);

}  // namespace millrace

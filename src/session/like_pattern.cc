#include "session/like_pattern.h"

#include <cctype>

namespace millrace {
namespace {

bool SameChar(char a, char b, bool ignore_case) {
  if (a == b) return true;
  return ignore_case &&
         std::tolower(static_cast<unsigned char>(a)) == std::tolower(static_cast<unsigned char>(b));
}

}  // namespace

bool LikeMatches(std::string_view text, std::string_view pattern, bool ignore_case) {
  size_t t = 0, p = 0;
  // Where to go on after a mismatch: behind the last '%', which then takes one character more.
  size_t retry_pattern = std::string_view::npos, retry_text = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '%') {
      retry_pattern = ++p;
      retry_text = t;
      continue;
    }
    const bool escaped = p + 1 < pattern.size() && pattern[p] == '\\';
    const size_t literal = escaped ? p + 1 : p;
    if (literal < pattern.size() && ((!escaped && pattern[literal] == '_') ||
                                     SameChar(text[t], pattern[literal], ignore_case))) {
      ++t;
      p = literal + 1;
    } else if (retry_pattern != std::string_view::npos) {
      p = retry_pattern;
      t = ++retry_text;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '%') ++p;
  return p == pattern.size();
}

}  // namespace millrace

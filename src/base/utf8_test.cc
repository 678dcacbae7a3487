#include "base/utf8.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

TEST(Utf8Test, ReplacesIllFormedBytes) {
  const struct {
    std::string_view bytes, text;
  } cases[] = {
      {"", ""},
      {"plain", "plain"},
      {"é 漢 😀", "é 漢 😀"},
      {"a\xFFz", "a\uFFFDz"},
      {"\xC0\x80", "\uFFFD\uFFFD"},                      // overlong
      {"\xED\xA0\x80", "\uFFFD\uFFFD\uFFFD"},            // a surrogate
      {"\xF4\x90\x80\x80", "\uFFFD\uFFFD\uFFFD\uFFFD"},  // above U+10FFFF
      {"\xE6\xBC", "\uFFFD\uFFFD"},                      // cut
  };
  for (const auto& c : cases) EXPECT_EQ(ValidUtf8(c.bytes), c.text);
}

}  // namespace
}  // namespace millrace

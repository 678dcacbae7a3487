#include "session/like_pattern.h"

namespace millrace {
namespace {

TEST(LikePattern, Matches) {
  const struct {
    const char* text;
    const char* pattern;
    bool ignore_case;
    bool matches;
  } cases[] = {
      {"orders", "orders", false, true},
      {"orders", "ord%", false, true},
      {"orders", "%ers", false, true},
      {"orders", "%de%", false, true},
      {"orders", "o_ders", false, true},
      {"orders", "o_ers", false, false},
      {"orders", "", false, false},
      {"", "%", false, true},
      {"Orders", "orders", false, false},
      {"Orders", "oRD%", true, true},
      {"a_b", "a\\_b", false, true},
      {"axb", "a\\_b", false, false},
      {"100%", "100\\%", false, true},
      {"aab", "%ab", false, true},
      {"mississippi", "m%iss%pi", false, true},
      {"mississippi", "m%isx%pi", false, false},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(LikeMatches(c.text, c.pattern, c.ignore_case), c.matches)
        << c.text << " LIKE " << c.pattern;
  }
}

}  // namespace
}  // namespace millrace

#pragma once

#include <ostream>
#include <string>

#include <gtest/gtest.h>

#include "syntax/parser.h"
#include "syntax/printer.h"

namespace millrace {

inline void PrintTo(const Position& position, std::ostream* out) {
  *out << position.line << ':' << position.column;
}

}  // namespace millrace

namespace millrace::syntax {

/// A text, and what it is printed as; empty: as it is.
struct RoundTrip {
  const char* sql;
  const char* printed;
};

/// Reads and prints, and checks that what was printed reads as the same tree and prints the same.
template <class Parse>
void ExpectRoundTrip(const RoundTrip& texts, Parse parse) {
  SCOPED_TRACE(texts.sql);
  const std::string expected = *texts.printed == '\0' ? texts.sql : texts.printed;
  const auto tree = parse(texts.sql);
  ASSERT_TRUE(tree.ok()) << DescribeIn(tree.status(), texts.sql);
  ASSERT_EQ(Print(**tree), expected);
  const auto again = parse(expected);
  ASSERT_TRUE(again.ok()) << DescribeIn(again.status(), expected);
  EXPECT_TRUE(**again == **tree);
  EXPECT_EQ(Print(**again), expected);
}

inline void ExpectExpression(const RoundTrip& texts) { ExpectRoundTrip(texts, ParseExpression); }
inline void ExpectStatement(const RoundTrip& texts) { ExpectRoundTrip(texts, ParseStatement); }

}  // namespace millrace::syntax

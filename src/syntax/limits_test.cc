// However long or deep a text is, it is read in bounded stack and in time that grows with its
// length.

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "syntax/testing.h"

namespace millrace::syntax {
namespace {

std::string Repeat(const std::string& text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

/// before, `open` n times, middle, `close` n times, after.
struct Shape {
  std::string before;
  std::string open;
  std::string middle;
  std::string close;
  std::string after;

  std::string Text(int size) const {
    return before + Repeat(open, size) + middle + Repeat(close, size) + after;
  }
};

const std::vector<Shape> kNests = {
    {"SELECT ", "(", "1", ")", ""},
    {"SELECT ", "- ", "1", "", ""},
    {"SELECT ", "NOT ", "a", "", ""},
    {"SELECT ", "a = NOT ", "a", "", ""},
    {"SELECT ", "f(", "1", ")", ""},
    {"SELECT ", "FLOOR(1 + ", "a", " TO DAY)", ""},
    {"SELECT ", "a[", "1", "]", ""},
    {"SELECT ", "ARRAY[", "1", "]", ""},
    {"SELECT ", "CASE WHEN a THEN ", "1", " END", ""},
    {"SELECT ", "(SELECT ", "1", ")", ""},
    {"SELECT ", "EXISTS (SELECT ", "1", ")", ""},
    {"SELECT ", "a IN (", "1", ")", ""},
    {"SELECT CAST(a AS ", "ARRAY<", "INT", ">", ")"},
    {"SELECT CAST(a AS ", "ROW<a ", "INT", ">", ")"},
    {"SELECT * FROM ", "(SELECT * FROM ", "t", ")", ""},
    {"SELECT * FROM ", "(", "t JOIN u ON a", ")", ""},
    {"SELECT * FROM ", "f(TABLE (SELECT * FROM ", "t", "))", ""},
    {"SELECT a FROM t GROUP BY ", "GROUPING SETS (", "a", ")", ""},
    {"SELECT * FROM t MATCH_RECOGNIZE (PATTERN (", "(", "A", "B)", ") DEFINE A AS TRUE)"},
    {"", "(", "SELECT 1", ")", ""},
    {"", "(", "SELECT 1 LIMIT 1", ") LIMIT 1", ""},
    {"", "WITH a AS (", "SELECT 1", ") SELECT 1", ""},
};

const std::vector<Shape> kChains = {
    {"SELECT a", " + a", "", "", ""},
    {"SELECT a", " OR a = 1", "", "", ""},
    {"SELECT a", "[1]", "", "", ""},
    {"SELECT f(a)", ".b", "", "", ""},
    {"SELECT 1", " UNION ALL SELECT 1", "", "", ""},
    {"SELECT 1", " INTERSECT SELECT 1", "", "", ""},
    {"SELECT * FROM t", " JOIN t ON TRUE", "", "", ""},
};

/// Chains that are printed with parentheses.
const std::vector<Shape> kPostfixes = {
    {"SELECT a", " IS NULL", "", "", ""},     {"SELECT a", " IN (1)", "", "", ""},
    {"SELECT a", " AT LOCAL", "", "", ""},    {"SELECT a", " IS NULL + a = b", "", "", ""},
    {"SELECT a", " = b IS NULL", "", "", ""}, {"SELECT CAST(a AS INT", " ARRAY", "", "", ")"},
};

Status StatusOf(const Shape& shape, int size) { return ParseStatement(shape.Text(size)).status(); }

TEST(Limits, DeepNestingIsAnErrorWithAPlace) {
  for (const Shape& shape : kNests) {
    SCOPED_TRACE(shape.Text(1));
    EXPECT_TRUE(StatusOf(shape, 25).ok());
    const Status status = StatusOf(shape, 20000);
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.message().substr(0, 34), "the statement is nested too deeply");
    EXPECT_TRUE(InfoOf(status).position.known());
    EXPECT_FALSE(InfoOf(status).hint.empty());
  }
}

TEST(Limits, AChainMayBeLongButNotEndless) {
  for (const Shape& shape : kChains) {
    SCOPED_TRACE(shape.Text(1));
    EXPECT_TRUE(StatusOf(shape, 900).ok());
    const Status status = StatusOf(shape, 20000);
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.message(), "the statement is nested too deeply, or chains too many operators");
    EXPECT_FALSE(InfoOf(status).hint.empty());
  }
}

/// Of every shape, the largest text that is read is also read as it is printed.
TEST(Limits, WhateverIsReadIsReadAsPrinted) {
  std::vector<Shape> shapes = kNests;
  shapes.insert(shapes.end(), kChains.begin(), kChains.end());
  shapes.insert(shapes.end(), kPostfixes.begin(), kPostfixes.end());
  for (const Shape& shape : shapes) {
    SCOPED_TRACE(shape.Text(1));
    int size = 1;
    for (int step = 1024; step > 0; step /= 2) {
      if (StatusOf(shape, size + step).ok()) size += step;
    }
    EXPECT_GE(size, 25);
    const StatementPtr parsed = ParseStatement(shape.Text(size)).ValueOrDie();
    const Result<StatementPtr> again = ParseStatement(Print(*parsed));
    ASSERT_TRUE(again.ok()) << size << ": " << again.status().message();
    EXPECT_TRUE(**again == *parsed);
  }
}

TEST(Limits, ChainsInsideOneAnotherAddUp) {
  const std::string sql =
      "SELECT " + Repeat("(", 100) + "a" + Repeat(Repeat(" + a", 50) + ")", 100);
  EXPECT_FALSE(ParseStatement(sql).ok());
}

TEST(Limits, ListsAndScriptsHaveNoLimit) {
  EXPECT_TRUE(ParseStatement("SELECT a IN (1" + Repeat(", 1", 20000) + ")").ok());
  EXPECT_TRUE(ParseStatement("VALUES (1, 'a')" + Repeat(", (1, 'a')", 10000)).ok());
  EXPECT_TRUE(ParseStatement("SELECT 1" + Repeat(", a AS b", 10000) + " FROM t").ok());
  const auto script = ParseScript(Repeat("SELECT a FROM t WHERE b > 1; -- comment\n", 5000));
  ASSERT_TRUE(script.ok());
  EXPECT_EQ(script->size(), 5000u);
  EXPECT_EQ(ParseScript(PrintScript(*script)).ValueOrDie().size(), 5000u);
}

}  // namespace
}  // namespace millrace::syntax

#include "syntax/interactive.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace::syntax {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::IsSupersetOf;
using testing::Not;

std::vector<std::string> ExpectedAfter(std::string_view text) {
  return ExpectedAt(text, text.size());
}

TEST(IsComplete, AStatementEndsWithItsSemicolon) {
  for (const char* text :
       {"SELECT 1;", "SELECT 1; -- a comment", "SELECT ';' FROM t ;\n", "SELCT;", "a b c;", ";",
        "SELECT 1; SELECT 2;", "SELECT 1; /* closed */", "SELECT \"x\";"}) {
    EXPECT_TRUE(IsComplete(text)) << text;
  }
  for (const char* text :
       {"", "  \n", "-- a comment;", "SELECT 1", "SELECT 1; SELECT 2", "SELECT ';", "SELECT `a;",
        "SELECT 1; /* open;", "SELECT 1 -- ;", "SELECT \"a;"}) {
    EXPECT_FALSE(IsComplete(text)) << text;
  }
}

TEST(IsComplete, AStatementSetEndsWithItsEnd) {
  const std::string begin = "EXECUTE STATEMENT SET BEGIN INSERT INTO a SELECT 1;";
  EXPECT_FALSE(IsComplete(begin));
  EXPECT_FALSE(IsComplete(begin + " INSERT INTO b SELECT CASE WHEN x THEN y END;"));
  EXPECT_FALSE(IsComplete(begin + " END"));
  EXPECT_TRUE(IsComplete(begin + " END;"));
  EXPECT_TRUE(IsComplete(begin + " INSERT INTO b SELECT CASE WHEN x THEN y END; end ;"));
  EXPECT_FALSE(IsComplete("BEGIN STATEMENT SET;"));
  EXPECT_FALSE(IsComplete("BEGIN STATEMENT SET; INSERT INTO a SELECT 1;"));
  EXPECT_TRUE(IsComplete("BEGIN STATEMENT SET; INSERT INTO a SELECT 1; END;"));
  EXPECT_FALSE(IsComplete("EXPLAIN STATEMENT SET BEGIN INSERT INTO a SELECT 1;"));
}

TEST(ExpectedAt, ListsWhatMayFollow) {
  EXPECT_THAT(ExpectedAfter(""), IsSupersetOf({"SELECT", "CREATE", "INSERT", "WITH", "SHOW"}));
  EXPECT_THAT(ExpectedAfter("CREATE "),
              ElementsAre("FUNCTION", "MODEL", "OR REPLACE", "TABLE", "TEMPORARY", "VIEW"));
  EXPECT_THAT(ExpectedAfter("SELECT "),
              IsSupersetOf({"<column>", "<function>", "CASE", "DISTINCT"}));
  EXPECT_THAT(ExpectedAfter("SELECT a FROM "), IsSupersetOf({"<table>", "LATERAL", "UNNEST"}));
  EXPECT_THAT(ExpectedAfter("SELECT a FROM t "), IsSupersetOf({"AS", "JOIN", "WHERE", "GROUP BY"}));
  EXPECT_THAT(ExpectedAfter("SELECT a FROM t GROUP "), ElementsAre("BY"));
  EXPECT_THAT(ExpectedAfter("SELECT a FROM t WHERE b "), IsSupersetOf({"AND", "BETWEEN", "LIMIT"}));
  EXPECT_THAT(ExpectedAfter("SELECT a FROM t WHERE b NOT "),
              ElementsAre("BETWEEN", "IN", "LIKE", "SIMILAR TO"));
  EXPECT_THAT(ExpectedAfter("CREATE TABLE t (a "), IsSupersetOf({"STRING", "BIGINT", "AS"}));
  EXPECT_THAT(ExpectedAfter("CREATE TABLE t (a INT) WITH ("), ElementsAre("<option>"));
  EXPECT_THAT(ExpectedAfter("SELECT * FROM ML_PREDICT(TABLE "), ElementsAre("<table>"));
  EXPECT_THAT(ExpectedAfter("SELECT * FROM ML_PREDICT(TABLE t, MODEL "), ElementsAre("<model>"));
  EXPECT_THAT(ExpectedAfter("SELECT * FROM f("), IsSupersetOf({"TABLE", "MODEL", "DESCRIPTOR"}));
  EXPECT_THAT(ExpectedAfter("DROP MODEL "), ElementsAre("<model>", "IF EXISTS"));
}

TEST(ExpectedAt, KeepsWhatBeginsWithTheWord) {
  EXPECT_THAT(ExpectedAfter("sel"), ElementsAre("SELECT"));
  EXPECT_THAT(ExpectedAfter("SELECT a FROM t wh"), ElementsAre("WHERE"));
  EXPECT_THAT(ExpectedAfter("SHOW TA"), ElementsAre("TABLES"));
  EXPECT_THAT(ExpectedAfter("SELECT a FROM tab"), ElementsAre("<function>", "<table>", "TABLE"));
}

TEST(ExpectedAt, LooksAtTheStatementBeforeTheOffset) {
  EXPECT_THAT(ExpectedAt("SHOW ; SELECT 1", 5), Contains("TABLES"));
  EXPECT_THAT(ExpectedAfter("SELECT 1; DES"), ElementsAre("DESC", "DESCRIBE"));
  EXPECT_THAT(ExpectedAfter("SELECT FROM; SHOW "), Contains("TABLES"));
  EXPECT_THAT(ExpectedAt("SEL", 99), ElementsAre("SELECT"));
}

TEST(ExpectedAt, IsEmptyWhereNothingCanBeSaid) {
  for (const char* text :
       {"SELECT 'abc", "SELECT `a", "-- comm", "SELECT 1 /* x", "SELECT FROM x "}) {
    EXPECT_THAT(ExpectedAfter(text), IsEmpty()) << text;
  }
  EXPECT_THAT(ExpectedAfter("-- a comment\n"), Not(IsEmpty()));
}

}  // namespace
}  // namespace millrace::syntax

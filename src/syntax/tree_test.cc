// What the trees look like: positions, the parts of nodes, equality.

#include <string>

#include <gtest/gtest.h>

#include "syntax/testing.h"

namespace millrace::syntax {
namespace {

ExpressionPtr Expr(const std::string& sql) { return ParseExpression(sql).ValueOrDie(); }
StatementPtr Stmt(const std::string& sql) { return ParseStatement(sql).ValueOrDie(); }

TEST(Tree, EqualityIgnoresPlaces) {
  EXPECT_TRUE(*Expr("a+b * c") == *Expr("a  + ((b*c))"));
  EXPECT_FALSE(*Expr("a + b * c") == *Expr("(a + b) * c"));
  EXPECT_FALSE(*Expr("a") == *Expr("b"));
  EXPECT_TRUE(*Stmt("select 1 from t") == *Stmt("\n\nSELECT 1\nFROM t;"));
  EXPECT_FALSE(*Stmt("SELECT 1 FROM t") == *Stmt("SELECT 1 FROM T"));
}

TEST(Tree, ABinaryNodeIsAtItsOperator) {
  const ExpressionPtr sum = Expr("a\n  + f(b)");
  EXPECT_EQ(sum->position, (Position{2, 3}));
  const auto& binary = *sum->As<Binary>();
  EXPECT_EQ(binary.left->position, (Position{1, 1}));
  EXPECT_EQ(binary.right->position, (Position{2, 5}));
  EXPECT_EQ(binary.right->As<FunctionCall>()->arguments[0].value->position, (Position{2, 7}));
}

TEST(Tree, AnIntervalHasItsValue) {
  const auto amount = [](const std::string& sql) {
    return Expr(sql)->As<IntervalLiteral>()->amount;
  };
  EXPECT_EQ(amount("INTERVAL '1' DAY"), 86'400'000'000);
  EXPECT_EQ(amount("INTERVAL -'1' DAY"), -86'400'000'000);
  EXPECT_EQ(amount("INTERVAL -'-1' DAY"), 86'400'000'000);
  EXPECT_EQ(amount("INTERVAL '1 02:03:04.567' DAY TO SECOND"), 93'784'567'000);
  EXPECT_EQ(amount("INTERVAL '1:30' HOUR TO MINUTE"), 5'400'000'000);
  EXPECT_EQ(amount("INTERVAL '90:05.25' MINUTE TO SECOND"), 5'405'250'000);
  EXPECT_EQ(amount("INTERVAL '0.5' SECOND"), 500'000);
  EXPECT_EQ(amount("INTERVAL '2' WEEK"), 1'209'600'000'000);
  EXPECT_EQ(amount("INTERVAL '1-2' YEAR TO MONTH"), 14);
  EXPECT_EQ(amount("INTERVAL '2' QUARTER"), 6);
  EXPECT_TRUE(Expr("INTERVAL '2' QUARTER")->As<IntervalLiteral>()->is_months);
  EXPECT_FALSE(ParseExpression("INTERVAL '9999999999' YEAR TO MONTH").ok());
  EXPECT_FALSE(ParseExpression("INTERVAL '9999999999999999' DAY").ok());
  EXPECT_FALSE(ParseExpression("INTERVAL '1 24' DAY TO HOUR").ok());
  EXPECT_FALSE(ParseExpression("INTERVAL '1.0000001' SECOND").ok());
}

TEST(Tree, FormsWithKeywordsAreCalls) {
  const ExpressionPtr call = Expr("extract(day FROM a)");
  const auto& extract = *call->As<FunctionCall>();
  EXPECT_EQ(extract.name.parts[0].name, "EXTRACT");
  EXPECT_EQ(extract.arguments[0].value->As<Keyword>()->word, "DAY");
  EXPECT_TRUE(*Expr("SUBSTRING(a FROM 1 FOR 2)") == *Expr("substring(a, 1, 2)"));
  EXPECT_TRUE(*Expr("TRIM(FROM_X FROM a)") == *Expr("TRIM(BOTH FROM_X FROM a)"));
  EXPECT_TRUE(*Expr("POSITION(a IN b)") == *Expr("position(a, b)"));
}

TEST(Tree, OptionsKnowTheirPlaces) {
  const StatementPtr statement =
      Stmt("CREATE TABLE t (a INT)\nWITH ('k' = 'v', 'm' = MAP['a', 'b'])");
  const auto& table = *statement->As<CreateTable>();
  ASSERT_EQ(table.options.size(), 2u);
  EXPECT_EQ(table.options[0].position, (Position{2, 7}));
  EXPECT_EQ(table.options[0].value_position, (Position{2, 13}));
  EXPECT_TRUE(table.options[1].is_map);
  EXPECT_EQ(table.options[1].entries[0].key, "a");
  EXPECT_EQ(table.options[1].entries[0].value, "b");
  EXPECT_EQ(table.columns[0].type_position, (Position{1, 19}));
}

TEST(Tree, StatementsKnowTheirTextAndComments) {
  const std::string sql = "-- first\nSELECT 1 ; -- behind\n\n/* second */ -- line\n SELECT 2\n";
  const auto script = ParseScript(sql).ValueOrDie();
  ASSERT_EQ(script.size(), 2u);
  EXPECT_EQ(sql.substr(script[0]->begin, script[0]->end - script[0]->begin), "SELECT 1");
  EXPECT_EQ(sql.substr(script[1]->begin, script[1]->end - script[1]->begin), "SELECT 2");
  EXPECT_EQ(script[0]->comments, std::vector<std::string>{"-- first"});
  EXPECT_EQ(script[0]->trailing_comment, "-- behind");
  EXPECT_EQ(script[1]->comments, (std::vector<std::string>{"/* second */", "-- line"}));
  EXPECT_EQ(script[1]->position, (Position{5, 2}));
  EXPECT_EQ(PrintScript(script),
            "-- first\nSELECT 1; -- behind\n\n/* second */\n-- line\nSELECT 2;\n");
}

TEST(Tree, InsertsOfASetAreStatements) {
  const auto set = Stmt("EXECUTE STATEMENT SET BEGIN\n INSERT INTO a SELECT 1; -- x\n END");
  const auto& inserts = set->As<StatementSet>()->inserts;
  ASSERT_EQ(inserts.size(), 1u);
  EXPECT_EQ(inserts[0]->As<Insert>()->table.ToString(), "a");
  EXPECT_EQ(inserts[0]->position, (Position{2, 2}));
  EXPECT_EQ(inserts[0]->trailing_comment, "-- x");
}

TEST(Tree, RowPatternsStandAlone) {
  const Ptr<Pattern> pattern = ParsePattern("A (B | C)+? D{2}").ValueOrDie();
  EXPECT_EQ(pattern->kind, PatternKind::kSequence);
  ASSERT_EQ(pattern->children.size(), 3u);
  EXPECT_TRUE(pattern->children[1]->reluctant);
  EXPECT_EQ(pattern->children[2]->max, 2);
  EXPECT_EQ(Print(*pattern), "A (B | C)+? D{2}");
  EXPECT_FALSE(ParsePattern("A |").ok());
}

TEST(Tree, AScriptMayBeEmpty) {
  EXPECT_TRUE(ParseScript("").ValueOrDie().empty());
  EXPECT_TRUE(ParseScript(" ; -- nothing\n;").ValueOrDie().empty());
  EXPECT_FALSE(ParseStatement("").ok());
  EXPECT_FALSE(ParseStatement("SELECT 1; SELECT 2").ok());
}

}  // namespace
}  // namespace millrace::syntax

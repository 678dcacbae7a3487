#include "syntax/lexer.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace millrace::syntax {
namespace {

std::vector<std::string> TextsOf(std::string_view text) {
  std::vector<std::string> texts;
  for (const Token& token : Tokenize(text).list) texts.emplace_back(token.text);
  texts.pop_back();
  return texts;
}

TokenKind KindOf(std::string_view text) {
  const Tokens tokens = Tokenize(text);
  EXPECT_EQ(tokens.list.size(), 2u) << text;
  return tokens.list.front().kind;
}

TEST(Lexer, TellsKindsApart) {
  EXPECT_EQ(KindOf("abc_1$x"), TokenKind::kWord);
  EXPECT_EQ(KindOf("温度"), TokenKind::kWord);
  EXPECT_EQ(KindOf("`a b`"), TokenKind::kQuotedName);
  EXPECT_EQ(KindOf("12"), TokenKind::kInteger);
  EXPECT_EQ(KindOf("1.5"), TokenKind::kDecimal);
  EXPECT_EQ(KindOf(".5"), TokenKind::kDecimal);
  EXPECT_EQ(KindOf("1e-3"), TokenKind::kApproximate);
  EXPECT_EQ(KindOf("'it''s'"), TokenKind::kString);
  EXPECT_EQ(KindOf("u&'\\0041'"), TokenKind::kString);
  EXPECT_EQ(KindOf("x'00'"), TokenKind::kBinary);
  EXPECT_EQ(KindOf("<>"), TokenKind::kSymbol);
  EXPECT_EQ(KindOf("1abc"), TokenKind::kInvalid);
  EXPECT_EQ(KindOf("\x01"), TokenKind::kInvalid);
  EXPECT_EQ(KindOf("'\xff'"), TokenKind::kInvalid);
}

TEST(Lexer, SplitsWithoutBlanks) {
  using Texts = std::vector<std::string>;
  EXPECT_EQ(TextsOf("a.b[1]=>x"), (Texts{"a", ".", "b", "[", "1", "]", "=>", "x"}));
  EXPECT_EQ(TextsOf("ARRAY<ARRAY<INT>>"), (Texts{"ARRAY", "<", "ARRAY", "<", "INT", ">", ">"}));
  EXPECT_EQ(TextsOf("a<=b<>c||d"), (Texts{"a", "<=", "b", "<>", "c", "||", "d"}));
  EXPECT_EQ(TextsOf("a*/b"), (Texts{"a", "*", "/", "b"}));
  EXPECT_EQ(TextsOf("t /*+ X */ u"), (Texts{"t", "/*+", "X", "*/", "u"}));
  EXPECT_EQ(TextsOf("amount，country"), (Texts{"amount", "，", "country"}));
}

TEST(Lexer, CountsColumnsInCodePoints) {
  const Tokens tokens = Tokenize("'é' a\n\t温 b");
  ASSERT_EQ(tokens.list.size(), 5u);
  EXPECT_EQ(tokens.list[1].position, (Position{1, 5}));
  EXPECT_EQ(tokens.list[2].position, (Position{2, 2}));
  EXPECT_EQ(tokens.list[3].position, (Position{2, 4}));
  EXPECT_EQ(tokens.list[3].begin, 12u);
}

TEST(Lexer, TheEndIsBehindTheLastToken) {
  const Tokens tokens = Tokenize("a \n\n -- comment");
  EXPECT_EQ(tokens.list.back().kind, TokenKind::kEnd);
  EXPECT_EQ(tokens.list.back().position, (Position{1, 2}));
}

TEST(Lexer, KeepsComments) {
  const Tokens tokens = Tokenize("-- one\r\na /* two */ b");
  ASSERT_EQ(tokens.comments.size(), 2u);
  EXPECT_EQ(tokens.comments[0].text, "-- one");
  EXPECT_EQ(tokens.comments[0].token, 0u);
  EXPECT_EQ(tokens.comments[1].text, "/* two */");
  EXPECT_EQ(tokens.comments[1].token, 1u);
}

TEST(Lexer, BlanksOfOtherScriptsAreBlanks) {
  EXPECT_EQ(TextsOf("\uFEFFa\u00A0b\u3000c"), (std::vector<std::string>{"a", "b", "c"}));
}

TEST(Lexer, KnowsWhatIsNotClosed) {
  for (const char* text : {"'a", "`a", "/* a", "\"a", "a 'b''"}) {
    EXPECT_TRUE(Tokenize(text).unterminated) << text;
  }
  for (const char* text : {"'a'", "-- 'a", "\"a\"", "/* ' */"}) {
    EXPECT_FALSE(Tokenize(text).unterminated) << text;
  }
}

}  // namespace
}  // namespace millrace::syntax

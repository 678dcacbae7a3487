#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "syntax/ast_base.h"
#include "syntax/expectation.h"
#include "syntax/lexer.h"

namespace millrace::syntax {

/// How deep a text may nest, parentheses included. The printer adds parentheses, at most two for
/// each step of nesting in the tree, so whatever was read can be read again as printed.
inline constexpr int kMaxNesting = 320;

/// What a step adds to the height of the tree; see `kMaxHeight`.
inline constexpr int kLink = 1;
inline constexpr int kNesting = 10;

/// Thrown by the readers at the first error, and caught where the parser's functions begin
/// (parser.cc): a grammar reads best without an error check behind every word.
struct SyntaxError {
  Status status;
};

/// A place in a list of tokens, for the readers of the grammar (read_*.h).
///
/// What was asked for in vain at the furthest token is remembered: that is the "expected …" of the
/// message and the list for completion. Phrases must be literals; their words are upper case,
/// separated by one blank.
class Cursor {
 public:
  explicit Cursor(std::string_view text);

  const Token& token(size_t ahead = 0) const;
  const Token& previous() const { return tokens_.list[at_ == 0 ? 0 : at_ - 1]; }
  Place place() const { return token().position; }
  size_t at() const { return at_; }
  std::string_view text() const { return text_; }
  bool at_end() const { return token().kind == TokenKind::kEnd; }

  /// Whether the phrase stands here; remembers nothing.
  bool Is(std::string_view phrase, size_t ahead = 0) const;
  bool IsName(size_t ahead = 0) const;  ///< a quoted name, or a word that is not reserved

  bool Sees(std::string_view phrase);  ///< as `Is`, and remembers

  /// Passes over the phrase, if it stands here.
  bool Accept(std::string_view phrase);
  bool Accept(TokenKind kind, const Category& category);
  void Expect(std::string_view phrase);
  void Wants(const Category& category) { Remember(at_, category); }  ///< remembers only
  Token Take();  ///< the token here, and passes over it

  Identifier ReadName(const Category& category);
  Identifier ReadAnyWord(const Category& category);  ///< a name, also a reserved word: behind a dot
  QualifiedName ReadQualifiedName(const Category& category);
  std::vector<Identifier> ReadNames(const Category& category);  ///< (a, b, …)
  std::string ReadString(const Category& category = kString);
  int64_t ReadWholeNumber(int64_t max);

  /// Names what has just been read, for the message: "unexpected 'x' after the select list".
  void After(std::string_view what);
  /// The name that was just read stands where a keyword could stand, too: a misspelled one, if an
  /// error follows.
  void AfterImplicitAlias() { alias_end_ = at_; }

  /// The comments right before this token, without one that trails the ';' before it.
  std::vector<std::string> Comments() const;
  /// The comment on the line of the ';' that was just read; empty where there is none.
  std::string TrailingComment() const;
  /// A new statement begins here.
  void BeginStatement() { statement_ = at_; }
  /// Passes over everything up to the next ';' or the end.
  void SkipStatement();

  [[noreturn]] void Fail() const;
  [[noreturn]] void FailAt(const Position& position, std::string message,
                           std::string hint = {}) const;

  void Check(const Status& status, const Position& position) const;  ///< fails where it is not OK

  /// What may stand at the end of the text; empty where the text cannot be read that far.
  std::vector<std::string> WordsAtEnd() const;

  /// One more node on top of what this level has read: bounds the height of chains such as a + b +
  /// c.
  void Stack(int height = kLink);
  /// Redundant parentheses were read: they add nothing to the tree.
  void Unnest() { height_ -= kNesting; }
  /// Fails where the tree that was read is too high.
  void CheckHeight() const;

  /// One level of recursion in the text, and one step of nesting in the tree.
  class Level {
   public:
    explicit Level(Cursor& cursor);
    ~Level();
    Level(const Level&) = delete;

   private:
    Cursor& cursor_;
    int siblings_;  ///< the height of what the level around this one has read so far
  };

 private:
  std::span<const Comment> CommentsHere() const;
  void Remember(size_t index, Expectation expectation);
  size_t Matches(std::string_view phrase, size_t index, std::string_view* rest) const;

  std::string_view text_;
  Tokens tokens_;
  size_t at_ = 0;
  size_t statement_ = 0;
  size_t furthest_ = 0;
  std::vector<Expectation> expected_;
  std::string_view after_;
  size_t after_end_ = SIZE_MAX;
  size_t alias_end_ = SIZE_MAX;
  int depth_ = 0;
  int height_ = 0;
};

/// Reads "item, item, …".
template <class ReadItem>
auto ReadList(Cursor& cursor, ReadItem read_item) {
  std::vector<decltype(read_item(cursor))> items;
  do {
    items.push_back(read_item(cursor));
  } while (cursor.Accept(","));
  return items;
}

/// Reads "(item, item, …)".
template <class ReadItem>
auto ReadParenthesized(Cursor& cursor, ReadItem read_item) {
  cursor.Expect("(");
  auto items = ReadList(cursor, read_item);
  cursor.Expect(")");
  return items;
}

}  // namespace millrace::syntax

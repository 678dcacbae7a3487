#include "syntax/cursor.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "syntax/diagnosis.h"
#include "syntax/keywords.h"

namespace millrace::syntax {

Cursor::Cursor(std::string_view text) : text_(text), tokens_(Tokenize(text)) {}

const Token& Cursor::token(size_t ahead) const {
  return tokens_.list[std::min(at_ + ahead, tokens_.list.size() - 1)];
}

/// How many words of the phrase stand at `index`; `rest` is the others.
size_t Cursor::Matches(std::string_view phrase, size_t index, std::string_view* rest) const {
  size_t count = 0;
  while (!phrase.empty()) {
    const size_t blank = std::min(phrase.find(' '), phrase.size());
    const Token& token = tokens_.list[std::min(index + count, tokens_.list.size() - 1)];
    if (!token.Is(phrase.substr(0, blank))) break;
    ++count;
    phrase.remove_prefix(std::min(blank + 1, phrase.size()));
  }
  *rest = phrase;
  return count;
}

bool Cursor::Is(std::string_view phrase, size_t ahead) const {
  std::string_view rest;
  Matches(phrase, at_ + ahead, &rest);
  return rest.empty();
}

bool Cursor::IsName(size_t ahead) const {
  const Token& next = token(ahead);
  return next.kind == TokenKind::kQuotedName ||
         (next.kind == TokenKind::kWord && !IsReserved(next.text));
}

bool Cursor::Sees(std::string_view phrase) {
  const size_t before = at_;
  const bool sees = Accept(phrase);
  at_ = before;
  return sees;
}

bool Cursor::Accept(std::string_view phrase) {
  std::string_view rest;
  const size_t count = Matches(phrase, at_, &rest);
  if (!rest.empty()) {
    Remember(at_ + count, rest);
    return false;
  }
  at_ += count;
  return true;
}

bool Cursor::Accept(TokenKind kind, const Category& category) {
  if (token().kind != kind) {
    Wants(category);
    return false;
  }
  ++at_;
  return true;
}

void Cursor::Expect(std::string_view phrase) {
  if (!Accept(phrase)) Fail();
}

Token Cursor::Take() {
  Token taken = token();
  if (!at_end()) ++at_;
  return taken;
}

Identifier Cursor::ReadName(const Category& category) {
  if (!IsName()) {
    Wants(category);
    Fail();
  }
  return ReadAnyWord(category);
}

Identifier Cursor::ReadAnyWord(const Category& category) {
  const Token& here = token();
  if (here.kind == TokenKind::kQuotedName || here.kind == TokenKind::kWord) {
    ++at_;
    return {here.kind == TokenKind::kWord ? std::string(here.text) : here.value, here.position};
  }
  Wants(category);
  Fail();
}

QualifiedName Cursor::ReadQualifiedName(const Category& category) {
  QualifiedName name{{ReadName(category)}};
  while (Is(".")) {
    Take();
    name.parts.push_back(ReadAnyWord(category));
  }
  return name;
}

std::vector<Identifier> Cursor::ReadNames(const Category& category) {
  return ReadParenthesized(*this, [&](Cursor& cursor) { return cursor.ReadName(category); });
}

std::string Cursor::ReadString(const Category& category) {
  if (!Accept(TokenKind::kString, category)) Fail();
  return previous().value;
}

int64_t Cursor::ReadWholeNumber(int64_t max) {
  if (!Accept(TokenKind::kInteger, kWholeNumber)) Fail();
  const std::string_view digits = previous().text;
  int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || value > max) {
    FailAt(previous().position, std::string(digits) + " is too large here",
           "at most " + std::to_string(max));
  }
  return value;
}

void Cursor::After(std::string_view what) {
  after_ = what;
  after_end_ = at_;
}

std::span<const Comment> Cursor::CommentsHere() const {
  const auto less = [](const Comment& comment, size_t token) { return comment.token < token; };
  const auto& all = tokens_.comments;
  const auto first = std::lower_bound(all.begin(), all.end(), at_, less);
  const auto last = std::lower_bound(first, all.end(), at_ + 1, less);
  return {first, last};
}

std::string Cursor::TrailingComment() const {
  const std::span<const Comment> comments = CommentsHere();
  const bool trails = !comments.empty() && at_ > 0 && previous().Is(";") &&
                      comments.front().line == previous().position.line;
  return trails ? std::string(comments.front().text) : std::string();
}

std::vector<std::string> Cursor::Comments() const {
  std::vector<std::string> out;
  for (const Comment& comment : CommentsHere()) out.emplace_back(comment.text);
  if (!TrailingComment().empty()) out.erase(out.begin());
  return out;
}

void Cursor::SkipStatement() {
  while (!at_end() && !Is(";")) ++at_;
}

void Cursor::Remember(size_t index, Expectation expectation) {
  if (index > furthest_) {
    expected_.clear();
    furthest_ = index;
  }
  if (index == furthest_) expected_.push_back(expectation);
}

void Cursor::Fail() const {
  Failure failure;
  failure.tokens = tokens_.list;
  failure.statement = statement_;
  failure.at = std::max(at_, furthest_);
  if (furthest_ >= at_) failure.expected = expected_;
  if (after_end_ == failure.at) failure.after = after_;
  failure.after_alias = alias_end_ == failure.at;
  throw SyntaxError{Diagnose(failure)};
}

void Cursor::FailAt(const Position& position, std::string message, std::string hint) const {
  throw SyntaxError{Error::User(std::move(message)).At(position).Hint(std::move(hint))};
}

void Cursor::Check(const Status& status, const Position& position) const {
  if (!status.ok()) throw SyntaxError{WithPlace(status, position)};
}

std::vector<std::string> Cursor::WordsAtEnd() const {
  std::vector<std::string> words;
  if (furthest_ + 1 != tokens_.list.size()) return words;
  for (const Expectation& expectation : expected_) expectation.AppendWords(&words);
  return words;
}

void Cursor::Stack(int height) {
  height_ += height;
  CheckHeight();
}

void Cursor::CheckHeight() const {
  if (height_ <= kMaxHeight) return;
  FailAt(place(), "the statement is nested too deeply, or chains too many operators",
         "at most " + std::to_string(kMaxHeight / kNesting) + " levels, and " +
             std::to_string(kMaxHeight) +
             " operators in a row; use IN (…), a list of VALUES, WITH, or views");
}

Cursor::Level::Level(Cursor& cursor) : cursor_(cursor), siblings_(cursor.height_) {
  if (cursor.depth_ == kMaxNesting) {
    cursor.FailAt(cursor.place(), "the statement is nested too deeply here",
                  "at most " + std::to_string(kMaxNesting) + " levels; use views or a WITH clause");
  }
  ++cursor.depth_;
  cursor.height_ = 0;
}

Cursor::Level::~Level() {
  --cursor_.depth_;
  cursor_.height_ = std::max(siblings_, cursor_.height_ + kNesting);
}

}  // namespace millrace::syntax

#include "syntax/interactive.h"

#include <algorithm>

#include "syntax/cursor.h"
#include "syntax/read_statement.h"
#include "syntax/text.h"

namespace millrace::syntax {
namespace {

bool EndsInComment(std::string_view text, const Tokens& tokens) {
  if (tokens.comments.empty()) return false;
  const std::string_view last = tokens.comments.back().text;
  return last.starts_with("--") && last.data() + last.size() == text.data() + text.size();
}

/// The word that ends where the text ends; empty where there is none.
std::string_view LastWord(std::string_view text, const Tokens& tokens) {
  if (tokens.list.size() < 2) return {};
  const Token& last = tokens.list[tokens.list.size() - 2];
  const bool touches = last.kind == TokenKind::kWord && last.end() == text.size();
  return touches ? last.text : std::string_view();
}

/// Reads to the end, passing over statements that are wrong.
std::vector<std::string> WordsAtEnd(std::string_view text) {
  Cursor cursor(text);
  while (true) {
    cursor.BeginStatement();
    try {
      ReadStatement(cursor);
    } catch (const SyntaxError&) {
      // What was expected is remembered; another statement may follow.
    }
    if (std::vector<std::string> words = cursor.WordsAtEnd(); !words.empty()) return words;
    cursor.SkipStatement();
    if (!cursor.Is(";")) return {};
    while (cursor.Is(";")) cursor.Take();
  }
}

}  // namespace

bool IsComplete(std::string_view text) {
  const Tokens tokens = Tokenize(text);
  if (tokens.unterminated) return false;
  const auto is = [&](size_t index, std::string_view word) {
    return index < tokens.list.size() && tokens.list[index].Is(word);
  };
  bool complete = false;
  bool in_set = false;
  bool at_start = true;
  for (size_t i = 0; i + 1 < tokens.list.size(); ++i) {
    if (at_start && in_set && is(i, "END")) in_set = false;
    const bool set = is(i, "STATEMENT") && is(i + 1, "SET");
    if (set && (is(i + 2, "BEGIN") || (i > 0 && is(i - 1, "BEGIN")))) in_set = true;
    complete = is(i, ";") && !in_set;
    at_start = is(i, ";") || (in_set && is(i, "BEGIN"));
  }
  return complete;
}

std::vector<std::string> ExpectedAt(std::string_view text, size_t offset) {
  const std::string_view before = text.substr(0, std::min(offset, text.size()));
  const Tokens tokens = Tokenize(before);
  if (tokens.unterminated || EndsInComment(before, tokens)) return {};
  const std::string_view word = LastWord(before, tokens);
  std::vector<std::string> words = WordsAtEnd(before.substr(0, before.size() - word.size()));
  std::erase_if(words, [&](const std::string& candidate) {
    return !candidate.starts_with('<') &&
           !EqualsIgnoringCase(std::string_view(candidate).substr(0, word.size()), word);
  });
  std::sort(words.begin(), words.end());
  return words;
}

}  // namespace millrace::syntax

#include "syntax/lexer.h"

#include <array>
#include <optional>
#include <string>
#include <utility>

#include "syntax/text.h"

namespace millrace::syntax {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsNameStart(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}
bool IsNamePart(char c) { return IsNameStart(c) || IsDigit(c) || c == '$'; }

/// Longest first. The ones SQL lacks are read whole, so that the parser can name them.
constexpr std::array<std::string_view, 17> kLongSymbols = {"->>", "<=>", "<>", "!=", "<=", ">=",
                                                           "=>",  "||",  "==", "&&", "::", "->",
                                                           ":=",  "=~",  "!~", "**", "<<"};

struct Lookalike {
  std::string_view bytes;
  std::string_view meant;
};
constexpr std::array<Lookalike, 11> kLookalikes = {{{"‘", "'"},
                                                    {"’", "'"},
                                                    {"“", "'"},
                                                    {"”", "'"},
                                                    {"，", ","},
                                                    {"；", ";"},
                                                    {"（", "("},
                                                    {"）", ")"},
                                                    {"＝", "="},
                                                    {"–", "-"},
                                                    {"—", "-"}}};

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  Tokens Run() {
    while (SkipBlanks()) Next();
    Token& end = out_.list.emplace_back();
    end.begin = text_.size();
    end.text = text_.substr(text_.size());
    end.position = last_end_;
    return std::move(out_);
  }

 private:
  bool Starts(std::string_view with) const { return text_.substr(at_).starts_with(with); }
  char Look(size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }

  /// Moves to `to`, counting lines and columns.
  void MoveTo(size_t to) {
    for (; at_ < to; ++at_) {
      if (text_[at_] == '\n') {
        ++position_.line;
        position_.column = 1;
      } else if ((text_[at_] & 0xC0) != 0x80) {
        ++position_.column;
      }
    }
  }

  /// The length of the blank at `at`; 0 where there is none.
  size_t BlankAt(size_t at) const {
    const char c = text_[at];
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v') return 1;
    for (const std::string_view blank : {"\u00A0", "\u3000", "\uFEFF"}) {
      if (text_.substr(at).starts_with(blank)) return blank.size();
    }
    return 0;
  }

  /// To the next token; false at the end of the text.
  bool SkipBlanks() {
    while (at_ < text_.size()) {
      if (const size_t blank = BlankAt(at_); blank > 0) {
        MoveTo(at_ + blank);
      } else if (Starts("--")) {
        AddComment(std::min(text_.find('\n', at_), text_.size()));
      } else if (Starts("/*") && !Starts("/*+")) {
        const size_t close = text_.find("*/", at_ + 2);
        if (close == std::string_view::npos) return true;
        AddComment(close + 2);
      } else {
        return true;
      }
    }
    return false;
  }

  void AddComment(size_t end) {
    std::string_view comment = text_.substr(at_, end - at_);
    while (comment.ends_with('\r') || comment.ends_with(' ') || comment.ends_with('\t')) {
      comment.remove_suffix(1);
    }
    out_.comments.push_back({out_.list.size(), comment, position_.line});
    MoveTo(end);
  }

  Token& Add(TokenKind kind, size_t end, std::string value = {}) {
    Token& token = out_.list.emplace_back();
    token.kind = kind;
    token.text = text_.substr(at_, end - at_);
    token.value = std::move(value);
    token.begin = at_;
    token.position = position_;
    MoveTo(end);
    last_end_ = position_;
    return token;
  }

  void Invalid(size_t end, std::string message, std::string hint) {
    Add(TokenKind::kInvalid, end, std::move(message)).hint = std::move(hint);
  }

  void Unterminated(std::string message, std::string hint) {
    out_.unterminated = true;
    Invalid(text_.size(), std::move(message), std::move(hint));
  }

  void Next() {
    const char c = Look();
    if (c == '\'') return String(at_, "");
    if (c == '`') return QuotedName();
    if (c == '"') return DoubleQuoted();
    if (IsDigit(c) || (c == '.' && IsDigit(Look(1)))) return Number();
    if ((c == 'x' || c == 'X') && Look(1) == '\'') return String(at_ + 1, "X");
    if ((c == 'u' || c == 'U') && Look(1) == '&' && Look(2) == '\'') return String(at_ + 2, "U");
    if (const Lookalike* found = FindLookalike(at_)) {
      return Invalid(at_ + found->bytes.size(),
                     "'" + std::string(found->bytes) + "' is not a mark of SQL",
                     "write " + std::string(found->meant));
    }
    if (IsNameStart(c)) return Word();
    Symbol();
  }

  const Lookalike* FindLookalike(size_t at) const {
    for (const Lookalike& lookalike : kLookalikes) {
      if (text_.substr(at).starts_with(lookalike.bytes)) return &lookalike;
    }
    return nullptr;
  }

  /// The text between two `quote`s from `from` on, doubled ones resolved; none where the second is
  /// missing.
  std::optional<std::pair<std::string, size_t>> Quoted(size_t from, char quote) const {
    std::string value;
    for (size_t i = from + 1; i < text_.size(); ++i) {
      if (text_[i] == quote) {
        if (i + 1 >= text_.size() || text_[i + 1] != quote) return std::pair(value, i + 1);
        ++i;
      }
      value += text_[i];
    }
    return std::nullopt;
  }

  void String(size_t from, std::string_view prefix) {
    auto quoted = Quoted(from, '\'');
    if (!quoted) {
      return Unterminated("the string that starts here has no closing quote",
                          "end it with '; a quote inside a string is written twice: 'it''s'");
    }
    auto& [value, end] = *quoted;
    if (prefix == "X") return Binary(value, end);
    if (prefix == "U") return UnicodeString(value, end);
    if (!IsUtf8(value)) {
      return Invalid(end, "the string is not valid UTF-8", "write bytes as X'00ff'");
    }
    Add(TokenKind::kString, end, std::move(value));
  }

  void Binary(std::string_view digits, size_t end) {
    std::optional<std::string> bytes = DecodeHex(digits);
    if (!bytes) {
      return Invalid(end, "X'…' takes an even number of hexadecimal digits", "such as X'00ff'");
    }
    Add(TokenKind::kBinary, end, std::move(*bytes));
  }

  void UnicodeString(std::string_view raw, size_t end) {
    // UESCAPE 'c' belongs to the token: the string cannot be read without it.
    char escape = '\\';
    constexpr std::string_view kEscape = "UESCAPE";
    size_t next = end;
    while (next < text_.size() && (text_[next] == ' ' || text_[next] == '\n')) ++next;
    if (EqualsIgnoringCase(text_.substr(next, kEscape.size()), kEscape)) {
      next += kEscape.size();
      while (next < text_.size() && (text_[next] == ' ' || text_[next] == '\n')) ++next;
      const std::string_view quoted = text_.substr(next, 3);
      if (quoted.size() != 3 || quoted[0] != '\'' || quoted[2] != '\'') {
        return Invalid(next, "UESCAPE takes one character", "such as UESCAPE '#'");
      }
      escape = quoted[1];
      end = next + 3;
    }
    std::optional<std::string> value = DecodeUnicodeEscapes(raw, escape);
    if (!value) {
      return Invalid(end, "the string has a wrong Unicode escape",
                     std::string("write ") + escape + "00e9 or " + escape + "+01f600, and " +
                         escape + escape + " for " + escape);
    }
    Add(TokenKind::kString, end, std::move(*value));
  }

  void QuotedName() {
    auto quoted = Quoted(at_, '`');
    if (!quoted) {
      return Unterminated("the name that starts here has no closing backquote", "end it with `");
    }
    auto& [value, end] = *quoted;
    if (value.empty()) return Invalid(end, "a name cannot be empty", "");
    if (!IsUtf8(value)) return Invalid(end, "the name is not valid UTF-8", "");
    Add(TokenKind::kQuotedName, end, std::move(value));
  }

  void DoubleQuoted() {
    auto quoted = Quoted(at_, '"');
    if (!quoted) {
      return Unterminated("unexpected '\"'", "strings stand in single quotes, names in backquotes");
    }
    auto& [value, end] = *quoted;
    std::string inner = value.size() <= 40 ? value : "…";
    Invalid(
        end, "double quotes have no meaning here",
        "use single quotes for a string: '" + inner + "', backquotes for a name: `" + inner + "`");
  }

  void Number() {
    size_t end = at_;
    TokenKind kind = TokenKind::kInteger;
    const auto digits = [&] {
      while (end < text_.size() && IsDigit(text_[end])) ++end;
    };
    digits();
    if (end < text_.size() && text_[end] == '.') {
      kind = TokenKind::kDecimal;
      ++end;
      digits();
    }
    if (end < text_.size() && (text_[end] == 'e' || text_[end] == 'E')) {
      size_t exponent = end + 1;
      if (exponent < text_.size() && (text_[exponent] == '+' || text_[exponent] == '-')) ++exponent;
      if (exponent < text_.size() && IsDigit(text_[exponent])) {
        kind = TokenKind::kApproximate;
        end = exponent;
        digits();
      }
    }
    if (end < text_.size() && IsNamePart(text_[end])) {
      while (end < text_.size() && IsNamePart(text_[end])) ++end;
      const std::string text(text_.substr(at_, end - at_));
      return Invalid(end, "'" + text + "' is neither a number nor a name",
                     "put a blank behind the number; a name that starts with a digit needs "
                     "backquotes: `" +
                         text + "`");
    }
    Add(kind, end);
  }

  bool NameGoesOn(size_t at) const {
    if (at >= text_.size() || !IsNamePart(text_[at])) return false;
    const bool ascii = static_cast<unsigned char>(text_[at]) < 0x80;
    return ascii || (BlankAt(at) == 0 && FindLookalike(at) == nullptr);
  }

  void Word() {
    size_t end = at_;
    while (NameGoesOn(end)) ++end;
    if (!IsUtf8(text_.substr(at_, end - at_))) {
      return Invalid(end, "the text is not valid UTF-8 here", "save the script as UTF-8");
    }
    Add(TokenKind::kWord, end);
  }

  void Symbol() {
    if (Starts("/*+")) {
      in_hint_ = true;
      Add(TokenKind::kSymbol, at_ + 3);
      return;
    }
    if (Starts("/*")) {
      return Unterminated("the comment that starts here is not closed", "end it with */");
    }
    if (in_hint_ && Starts("*/")) {
      in_hint_ = false;
      Add(TokenKind::kSymbol, at_ + 2);
      return;
    }
    for (const std::string_view symbol : kLongSymbols) {
      if (Starts(symbol)) {
        Add(TokenKind::kSymbol, at_ + symbol.size());
        return;
      }
    }
    constexpr std::string_view kSymbols = ",;()[]{}<>=+-*/%.|^$?:!&~@#\\";
    if (kSymbols.find(Look()) != std::string_view::npos) {
      Add(TokenKind::kSymbol, at_ + 1);
      return;
    }
    Invalid(at_ + 1, "the text has a control character here", "remove it");
  }

  std::string_view text_;
  size_t at_ = 0;
  Position position_{1, 1};
  Position last_end_{1, 1};
  bool in_hint_ = false;
  Tokens out_;
};

}  // namespace

bool Token::IsWord(std::string_view word) const {
  return kind == TokenKind::kWord && EqualsIgnoringCase(text, word);
}

bool Token::Is(std::string_view word_or_symbol) const {
  return kind == TokenKind::kSymbol ? text == word_or_symbol : IsWord(word_or_symbol);
}

Tokens Tokenize(std::string_view text) { return Lexer(text).Run(); }

}  // namespace millrace::syntax

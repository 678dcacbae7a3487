#include "syntax/diagnosis.h"

#include <algorithm>
#include <string>
#include <vector>

#include "base/suggest.h"
#include "syntax/keywords.h"
#include "syntax/text.h"

namespace millrace::syntax {
namespace {

constexpr size_t kShown = 40;   ///< of a token
constexpr size_t kListed = 10;  ///< of what was expected

std::string Quote(const Token& token) {
  if (token.kind == TokenKind::kEnd) return "end of the text";
  const std::string_view line = token.text.substr(0, token.text.find('\n'));
  size_t shown = std::min(line.size(), kShown);
  while (shown < line.size() && (line[shown] & 0xC0) == 0x80) --shown;
  std::string text(line.substr(0, shown));
  if (shown < token.text.size()) text += "…";
  return token.kind == TokenKind::kString ? text : "'" + text + "'";
}

std::string Enumerate(std::span<const Expectation> expected) {
  std::vector<std::string> names;
  for (const Expectation& expectation : expected) {
    std::string name = expectation.Description();
    if (!name.empty() && std::find(names.begin(), names.end(), name) == names.end()) {
      names.push_back(std::move(name));
    }
  }
  // The end of the statement is worth naming however long the list is.
  const bool long_list = names.size() > kListed + 1;
  if (long_list) names.erase(names.begin() + kListed - 1, names.end() - 1);
  std::string out;
  for (size_t i = 0; i < names.size(); ++i) {
    if (i > 0) out += i + 1 == names.size() ? (long_list ? ", … or " : " or ") : ", ";
    out += names[i];
  }
  return out;
}

bool IsOneOf(const Token& token, std::initializer_list<std::string_view> phrases) {
  return std::any_of(phrases.begin(), phrases.end(),
                     [&](std::string_view phrase) { return token.Is(phrase); });
}

/// The keyword that `word` is a misspelling of, or the words run together.
std::string NearestKeyword(const Token& token, std::span<const Expectation> expected) {
  if (token.kind != TokenKind::kWord || token.text.size() < 3 || IsReserved(token.text)) return {};
  std::vector<std::string> phrases;
  for (const Expectation& expectation : expected) expectation.AppendWords(&phrases);
  std::erase_if(phrases,
                [](const std::string& phrase) { return phrase.size() < 3 || phrase[0] == '<'; });
  std::vector<std::string> candidates;
  for (const std::string& phrase : phrases)
    candidates.push_back(phrase.substr(0, phrase.find(' ')));
  for (const std::string& phrase : phrases) {
    std::string joined = phrase;
    std::erase(joined, ' ');
    candidates.push_back(std::move(joined));
  }
  const std::string nearest = Nearest(token.text, candidates);
  if (nearest.empty()) return {};
  const auto found = std::find(candidates.begin(), candidates.end(), nearest) - candidates.begin();
  return phrases[static_cast<size_t>(found) % phrases.size()];
}

class Diagnosis {
 public:
  explicit Diagnosis(const Failure& failure) : f_(failure) {}

  Status Make() const {
    if (f_.after_alias && f_.at > f_.statement) {
      const size_t alias = f_.at - 1;
      if (std::string keyword = NearestKeyword(f_.tokens[alias], f_.expected); !keyword.empty()) {
        return Report(alias, "did you mean " + keyword + "?");
      }
    }
    if (Here().kind == TokenKind::kInvalid) {
      return Error::User(Here().value).At(Here().position).Hint(Here().hint);
    }
    return Report(f_.at, Hint());
  }

 private:
  const Token& Here() const { return f_.tokens[f_.at]; }
  const Token* Before() const { return f_.at > f_.statement ? &f_.tokens[f_.at - 1] : nullptr; }
  const Token& Behind() const { return f_.tokens[std::min(f_.at + 1, f_.tokens.size() - 1)]; }

  /// A phrase or a category.
  template <class Wanted>
  bool Expects(const Wanted& wanted) const {
    return std::any_of(f_.expected.begin(), f_.expected.end(),
                       [&](const Expectation& e) { return e.Is(wanted); });
  }

  Status Report(size_t at, std::string hint) const {
    std::string message = "unexpected " + Quote(f_.tokens[at]);
    if (!f_.after.empty()) {
      message += " after " + std::string(f_.after);
    } else if (at > f_.statement) {
      message += " after " + Quote(f_.tokens[at - 1]);
    }
    if (const std::string expected = Enumerate(f_.expected); !expected.empty()) {
      message += "; expected " + expected;
    }
    return Error::User(std::move(message)).At(f_.tokens[at].position).Hint(std::move(hint));
  }

  std::string Hint() const {
    using Rule = std::string (Diagnosis::*)() const;
    static constexpr Rule kRules[] = {
        &Diagnosis::ForeignOperator, &Diagnosis::TrailingComma, &Diagnosis::QuoteInString,
        &Diagnosis::UnitInString,    &Diagnosis::Unquoted,      &Diagnosis::MissingSemicolon,
        &Diagnosis::MisplacedClause, &Diagnosis::Misspelled,    &Diagnosis::ReservedWord,
        &Diagnosis::MissingComma,    &Diagnosis::Parenthesis,
    };
    for (const Rule rule : kRules) {
      if (std::string hint = (this->*rule)(); !hint.empty()) return hint;
    }
    return {};
  }

  std::string ForeignOperator() const {
    if (Here().kind != TokenKind::kSymbol) return {};
    struct Meaning {
      std::string_view symbol;
      std::string_view hint;
    };
    static constexpr Meaning kMeanings[] = {
        {"==", "equality is written ="},
        {"&&", "write AND"},
        {"!", "write NOT"},
        {"<=>", "write IS NOT DISTINCT FROM"},
        {"::", "write CAST(value AS type)"},
        {":=", "a named argument is written name => value"},
        {"->", "read JSON with JSON_VALUE(json, '$.path')"},
        {"->>", "read JSON with JSON_VALUE(json, '$.path')"},
        {"=~", "write SIMILAR TO, or REGEXP(text, pattern)"},
        {"!~", "write NOT SIMILAR TO, or NOT REGEXP(text, pattern)"},
        {"**", "write POWER(base, exponent)"},
        {"^", "write POWER(base, exponent)"},
        {"?", "parameters are not supported; write the value"},
        {"#", "a comment begins with --"},
        {"|", "strings are joined with ||, conditions with OR"},
        {"/*+",
         "hints stand behind SELECT or behind a table name; a comment begins with /* and a blank"},
    };
    for (const Meaning& meaning : kMeanings) {
      if (Here().text == meaning.symbol) return std::string(meaning.hint);
    }
    const bool slashes = Here().Is("/") && Before() != nullptr && Before()->Is("/");
    return slashes ? "a comment begins with --" : "";
  }

  std::string TrailingComma() const {
    if (Before() == nullptr || !Before()->Is(",")) return {};
    const Token& here = Here();
    if (here.kind == TokenKind::kEnd) return "remove the comma";
    const bool is_clause = (here.IsWord("GROUP") || here.IsWord("ORDER")) && Behind().IsWord("BY");
    const bool ends = IsOneOf(here, {"FROM", "WHERE", "HAVING", "LIMIT", "UNION", "WITH", "SELECT",
                                     "ON", "AS", ")", "]", "}", ">", ";"});
    return is_clause || ends ? "remove the comma before " + std::string(here.text) : std::string();
  }

  std::string MissingSemicolon() const {
    const bool starts =
        IsOneOf(Here(), {"SELECT", "WITH", "INSERT", "CREATE", "DROP", "ALTER", "SHOW", "DESCRIBE",
                         "EXPLAIN", "EXECUTE", "SET", "USE", "END"});
    return starts && Expects(";") ? "is a ';' missing before " + std::string(Here().text) + "?"
                                  : std::string();
  }

  std::string MisplacedClause() const {
    if (Here().IsWord("INSERT") && Expects("SELECT") && Expects("VALUES")) {
      return "INSERT INTO stands before WITH";
    }
    const bool is_clause =
        IsOneOf(Here(), {"FROM", "WHERE", "GROUP", "HAVING", "WINDOW", "QUALIFY"});
    if (!is_clause || !Expects("LIMIT")) return {};
    return "clauses stand in the order SELECT, FROM, WHERE, GROUP BY, HAVING, WINDOW, QUALIFY, "
           "ORDER BY, LIMIT";
  }

  std::string QuoteInString() const {
    const bool touches = Before() != nullptr && Before()->kind == TokenKind::kString &&
                         Before()->end() == Here().begin && Here().kind == TokenKind::kWord;
    return touches ? "a quote inside a string is written twice: 'it''s'" : "";
  }

  std::string UnitInString() const {
    if (!Expects(kIntervalUnit) || Before() == nullptr) return {};
    return Before()->kind == TokenKind::kString
               ? "the unit stands behind the quotes: INTERVAL '5' DAY"
               : "";
  }

  std::string Unquoted() const {
    const bool wants_string =
        Expects(kOptionKey) || Expects(kOptionValue) || Expects(kString) || Expects(kJobName);
    const bool is_value = Here().kind == TokenKind::kWord || Here().kind == TokenKind::kInteger ||
                          Here().kind == TokenKind::kDecimal ||
                          Here().kind == TokenKind::kQuotedName;
    if (!wants_string || !is_value) return {};
    const std::string text(Here().kind == TokenKind::kQuotedName ? Here().value : Here().text);
    if (Expects(kOptionKey) && Behind().Is("."))
      return "write the key in single quotes, such as '" + text + ".…'";
    return "write it in single quotes: '" + text + "'";
  }

  std::string Misspelled() const {
    const std::string keyword = NearestKeyword(Here(), f_.expected);
    return keyword.empty() ? keyword : "did you mean " + keyword + "?";
  }

  std::string ReservedWord() const {
    if (Here().kind != TokenKind::kWord || !IsReserved(Here().text)) return {};
    if (IsOneOf(Here(), {"SELECT", "FROM", "WHERE", "GROUP", "HAVING", "UNION", "JOIN", "ON", "AND",
                         "OR", "AS", "WITH", "BY", "VALUES", "NOT"})) {
      return {};
    }
    const bool wants_name = std::any_of(f_.expected.begin(), f_.expected.end(),
                                        [](const Expectation& e) { return e.is_name(); });
    if (!wants_name && !(Expects(kExpression) && LooksLikeOperand())) return {};
    return "'" + std::string(Here().text) +
           "' is a reserved word; as a name it needs backquotes: `" + std::string(Here().text) +
           "`";
  }

  /// Whether what follows is what follows a column.
  bool LooksLikeOperand() const {
    const Token& behind = Behind();
    if (behind.kind == TokenKind::kEnd) return true;
    if (behind.kind == TokenKind::kSymbol) return !behind.Is("(");
    return IsOneOf(behind, {"FROM", "AS", "AND", "OR", "IS", "IN", "LIKE", "BETWEEN", "ASC", "DESC",
                            "THEN", "END", "ELSE", "WHEN"});
  }

  std::string MissingComma() const {
    if (!Expects(",") || Before() == nullptr) return {};
    const TokenKind kind = Here().kind;
    const bool starts_item = kind == TokenKind::kQuotedName || kind == TokenKind::kString ||
                             kind == TokenKind::kInteger || kind == TokenKind::kDecimal ||
                             (kind == TokenKind::kWord && !IsReserved(Here().text));
    return starts_item ? "is a comma missing before " + Quote(Here()) + "?" : std::string();
  }

  std::string Parenthesis() const {
    std::vector<const Token*> open;
    for (size_t i = f_.statement; i < f_.at; ++i) {
      const Token& token = f_.tokens[i];
      if (token.Is("(") || token.Is("[")) open.push_back(&token);
      if ((token.Is(")") || token.Is("]")) && !open.empty()) open.pop_back();
    }
    if (open.empty()) {
      return Here().Is(")") || Here().Is("]")
                 ? "nothing is open that " + Quote(Here()) + " could close"
                 : std::string();
    }
    const Token& last = *open.back();
    if (!Expects(last.Is("(") ? ")" : "]")) return {};
    return Quote(last) + " at " + std::to_string(last.position.line) + ":" +
           std::to_string(last.position.column) + " is still open";
  }

  const Failure& f_;
};

}  // namespace

Status Diagnose(const Failure& failure) { return Diagnosis(failure).Make(); }

}  // namespace millrace::syntax

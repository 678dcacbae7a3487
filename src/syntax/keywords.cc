#include "syntax/keywords.h"

#include <string>
#include <unordered_set>

#include "syntax/lexer.h"
#include "syntax/text.h"
#include "types/sql_type.h"

namespace millrace::syntax {
namespace {

using Words = std::unordered_set<std::string>;

bool Has(const Words& words, std::string_view word) { return words.contains(ToUpper(word)); }

const Words& Niladic() {
  static const Words words = {"CURRENT_DATE", "CURRENT_TIME", "CURRENT_TIMESTAMP", "LOCALTIME",
                              "LOCALTIMESTAMP"};
  return words;
}

const Words& Reserved() {
  static const Words words = {"ALL",
                              "ALTER",
                              "AND",
                              "ANY",
                              "AS",
                              "BETWEEN",
                              "BY",
                              "CASE",
                              "CAST",
                              "CREATE",
                              "CROSS",
                              "DISTINCT",
                              "DROP",
                              "ELSE",
                              "END",
                              "EXCEPT",
                              "EXISTS",
                              "FALSE",
                              "FETCH",
                              "FOR",
                              "FROM",
                              "FULL",
                              "GROUP",
                              "HAVING",
                              "IN",
                              "INNER",
                              "INSERT",
                              "INTERSECT",
                              "INTO",
                              "IS",
                              "JOIN",
                              "LATERAL",
                              "LEFT",
                              "LIKE",
                              "LIMIT",
                              "NATURAL",
                              "NOT",
                              "NULL",
                              "OFFSET",
                              "ON",
                              "OR",
                              "ORDER",
                              "OUTER",
                              "OVER",
                              "QUALIFY",
                              "RIGHT",
                              "SELECT",
                              "SIMILAR",
                              "SOME",
                              "TABLE",
                              "THEN",
                              "TO",
                              "TRUE",
                              "TABLESAMPLE",
                              "TRY_CAST",
                              "UNION",
                              "UNKNOWN",
                              "UNNEST",
                              "USING",
                              "VALUES",
                              "WHEN",
                              "WHERE",
                              "WINDOW",
                              "WITH",
                              "OVERLAPS",
                              "PRIMARY",
                              "MATCH_RECOGNIZE"};
  return words;
}

/// Names that some place of the grammar would read as a keyword: printed in backquotes everywhere.
/// Names that some place of the grammar would read as a keyword: printed in backquotes everywhere.
const Words& Ambiguous() {
  static const Words words = {"ARRAY",     "ASYMMETRIC", "BOTH",      "CONSTRAINT", "FINAL",
                              "INTERVAL",  "LEADING",    "MAP",       "PARTITION",  "PERMUTE",
                              "PLACING",   "RANGE",      "ROW",       "ROWS",       "RUNNING",
                              "SYMMETRIC", "TRAILING",   "UNBOUNDED", "WATERMARK"};
  return words;
}

/// Functions that are no plain calls, or need not be.
const Words& SpecialFunctions() {
  static const Words words = {"CUBE",          "DESCRIPTOR",   "EXTRACT",     "JSON_ARRAY",
                              "JSON_ARRAYAGG", "JSON_EXISTS",  "JSON_OBJECT", "JSON_OBJECTAGG",
                              "JSON_QUERY",    "JSON_VALUE",   "POSITION",    "ROLLUP",
                              "TIMESTAMPADD",  "TIMESTAMPDIFF"};
  return words;
}

bool IsPlain(std::string_view name) {
  const Tokens tokens = Tokenize(name);
  return tokens.list.size() == 2 && tokens.list[0].kind == TokenKind::kWord &&
         tokens.list[0].text == name;
}

}  // namespace

bool IsNiladic(std::string_view word) { return Has(Niladic(), word); }

bool IsReserved(std::string_view word) { return Has(Reserved(), word) || IsNiladic(word); }

bool IsReservedFunction(std::string_view word) {
  static const Words words = {"LEFT", "RIGHT"};
  return Has(words, word);
}

std::string WriteName(std::string_view name) {
  const bool plain = IsPlain(name) && !IsReserved(name) && !Has(Ambiguous(), name);
  return plain ? std::string(name) : QuoteIdentifier(name);
}

std::string WriteFunctionName(std::string_view name) {
  if (IsReservedFunction(name)) return std::string(name);
  return Has(SpecialFunctions(), name) ? QuoteIdentifier(name) : WriteName(name);
}

}  // namespace millrace::syntax

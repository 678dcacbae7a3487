#include <optional>
#include <utility>

#include "syntax/interval.h"
#include "syntax/keywords.h"
#include "syntax/read_expression.h"
#include "syntax/read_query.h"
#include "syntax/read_type.h"
#include "syntax/text.h"

namespace millrace::syntax {
namespace {

ExpressionPtr TakeLiteral(Cursor& cursor, LiteralKind kind) {
  Token token = cursor.Take();
  const bool resolved = token.kind == TokenKind::kString || token.kind == TokenKind::kBinary;
  return MakeExpression(Literal{kind, resolved ? std::move(token.value) : std::string(token.text)},
                        token.position);
}

/// Numbers, strings, bytes, NULL and truth values.
ExpressionPtr ReadSimpleLiteral(Cursor& cursor) {
  switch (cursor.token().kind) {
    case TokenKind::kInteger:
      return TakeLiteral(cursor, LiteralKind::kInteger);
    case TokenKind::kDecimal:
      return TakeLiteral(cursor, LiteralKind::kDecimal);
    case TokenKind::kApproximate:
      return TakeLiteral(cursor, LiteralKind::kApproximate);
    case TokenKind::kString:
      return TakeLiteral(cursor, LiteralKind::kString);
    case TokenKind::kBinary:
      return TakeLiteral(cursor, LiteralKind::kBinary);
    default:
      break;
  }
  if (cursor.Is("NULL")) return MakeExpression(Literal{}, cursor.Take().position);
  for (const char* truth : {"TRUE", "FALSE", "UNKNOWN"}) {
    if (cursor.Is(truth)) {
      return MakeExpression(Literal{LiteralKind::kBoolean, truth}, cursor.Take().position);
    }
  }
  return nullptr;
}

ExpressionPtr ReadInterval(Cursor& cursor) {
  const Position at = cursor.Take().position;
  IntervalLiteral literal;
  literal.negative = cursor.Is("-");
  if (literal.negative || cursor.Is("+")) cursor.Take();
  if (cursor.token().kind != TokenKind::kString) {
    cursor.FailAt(cursor.place(), "the number of an INTERVAL stands in single quotes",
                  "write INTERVAL '" + std::string(cursor.token().text) + "' " +
                      std::string(cursor.token(1).text));
  }
  const Position text_at = cursor.place();
  literal.text = cursor.Take().value;
  ReadIntervalQualifier(cursor, &literal);
  cursor.Check(Resolve(&literal), text_at);
  return MakeExpression(std::move(literal), at);
}

/// DATE '…' and the like, INTERVAL '…'. These words are names where no text follows.
ExpressionPtr ReadTemporalLiteral(Cursor& cursor) {
  struct Prefix {
    std::string_view words;
    LiteralKind kind;
    size_t length;
  };
  static constexpr Prefix kPrefixes[] = {
      {"DATE", LiteralKind::kDate, 1},
      {"TIME", LiteralKind::kTime, 1},
      {"TIMESTAMP", LiteralKind::kTimestamp, 1},
      {"TIMESTAMP_LTZ", LiteralKind::kTimestampLtz, 1},
      {"TIMESTAMP WITH LOCAL TIME ZONE", LiteralKind::kTimestampLtz, 5},
  };
  const Position at = cursor.place();
  for (const Prefix& prefix : kPrefixes) {
    if (cursor.Is(prefix.words) && cursor.token(prefix.length).kind == TokenKind::kString) {
      cursor.Expect(prefix.words);
      return MakeExpression(Literal{prefix.kind, cursor.Take().value}, at);
    }
  }
  if (cursor.Is("INTERVAL")) {
    const Token& next = cursor.token(1);
    const TokenKind sign_or_text = next.Is("-") || next.Is("+") ? cursor.token(2).kind : next.kind;
    if (sign_or_text == TokenKind::kString ||
        (next.kind == TokenKind::kInteger && cursor.token(2).kind == TokenKind::kWord)) {
      return ReadInterval(cursor);
    }
  }
  return nullptr;
}

Case ReadCase(Cursor& cursor) {
  cursor.Take();
  Case result;
  if (!cursor.Is("WHEN")) result.operand = ReadExpression(cursor);
  cursor.Expect("WHEN");
  do {
    Case::When& when = result.whens.emplace_back();
    when.condition = ReadExpression(cursor);
    cursor.Expect("THEN");
    when.result = ReadExpression(cursor);
  } while (cursor.Accept("WHEN"));
  if (cursor.Accept("ELSE")) result.otherwise = ReadExpression(cursor);
  cursor.Expect("END");
  return result;
}

Cast ReadCast(Cursor& cursor) {
  Cast cast;
  cast.is_try = cursor.Take().IsWord("TRY_CAST");
  cursor.Expect("(");
  cast.operand = ReadExpression(cursor);
  cursor.Expect("AS");
  cast.type = ReadType(cursor);
  cursor.Expect(")");
  return cast;
}

/// What stands between `open` and `close`, which may be nothing.
std::vector<ExpressionPtr> ReadElements(Cursor& cursor, std::string_view open,
                                        std::string_view close) {
  std::vector<ExpressionPtr> elements;
  cursor.Expect(open);
  if (cursor.Accept(close)) return elements;
  elements = ReadExpressions(cursor);
  cursor.Expect(close);
  return elements;
}

MapConstructor ReadMap(Cursor& cursor) {
  const Position at = cursor.place();
  const std::vector<ExpressionPtr> elements = ReadElements(cursor, "[", "]");
  if (elements.size() % 2 != 0) {
    cursor.FailAt(at, "MAP[…] has a key without a value",
                  "keys and values alternate: MAP['a', 1, 'b', 2]");
  }
  MapConstructor map;
  for (size_t i = 0; i < elements.size(); i += 2) {
    map.entries.emplace_back(elements[i], elements[i + 1]);
  }
  return map;
}

ExpressionPtr ReadConstructor(Cursor& cursor) {
  const Position at = cursor.place();
  const bool bracket = cursor.Is("[", 1);
  if (cursor.Is("ARRAY") && bracket) {
    cursor.Take();
    return MakeExpression(ArrayConstructor{ReadElements(cursor, "[", "]")}, at);
  }
  if (cursor.Is("MAP") && bracket) {
    cursor.Take();
    return MakeExpression(ReadMap(cursor), at);
  }
  if (cursor.Is("ROW") && cursor.Is("(", 1)) {
    cursor.Take();
    return MakeExpression(RowConstructor{ReadElements(cursor, "(", ")")}, at);
  }
  if (cursor.Is("DESCRIPTOR") && cursor.Is("(", 1)) {
    cursor.Take();
    return MakeExpression(Descriptor{cursor.ReadNames(kColumnName)}, at);
  }
  return nullptr;
}

/// A value, a subquery or a row.
ExpressionPtr ReadInParentheses(Cursor& cursor) {
  const Position at = cursor.Take().position;
  const auto subquery = [&](QueryPtr query) {
    cursor.Expect(")");
    return MakeExpression(ScalarSubquery{std::move(query)}, at);
  };
  if (StartsQuery(cursor)) return subquery(ReadQuery(cursor));
  ExpressionPtr first = ReadExpression(cursor);
  if (const auto* inner = first->As<ScalarSubquery>(); inner != nullptr && ContinuesQuery(cursor)) {
    return subquery(ReadQueryAfter(cursor, inner->query));
  }
  if (!cursor.Is(",")) {
    cursor.Expect(")");
    cursor.Unnest();
    return first;
  }
  RowConstructor row{{std::move(first)}};
  while (cursor.Accept(",")) row.values.push_back(ReadExpression(cursor));
  cursor.Expect(")");
  return MakeExpression(std::move(row), at);
}

Exists ReadExists(Cursor& cursor) {
  cursor.Take();
  cursor.Expect("(");
  Exists exists{ReadQuery(cursor)};
  cursor.Expect(")");
  return exists;
}

/// A path of names, or a call.
ExpressionPtr ReadNamed(Cursor& cursor) {
  const Position at = cursor.place();
  const bool is_word = cursor.token().kind == TokenKind::kWord;
  const bool is_function = is_word && cursor.Is("(", 1) && IsReservedFunction(cursor.token().text);
  if (is_word && IsNiladic(cursor.token().text)) {
    const std::string word = ToUpper(cursor.Take().text);
    FunctionCall call;
    call.name.parts.push_back({word, at});
    if (cursor.Is("(")) return ReadCall(cursor, std::move(call.name), false);
    return MakeExpression(std::move(call), at);
  }
  QualifiedName name{
      {is_function ? cursor.ReadAnyWord(kExpression) : cursor.ReadName(kExpression)}};
  while (cursor.Is(".") && !cursor.Is("*", 1)) {
    cursor.Take();
    name.parts.push_back(cursor.ReadAnyWord(kColumnName));
  }
  if (cursor.Is("(")) {
    const bool plain = is_word && name.parts.size() == 1;
    return ReadCall(cursor, std::move(name), plain);
  }
  return MakeExpression(ColumnRef{std::move(name.parts)}, at);
}

}  // namespace

ExpressionPtr ReadPrimary(Cursor& cursor) {
  const Position at = cursor.place();
  if (ExpressionPtr literal = ReadSimpleLiteral(cursor)) return literal;
  if (cursor.Is("(")) return ReadInParentheses(cursor);
  if (cursor.Is("CASE")) return MakeExpression(ReadCase(cursor), at);
  if (cursor.Is("CAST") || cursor.Is("TRY_CAST")) return MakeExpression(ReadCast(cursor), at);
  if (cursor.Is("EXISTS")) return MakeExpression(ReadExists(cursor), at);
  if (ExpressionPtr literal = ReadTemporalLiteral(cursor)) return literal;
  if (ExpressionPtr constructor = ReadConstructor(cursor)) return constructor;
  return ReadNamed(cursor);
}

}  // namespace millrace::syntax

// Functions whose arguments are separated by keywords.

#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/suggest.h"
#include "syntax/read_expression.h"
#include "syntax/read_type.h"
#include "syntax/text.h"

namespace millrace::syntax {
namespace {

void Append(FunctionCall* call, ExpressionPtr value) {
  call->arguments.push_back({std::nullopt, std::move(value)});
}

ExpressionPtr MakeKeyword(std::string word, const Position& at) {
  return MakeExpression(Keyword{std::move(word)}, at);
}

/// A unit of time, also as SQL_TSI_DAY.
ExpressionPtr ReadUnit(Cursor& cursor) {
  static const std::vector<std::string> kUnits = {
      "YEAR",   "QUARTER",     "MONTH",       "WEEK",       "DAY",    "HOUR",    "MINUTE",
      "SECOND", "MILLISECOND", "MICROSECOND", "NANOSECOND", "DECADE", "CENTURY", "MILLENNIUM",
      "DOW",    "ISODOW",      "DOY",         "ISOYEAR",    "EPOCH"};
  const Token& here = cursor.token();
  std::string word = ToUpper(here.text);
  constexpr std::string_view kPrefix = "SQL_TSI_";
  if (word.starts_with(kPrefix)) word.erase(0, kPrefix.size());
  for (const std::string& unit : kUnits) {
    if (word == unit) return MakeKeyword(unit, cursor.Take().position);
  }
  cursor.Wants(kIntervalUnit);
  if (here.kind != TokenKind::kWord) cursor.Fail();
  cursor.FailAt(here.position, "'" + std::string(here.text) + "' is not a unit of time",
                Suggest(here.text, kUnits));
}

void ReadExtract(Cursor& cursor, FunctionCall* call) {
  Append(call, ReadUnit(cursor));
  cursor.Expect("FROM");
  Append(call, ReadExpression(cursor));
}

void ReadTimestampArithmetic(Cursor& cursor, FunctionCall* call) {
  Append(call, ReadUnit(cursor));
  for (int i = 0; i < 2; ++i) {
    cursor.Expect(",");
    Append(call, ReadExpression(cursor));
  }
}

/// The arguments behind the first one, with commas between them.
void ReadRest(Cursor& cursor, FunctionCall* call) {
  if (cursor.Accept(",")) ReadArguments(cursor, call);
}

void ReadRounding(Cursor& cursor, FunctionCall* call) {
  Append(call, ReadExpression(cursor));
  if (cursor.Accept("TO")) return Append(call, ReadUnit(cursor));
  ReadRest(cursor, call);
}

void ReadTrim(Cursor& cursor, FunctionCall* call) {
  const Position at = cursor.place();
  std::string side;
  for (const char* word : {"BOTH", "LEADING", "TRAILING"}) {
    // A column may have such a name: TRIM(both), TRIM(both.x).
    const bool is_name = cursor.Is(",", 1) || cursor.Is(")", 1) || cursor.Is(".", 1);
    if (cursor.Is(word) && !is_name) {
      side = word;
      cursor.Take();
      break;
    }
  }
  ExpressionPtr characters;
  if (side.empty() || !cursor.Is("FROM")) characters = ReadExpression(cursor);
  if (side.empty() && !cursor.Accept("FROM")) {
    Append(call, std::move(characters));
    return ReadRest(cursor, call);
  }
  if (!side.empty()) cursor.Expect("FROM");
  Append(call, MakeKeyword(side.empty() ? "BOTH" : side, at));
  if (!characters) characters = MakeExpression(Literal{LiteralKind::kString, " "}, at);
  Append(call, std::move(characters));
  Append(call, ReadExpression(cursor));
}

void ReadFromFor(Cursor& cursor, FunctionCall* call) {
  Append(call, ReadExpression(cursor));
  if (cursor.Accept("FOR")) Append(call, ReadExpression(cursor));
}

void ReadSubstring(Cursor& cursor, FunctionCall* call) {
  Append(call, ReadExpression(cursor));
  if (cursor.Accept("FROM")) return ReadFromFor(cursor, call);
  ReadRest(cursor, call);
}

void ReadOverlay(Cursor& cursor, FunctionCall* call) {
  Append(call, ReadExpression(cursor));
  if (!cursor.Accept("PLACING")) return ReadRest(cursor, call);
  Append(call, ReadExpression(cursor));
  cursor.Expect("FROM");
  ReadFromFor(cursor, call);
}

void ReadPosition(Cursor& cursor, FunctionCall* call) {
  Append(call, ReadExpression(cursor, kPredicatePrecedence + 1));
  if (!cursor.Accept("IN")) return ReadRest(cursor, call);
  Append(call, ReadExpression(cursor, kPredicatePrecedence + 1));
  if (cursor.Accept("FROM")) Append(call, ReadExpression(cursor));
}

// ------------------------------------------------------------------------------------------------
// JSON

void ReadOnNull(Cursor& cursor, FunctionCall* call) {
  for (const char* word : {"NULL", "ABSENT"}) {
    const Position at = cursor.place();
    const std::string phrase = std::string(word) + " ON NULL";
    if (!cursor.Is(phrase)) continue;
    for (int i = 0; i < 3; ++i) cursor.Take();
    call->clauses.push_back({"ON NULL", MakeKeyword(word, at)});
    return;
  }
}

bool AtOnNull(const Cursor& cursor) {
  return cursor.Is("NULL ON NULL") || cursor.Is("ABSENT ON NULL");
}

/// KEY may be a column: (key VALUE v), (key.x VALUE v), (key VALUE value), but (KEY value VALUE v).
bool AtKeyword(const Cursor& cursor) {
  if (!cursor.Is("KEY")) return false;
  if (!cursor.Is("VALUE VALUE", 1)) {
    return !cursor.Is("VALUE", 1) && !cursor.Is(":", 1) && !cursor.Is(".", 1);
  }
  const TokenKind kind = cursor.token(3).kind;
  return cursor.IsName(3) || cursor.Is("(", 3) || kind == TokenKind::kString ||
         kind == TokenKind::kInteger || kind == TokenKind::kDecimal;
}

/// `[KEY] k VALUE v`, or `k : v`.
void ReadKeyValue(Cursor& cursor, FunctionCall* call) {
  if (AtKeyword(cursor)) cursor.Take();
  Append(call, ReadExpression(cursor));
  if (!cursor.Accept(":")) cursor.Expect("VALUE");
  Append(call, ReadExpression(cursor));
}

void ReadJsonObject(Cursor& cursor, FunctionCall* call) {
  if (!cursor.Is(")") && !AtOnNull(cursor)) {
    do {
      ReadKeyValue(cursor, call);
    } while (cursor.Accept(","));
  }
  ReadOnNull(cursor, call);
}

void ReadJsonArray(Cursor& cursor, FunctionCall* call) {
  if (!AtOnNull(cursor)) ReadArguments(cursor, call);
  ReadOnNull(cursor, call);
}

void ReadJsonArrayAggregate(Cursor& cursor, FunctionCall* call) {
  Append(call, ReadExpression(cursor));
  ReadOnNull(cursor, call);
}

ExpressionPtr ReadBehaviour(Cursor& cursor) {
  const Position at = cursor.place();
  if (cursor.Accept("DEFAULT")) return ReadExpression(cursor);
  for (const char* word :
       {"NULL", "ERROR", "TRUE", "FALSE", "UNKNOWN", "EMPTY ARRAY", "EMPTY OBJECT"}) {
    if (cursor.Accept(word)) return MakeKeyword(word, at);
  }
  return nullptr;
}

/// `… ON EMPTY` and `… ON ERROR`.
void ReadBehaviours(Cursor& cursor, FunctionCall* call) {
  ExpressionPtr on_empty, on_error;
  while (ExpressionPtr behaviour = ReadBehaviour(cursor)) {
    cursor.Expect("ON");
    ExpressionPtr* target = cursor.Accept("EMPTY") ? &on_empty : &on_error;
    if (target == &on_error) cursor.Expect("ERROR");
    if (*target) cursor.FailAt(behaviour->position, "the same case is handled twice");
    *target = std::move(behaviour);
  }
  if (on_empty) call->clauses.push_back({"ON EMPTY", std::move(on_empty)});
  if (on_error) call->clauses.push_back({"ON ERROR", std::move(on_error)});
}

void ReadWrapper(Cursor& cursor, FunctionCall* call) {
  const Position at = cursor.place();
  std::string wrapper;
  if (cursor.Accept("WITHOUT")) {
    wrapper = "WITHOUT ARRAY";
  } else if (cursor.Accept("WITH")) {
    const bool conditional = cursor.Accept("CONDITIONAL");
    if (!conditional) cursor.Accept("UNCONDITIONAL");
    wrapper = conditional ? "WITH CONDITIONAL ARRAY" : "WITH UNCONDITIONAL ARRAY";
  } else {
    return;
  }
  cursor.Accept("ARRAY");
  cursor.Expect("WRAPPER");
  call->clauses.push_back({"WRAPPER", MakeKeyword(std::move(wrapper), at)});
}

void ReadJsonPath(Cursor& cursor, FunctionCall* call) {
  Append(call, ReadExpression(cursor));
  cursor.Expect(",");
  Append(call, ReadExpression(cursor));
  if (cursor.Accept("RETURNING")) {
    const Position at = cursor.place();
    call->clauses.push_back({"RETURNING", MakeExpression(TypeName{ReadType(cursor)}, at)});
  }
  ReadWrapper(cursor, call);
  ReadBehaviours(cursor, call);
}

using CallReader = void (*)(Cursor&, FunctionCall*);

const std::unordered_map<std::string, CallReader>& Readers() {
  static const std::unordered_map<std::string, CallReader> kReaders = {
      {"EXTRACT", ReadExtract},
      {"TIMESTAMPADD", ReadTimestampArithmetic},
      {"TIMESTAMPDIFF", ReadTimestampArithmetic},
      {"FLOOR", ReadRounding},
      {"CEIL", ReadRounding},
      {"CEILING", ReadRounding},
      {"TRIM", ReadTrim},
      {"SUBSTRING", ReadSubstring},
      {"OVERLAY", ReadOverlay},
      {"POSITION", ReadPosition},
      {"JSON_OBJECT", ReadJsonObject},
      {"JSON_OBJECTAGG", ReadJsonObject},
      {"JSON_ARRAY", ReadJsonArray},
      {"JSON_ARRAYAGG", ReadJsonArrayAggregate},
      {"JSON_VALUE", ReadJsonPath},
      {"JSON_QUERY", ReadJsonPath},
      {"JSON_EXISTS", ReadJsonPath},
  };
  return kReaders;
}

}  // namespace

bool ReadSpecialArguments(Cursor& cursor, FunctionCall* call) {
  const auto found = Readers().find(ToUpper(call->name.parts.front().name));
  if (found == Readers().end()) return false;
  found->second(cursor, call);
  return true;
}

bool HasSpecialArguments(std::string_view function) {
  return Readers().contains(ToUpper(function));
}

}  // namespace millrace::syntax

#include <optional>
#include <utility>

#include "syntax/keywords.h"
#include "syntax/read_expression.h"
#include "syntax/read_query.h"
#include "syntax/text.h"

namespace millrace::syntax {
namespace {

/// `k` or `(a, b)`: without parentheses a comma would end the argument.
template <class ReadItem>
auto ReadOneOrParenthesized(Cursor& cursor, ReadItem read_item) {
  if (cursor.Is("(")) return ReadParenthesized(cursor, read_item);
  return std::vector<decltype(read_item(cursor))>{read_item(cursor)};
}

/// What stands behind TABLE: a name, a query or a call of a table function.
RelationPtr ReadArgumentRelation(Cursor& cursor) {
  const Position at = cursor.place();
  Relation relation;
  relation.position = at;
  if (!cursor.Accept("(")) {
    TableName table;
    table.name = cursor.ReadQualifiedName(kTableName);
    table.hints = ReadHints(cursor);
    relation.node = std::move(table);
    return MakePtr(std::move(relation));
  }
  if (cursor.IsName()) {
    RelationPtr function = ReadTableFunction(cursor, false);
    cursor.Expect(")");
    return function;
  }
  relation.node = DerivedTable{ReadQuery(cursor), false};
  cursor.Expect(")");
  return MakePtr(std::move(relation));
}

ExpressionPtr ReadTableArgument(Cursor& cursor) {
  const Position at = cursor.Take().position;
  TableArgument table;
  table.relation = ReadArgumentRelation(cursor);
  if (cursor.Accept("PARTITION BY")) {
    table.partition_by =
        ReadOneOrParenthesized(cursor, [](Cursor& c) { return ReadExpression(c); });
  }
  if (cursor.Accept("ORDER BY")) {
    table.order_by = ReadOneOrParenthesized(cursor, ReadOrderItem);
  }
  return MakeExpression(std::move(table), at);
}

bool AtModelArgument(const Cursor& cursor) {
  if (!cursor.Is("MODEL")) return false;
  if (!cursor.IsName(1)) return cursor.token(1).kind == TokenKind::kEnd;
  // A column may be called model.
  for (const char* operation : {"AT TIME ZONE", "AT LOCAL", "ABSENT ON NULL", "PLACING"}) {
    if (cursor.Is(operation, 1)) return false;
  }
  return true;
}

ExpressionPtr ReadArgumentValue(Cursor& cursor) {
  cursor.Wants(kArgument);
  if (cursor.Is("TABLE")) return ReadTableArgument(cursor);
  if (AtModelArgument(cursor)) {
    const Position at = cursor.Take().position;
    return MakeExpression(ModelArgument{cursor.ReadQualifiedName(kModelName)}, at);
  }
  return ReadExpression(cursor);
}

Argument ReadArgument(Cursor& cursor) {
  Argument argument;
  if (cursor.Is("=>", 1)) {
    argument.name = cursor.ReadAnyWord(kAnyName);
    cursor.Expect("=>");
  }
  argument.value = ReadArgumentValue(cursor);
  return argument;
}

FrameBound ReadFrameBound(Cursor& cursor) {
  if (cursor.Accept("UNBOUNDED PRECEDING")) return {FrameBound::kUnboundedPreceding, nullptr};
  if (cursor.Accept("UNBOUNDED FOLLOWING")) return {FrameBound::kUnboundedFollowing, nullptr};
  if (cursor.Accept("CURRENT ROW")) return {FrameBound::kCurrentRow, nullptr};
  ExpressionPtr offset = ReadExpression(cursor, kAdditivePrecedence);
  if (cursor.Accept("PRECEDING")) return {FrameBound::kPreceding, std::move(offset)};
  cursor.Expect("FOLLOWING");
  return {FrameBound::kFollowing, std::move(offset)};
}

std::optional<Frame> ReadFrame(Cursor& cursor) {
  Frame frame;
  frame.is_rows = cursor.Accept("ROWS");
  if (!frame.is_rows && !cursor.Accept("RANGE")) return std::nullopt;
  if (!cursor.Accept("BETWEEN")) {
    frame.start = ReadFrameBound(cursor);
    return frame;
  }
  frame.start = ReadFrameBound(cursor);
  cursor.Expect("AND");
  frame.end = ReadFrameBound(cursor);
  return frame;
}

void ReadWithinGroup(Cursor& cursor, FunctionCall* call) {
  cursor.Expect("(");
  cursor.Expect("ORDER BY");
  call->within_group = ReadList(cursor, ReadOrderItem);
  cursor.Expect(")");
}

void ReadNullTreatment(Cursor& cursor, FunctionCall* call) {
  if (cursor.Is("IGNORE NULLS")) {
    cursor.Accept("IGNORE NULLS");
    call->nulls = NullTreatment::kIgnore;
  } else if (cursor.Is("RESPECT NULLS")) {
    cursor.Accept("RESPECT NULLS");
    call->nulls = NullTreatment::kRespect;
  }
}

/// WITHIN GROUP, FILTER, IGNORE NULLS and OVER.
void ReadCallSuffixes(Cursor& cursor, FunctionCall* call) {
  if (cursor.Accept("WITHIN GROUP")) ReadWithinGroup(cursor, call);
  if (cursor.Is("FILTER (")) {
    cursor.Take();
    cursor.Expect("(");
    cursor.Expect("WHERE");
    call->filter = ReadExpression(cursor);
    cursor.Expect(")");
  }
  ReadNullTreatment(cursor, call);
  if (cursor.Accept("OVER")) {
    if (cursor.IsName()) {
      call->over = MakePtr(Over(cursor.ReadName(kAnyName)));
    } else {
      call->over = MakePtr(Over(ReadWindowSpec(cursor)));
    }
  }
}

void ReadPlainArguments(Cursor& cursor, FunctionCall* call) {
  call->distinct = cursor.Accept("DISTINCT");
  if (!call->distinct && cursor.Is("ALL")) cursor.Take();
  if (cursor.Is("*")) {
    const Position at = cursor.Take().position;
    call->arguments.push_back({std::nullopt, MakeExpression(Star{}, at)});
  } else if (call->distinct) {
    call->arguments = ReadList(cursor, ReadArgument);
  } else {
    ReadArguments(cursor, call);
  }
  ReadNullTreatment(cursor, call);
  if (cursor.Is("ORDER BY")) {
    cursor.Accept("ORDER BY");
    call->within_group = ReadList(cursor, ReadOrderItem);
  }
}

}  // namespace

void ReadArguments(Cursor& cursor, FunctionCall* call) {
  if (cursor.Is(")")) return;
  do {
    call->arguments.push_back(ReadArgument(cursor));
  } while (cursor.Accept(","));
}

WindowSpec ReadWindowSpec(Cursor& cursor) {
  cursor.Expect("(");
  WindowSpec spec;
  const bool has_base =
      cursor.IsName() && !cursor.Is("PARTITION BY") && !cursor.Is("ROWS") && !cursor.Is("RANGE");
  if (has_base) spec.base = cursor.ReadName(kAnyName);
  if (cursor.Accept("PARTITION BY")) spec.partition_by = ReadExpressions(cursor);
  if (cursor.Accept("ORDER BY")) spec.order_by = ReadList(cursor, ReadOrderItem);
  spec.frame = ReadFrame(cursor);
  cursor.Expect(")");
  return spec;
}

ExpressionPtr ReadCall(Cursor& cursor, QualifiedName name, bool plain) {
  const Position at = name.position();
  FunctionCall call;
  call.name = std::move(name);
  if (call.name.parts.size() == 1) {
    std::string& word = call.name.parts.front().name;
    if (IsNiladic(word) || HasSpecialArguments(word)) word = ToUpper(word);
  }
  cursor.Expect("(");
  // What only a plain call may begin with.
  const bool has_mark = cursor.Is(")") || cursor.Is("DISTINCT") || cursor.Is("ALL") ||
                        cursor.Is("TABLE") || cursor.Is("*") || cursor.Is("=>", 1) ||
                        AtModelArgument(cursor);
  if (!plain || has_mark || !ReadSpecialArguments(cursor, &call)) {
    ReadPlainArguments(cursor, &call);
  }
  cursor.Expect(")");
  ReadCallSuffixes(cursor, &call);
  return MakeExpression(std::move(call), at);
}

}  // namespace millrace::syntax

#include "syntax/read_expression.h"

#include <utility>

#include "syntax/read_query.h"

namespace millrace::syntax {
namespace {

ExpressionPtr ReadPostfix(Cursor& cursor) {
  ExpressionPtr base = ReadPrimary(cursor);
  while (true) {
    const Position at = base->position;
    if (cursor.Is("[")) {
      cursor.Take();
      ElementAccess access{std::move(base), ReadExpression(cursor)};
      cursor.Expect("]");
      base = MakeExpression(std::move(access), at);
    } else if (cursor.Is(".")) {
      cursor.Take();
      base = MakeExpression(FieldAccess{std::move(base), cursor.ReadAnyWord(kColumnName)}, at);
    } else {
      return base;
    }
    cursor.Stack();
  }
}

ExpressionPtr ReadPrefix(Cursor& cursor) {
  const Position at = cursor.place();
  const auto unary = [&](UnaryOp op, int precedence) {
    cursor.Take();
    return MakeExpression(Unary{op, ReadExpression(cursor, precedence)}, at);
  };
  if (cursor.Is("NOT")) return unary(UnaryOp::kNot, kNotPrecedence);
  if (cursor.Is("-")) return unary(UnaryOp::kMinus, kSignPrecedence);
  if (cursor.Is("+")) return unary(UnaryOp::kPlus, kSignPrecedence);
  if (cursor.IsName(1) && cursor.Is("(", 2)) {
    if (cursor.Is("FINAL")) return unary(UnaryOp::kFinal, kSignPrecedence);
    if (cursor.Is("RUNNING")) return unary(UnaryOp::kRunning, kSignPrecedence);
  }
  return ReadPostfix(cursor);
}

Is ReadIs(Cursor& cursor, ExpressionPtr operand) {
  cursor.Take();
  Is is{std::move(operand), IsTest::kNull, cursor.Accept("NOT")};
  for (const IsTestWord& word : IsTestWords()) {
    if (cursor.Accept(word.text)) {
      is.test = word.test;
      return is;
    }
  }
  cursor.Expect("DISTINCT FROM");
  cursor.Fail();
}

Between ReadBetween(Cursor& cursor, ExpressionPtr operand, bool negated) {
  Between between;
  between.operand = std::move(operand);
  between.negated = negated;
  between.symmetric = cursor.Is("SYMMETRIC") && !cursor.Is("AND", 1);
  if (between.symmetric || (cursor.Is("ASYMMETRIC") && !cursor.Is("AND", 1))) cursor.Take();
  between.low = ReadExpression(cursor, kOperandPrecedence);
  cursor.Expect("AND");
  between.high = ReadExpression(cursor, kOperandPrecedence);
  return between;
}

In ReadIn(Cursor& cursor, ExpressionPtr operand, bool negated) {
  In in;
  in.operand = std::move(operand);
  in.negated = negated;
  cursor.Expect("(");
  if (StartsQuery(cursor)) {
    in.query = ReadQuery(cursor);
  } else {
    ExpressionPtr first = ReadExpression(cursor);
    const auto* subquery = first->As<ScalarSubquery>();
    if (subquery != nullptr && ContinuesQuery(cursor)) {
      in.query = ReadQueryAfter(cursor, subquery->query);
    } else {
      in.list.push_back(std::move(first));
      while (cursor.Accept(",")) in.list.push_back(ReadExpression(cursor));
    }
  }
  cursor.Expect(")");
  return in;
}

Like ReadLike(Cursor& cursor, LikeKind kind, ExpressionPtr operand, bool negated) {
  Like like;
  like.kind = kind;
  like.operand = std::move(operand);
  like.negated = negated;
  like.pattern = ReadExpression(cursor, kOperandPrecedence);
  if (cursor.Accept("ESCAPE")) like.escape = ReadExpression(cursor, kOperandPrecedence);
  return like;
}

/// `[NOT] BETWEEN`, `IN`, `LIKE`, `SIMILAR TO`: true when one was read into `left`.
bool ReadPredicate(Cursor& cursor, ExpressionPtr* left) {
  const bool negated = cursor.Is("NOT");
  const bool starts = negated || cursor.Is("BETWEEN") || cursor.Is("IN") || cursor.Is("LIKE") ||
                      cursor.Is("SIMILAR");
  if (!starts) return false;
  const Position at = cursor.place();
  if (negated) cursor.Take();
  if (cursor.Accept("BETWEEN")) {
    *left = MakeExpression(ReadBetween(cursor, std::move(*left), negated), at);
  } else if (cursor.Accept("IN")) {
    *left = MakeExpression(ReadIn(cursor, std::move(*left), negated), at);
  } else if (cursor.Accept("LIKE")) {
    *left = MakeExpression(ReadLike(cursor, LikeKind::kLike, std::move(*left), negated), at);
  } else if (cursor.Accept("SIMILAR TO")) {
    *left = MakeExpression(ReadLike(cursor, LikeKind::kSimilarTo, std::move(*left), negated), at);
  } else {
    cursor.Fail();
  }
  return true;
}

/// One operator behind `left` that binds at least as tightly as `min`: true when one was read into
/// `left`.
bool ReadInfix(Cursor& cursor, int min, ExpressionPtr* left) {
  const Position at = cursor.place();
  if (min <= kAtTimeZonePrecedence && (cursor.Is("AT TIME ZONE") || cursor.Is("AT LOCAL"))) {
    AtTimeZone zoned{std::move(*left), nullptr};
    if (!cursor.Accept("AT LOCAL")) {
      cursor.Expect("AT TIME ZONE");
      zoned.zone = ReadExpression(cursor, kAtTimeZonePrecedence + 1);
    }
    *left = MakeExpression(std::move(zoned), at);
    return true;
  }
  for (const BinaryOperator& op : BinaryOperators()) {
    if (!cursor.Is(op.text)) continue;
    if (op.precedence < min) return false;
    cursor.Expect(op.text);
    *left = MakeExpression(
        Binary{op.op, std::move(*left), ReadExpression(cursor, op.precedence + 1)}, at);
    return true;
  }
  if (min <= kPredicatePrecedence && ReadPredicate(cursor, left)) return true;
  if (min <= kIsPrecedence && cursor.Is("IS")) {
    *left = MakeExpression(ReadIs(cursor, std::move(*left)), at);
    return true;
  }
  return false;
}

}  // namespace

ExpressionPtr ReadExpression(Cursor& cursor, int min) {
  const Cursor::Level level(cursor);
  ExpressionPtr left = ReadPrefix(cursor);
  while (ReadInfix(cursor, min, &left)) {
    // Printed, the operand of another operator may stand in parentheses.
    cursor.Stack(left->As<Binary>() != nullptr ? kLink : kNesting);
  }
  cursor.Wants(kOperator);
  return left;
}

std::vector<ExpressionPtr> ReadExpressions(Cursor& cursor) {
  return ReadList(cursor, [](Cursor& c) { return ReadExpression(c); });
}

OrderItem ReadOrderItem(Cursor& cursor) {
  OrderItem item;
  item.expression = ReadExpression(cursor);
  item.descending = cursor.Accept("DESC");
  if (!item.descending) cursor.Accept("ASC");
  if (cursor.Accept("NULLS FIRST")) item.nulls_first = true;
  if (cursor.Accept("NULLS LAST")) item.nulls_first = false;
  return item;
}

}  // namespace millrace::syntax

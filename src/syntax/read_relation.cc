#include <utility>
#include <variant>

#include "syntax/read_expression.h"
#include "syntax/read_query.h"

namespace millrace::syntax {
namespace {

using QueryOrRelation = std::variant<QueryPtr, RelationPtr>;

void ReadAlias(Cursor& cursor, Relation* relation) {
  const bool with_as = cursor.Accept("AS");
  if (!with_as && !cursor.IsName()) return;
  TableAlias alias;
  alias.name = cursor.ReadName(kAliasName);
  if (!with_as) cursor.AfterImplicitAlias();
  if (cursor.Is("(")) alias.columns = cursor.ReadNames(kColumnName);
  relation->alias = std::move(alias);
}

/// The alias, and MATCH_RECOGNIZE over the relation.
RelationPtr ReadSuffixes(Cursor& cursor, Relation relation) {
  ReadAlias(cursor, &relation);
  if (!cursor.Is("MATCH_RECOGNIZE")) return MakePtr(std::move(relation));
  cursor.Stack();
  Relation matched = *ReadMatchRecognize(cursor, MakePtr(std::move(relation)));
  ReadAlias(cursor, &matched);
  return MakePtr(std::move(matched));
}

Unnest ReadUnnest(Cursor& cursor) {
  Unnest unnest{ReadParenthesized(cursor, [](Cursor& c) { return ReadExpression(c); }), false};
  unnest.with_ordinality = cursor.Accept("WITH ORDINALITY");
  return unnest;
}

RelationNode ReadLateral(Cursor& cursor) {
  if (cursor.Accept("TABLE")) {
    cursor.Expect("(");
    RelationNode function = ReadTableFunction(cursor, true)->node;
    cursor.Expect(")");
    return function;
  }
  if (cursor.Accept("(")) {
    DerivedTable table{ReadQuery(cursor), true};
    cursor.Expect(")");
    return table;
  }
  return ReadTableFunction(cursor, true)->node;
}

TableName ReadTableSuffixes(Cursor& cursor, QualifiedName name) {
  TableName table;
  table.name = std::move(name);
  table.hints = ReadHints(cursor);
  if (cursor.Accept("FOR SYSTEM_TIME AS OF")) table.system_time = ReadExpression(cursor);
  return table;
}

RelationPtr ReadCallOf(Cursor& cursor, QualifiedName name, bool plain, bool lateral) {
  Relation relation;
  relation.position = name.position();
  relation.node = TableFunction{ReadCall(cursor, std::move(name), plain), lateral};
  return MakePtr(std::move(relation));
}

RelationNode ReadNamedTable(Cursor& cursor) {
  const bool plain = cursor.token().kind == TokenKind::kWord;
  QualifiedName name = cursor.ReadQualifiedName(kRelation);
  if (!cursor.Is("(")) return ReadTableSuffixes(cursor, std::move(name));
  const bool one_word = plain && name.parts.size() == 1;
  return ReadCallOf(cursor, std::move(name), one_word, false)->node;
}

bool MayLackCondition(const Join& join) {
  if (join.kind == JoinKind::kCross || join.natural) return true;
  if (join.right->As<Unnest>() != nullptr) return true;
  const auto* function = join.right->As<TableFunction>();
  const auto* derived = join.right->As<DerivedTable>();
  return (function != nullptr && function->lateral) || (derived != nullptr && derived->lateral);
}

bool ReadJoinKind(Cursor& cursor, Join* join) {
  const auto outer = [&](std::string_view with_outer, std::string_view without) {
    if (!cursor.Is(with_outer)) return cursor.Accept(without);
    return cursor.Accept(with_outer);
  };
  join->natural = cursor.Is("NATURAL");
  if (join->natural) cursor.Take();
  if (cursor.Accept("JOIN") || cursor.Accept("INNER JOIN")) {
    join->kind = JoinKind::kInner;
  } else if (outer("LEFT OUTER JOIN", "LEFT JOIN")) {
    join->kind = JoinKind::kLeft;
  } else if (outer("RIGHT OUTER JOIN", "RIGHT JOIN")) {
    join->kind = JoinKind::kRight;
  } else if (outer("FULL OUTER JOIN", "FULL JOIN")) {
    join->kind = JoinKind::kFull;
  } else if (!join->natural && cursor.Accept("CROSS JOIN")) {
    join->kind = JoinKind::kCross;
  } else {
    if (join->natural) cursor.Fail();
    return false;
  }
  return true;
}

void ReadCondition(Cursor& cursor, Join* join) {
  if (join->natural || join->kind == JoinKind::kCross) return;
  if (cursor.Accept("ON")) {
    join->condition = ReadExpression(cursor);
    cursor.After("the join condition");
  } else if (cursor.Accept("USING")) {
    join->using_columns = cursor.ReadNames(kColumnName);
  } else if (!MayLackCondition(*join)) {
    cursor.Fail();
  }
}

RelationPtr ReadJoined(Cursor& cursor);

RelationPtr ReadJoins(Cursor& cursor, RelationPtr left) {
  while (true) {
    const Position at = cursor.place();
    Join join;
    if (!ReadJoinKind(cursor, &join)) return left;
    join.left = std::move(left);
    join.right = ReadJoined(cursor);
    ReadCondition(cursor, &join);
    Relation relation;
    relation.node = std::move(join);
    relation.position = at;
    left = MakePtr(std::move(relation));
    cursor.Stack();
  }
}

RelationPtr ReadDerivedSuffixes(Cursor& cursor, QueryPtr query, const Position& at) {
  Relation relation;
  relation.node = DerivedTable{std::move(query), false};
  relation.position = at;
  return ReadSuffixes(cursor, std::move(relation));
}

/// What stands in parentheses, which may be a query or a join. Behind several opening parentheses
/// only what follows the inner ones tells which.
QueryOrRelation ReadInParentheses(Cursor& cursor) {
  const Cursor::Level level(cursor);
  const Position at = cursor.place();
  cursor.Expect("(");
  QueryOrRelation inner;
  if (StartsQuery(cursor)) {
    inner = ReadQuery(cursor);
  } else if (cursor.Is("(")) {
    inner = ReadInParentheses(cursor);
    if (auto* query = std::get_if<QueryPtr>(&inner)) {
      if (ContinuesQuery(cursor)) {
        *query = ReadQueryAfter(cursor, *query);
      } else if (!cursor.Is(")")) {
        inner = ReadJoins(cursor, ReadDerivedSuffixes(cursor, *query, at));
      }
    } else {
      inner = ReadJoins(cursor, std::get<RelationPtr>(inner));
    }
  } else {
    inner = ReadRelation(cursor);
  }
  cursor.Expect(")");
  return inner;
}

RelationPtr ReadJoined(Cursor& cursor) {
  Relation relation;
  relation.position = cursor.place();
  if (cursor.Is("(")) {
    QueryOrRelation inner = ReadInParentheses(cursor);
    if (auto* joined = std::get_if<RelationPtr>(&inner)) return *joined;
    return ReadDerivedSuffixes(cursor, std::get<QueryPtr>(inner), relation.position);
  }
  cursor.Wants(kRelation);
  if (cursor.Accept("LATERAL")) {
    relation.node = ReadLateral(cursor);
  } else if (cursor.Accept("UNNEST")) {
    relation.node = ReadUnnest(cursor);
  } else if (cursor.Accept("TABLE")) {
    cursor.Expect("(");
    relation.node = ReadTableFunction(cursor, false)->node;
    cursor.Expect(")");
  } else {
    relation.node = ReadNamedTable(cursor);
  }
  return ReadSuffixes(cursor, std::move(relation));
}

}  // namespace

RelationPtr ReadRelation(Cursor& cursor) {
  const Cursor::Level level(cursor);
  return ReadJoins(cursor, ReadJoined(cursor));
}

RelationPtr ReadTableFunction(Cursor& cursor, bool lateral) {
  const bool is_word = cursor.token().kind == TokenKind::kWord;
  QualifiedName name = cursor.ReadQualifiedName(kFunctionName);
  const bool plain = is_word && name.parts.size() == 1;
  return ReadCallOf(cursor, std::move(name), plain, lateral);
}

}  // namespace millrace::syntax

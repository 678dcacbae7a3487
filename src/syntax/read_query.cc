#include "syntax/read_query.h"

#include <limits>
#include <optional>
#include <utility>

#include "syntax/read_expression.h"

namespace millrace::syntax {
namespace {

constexpr int64_t kMaxCount = std::numeric_limits<int64_t>::max();

/// Whether `t.*` stands here.
bool AtQualifiedStar(const Cursor& cursor) {
  size_t i = 0;
  while (cursor.IsName(i) && cursor.Is(".", i + 1)) {
    i += 2;
    if (cursor.Is("*", i)) return true;
  }
  return false;
}

ExpressionPtr ReadQualifiedStar(Cursor& cursor) {
  const Position at = cursor.place();
  Star star;
  do {
    star.qualifier.push_back(cursor.ReadName(kTableName));
    cursor.Expect(".");
  } while (!cursor.Accept("*"));
  return MakeExpression(std::move(star), at);
}

SelectItem ReadSelectItem(Cursor& cursor) {
  SelectItem item;
  const Position at = cursor.place();
  if (cursor.Accept("*")) {
    item.expression = MakeExpression(Star{}, at);
  } else if (AtQualifiedStar(cursor)) {
    item.expression = ReadQualifiedStar(cursor);
  } else {
    item.expression = ReadExpression(cursor);
    if (cursor.Accept("AS")) {
      item.alias = cursor.ReadName(kAliasName);
    } else if (cursor.IsName()) {
      item.alias = cursor.ReadName(kAliasName);
      cursor.AfterImplicitAlias();
    }
  }
  cursor.After("the select list");
  return item;
}

Grouping ReadGrouping(Cursor& cursor);

Grouping ReadGroupingElements(Cursor& cursor, Grouping::Kind kind, const Position& at) {
  Grouping grouping;
  grouping.kind = kind;
  grouping.position = at;
  grouping.elements = ReadParenthesized(cursor, ReadGrouping);
  for (const Grouping& element : grouping.elements) {
    if (kind != Grouping::kSets && element.kind != Grouping::kExpressions) {
      cursor.FailAt(element.position, "ROLLUP and CUBE take expressions and lists of them");
    }
  }
  return grouping;
}

Grouping ReadGrouping(Cursor& cursor) {
  const Cursor::Level level(cursor);
  const Position at = cursor.place();
  if (cursor.Accept("GROUPING SETS")) return ReadGroupingElements(cursor, Grouping::kSets, at);
  for (const auto& [call, kind] :
       {std::pair("ROLLUP (", Grouping::kRollup), std::pair("CUBE (", Grouping::kCube)}) {
    if (cursor.Is(call)) {
      cursor.Take();
      return ReadGroupingElements(cursor, kind, at);
    }
  }
  Grouping grouping;
  grouping.position = at;
  const bool in_parentheses = cursor.Is("(");
  if (cursor.Is("( )")) {
    cursor.Expect("( )");
    return grouping;
  }
  ExpressionPtr expression = ReadExpression(cursor);
  // (a, b) is a row elsewhere, but a list of keys here.
  if (const auto* row = expression->As<RowConstructor>(); row != nullptr && in_parentheses) {
    grouping.expressions = row->values;
  } else {
    grouping.expressions.push_back(std::move(expression));
  }
  return grouping;
}

NamedWindow ReadNamedWindow(Cursor& cursor) {
  NamedWindow window;
  window.name = cursor.ReadName(kAnyName);
  cursor.Expect("AS");
  window.spec = ReadWindowSpec(cursor);
  return window;
}

void ReadFrom(Cursor& cursor, Select* select) {
  select->from = ReadList(cursor, ReadRelation);
  cursor.After("the FROM clause");
}

Select ReadSelect(Cursor& cursor) {
  cursor.Expect("SELECT");
  Select select;
  select.hints = ReadHints(cursor);
  select.distinct = cursor.Accept("DISTINCT");
  if (!select.distinct && cursor.Is("ALL")) cursor.Take();
  select.items = ReadList(cursor, ReadSelectItem);
  if (cursor.Accept("FROM")) ReadFrom(cursor, &select);
  if (cursor.Accept("WHERE")) {
    select.where = ReadExpression(cursor);
    cursor.After("the WHERE condition");
  }
  if (cursor.Accept("GROUP BY")) {
    select.group_by = ReadList(cursor, ReadGrouping);
    cursor.After("the GROUP BY list");
  }
  if (cursor.Accept("HAVING")) {
    select.having = ReadExpression(cursor);
    cursor.After("the HAVING condition");
  }
  if (cursor.Accept("WINDOW")) select.windows = ReadList(cursor, ReadNamedWindow);
  if (cursor.Accept("QUALIFY")) {
    select.qualify = ReadExpression(cursor);
    cursor.After("the QUALIFY condition");
  }
  return select;
}

/// `(a, b)`, `ROW(a, b)`, or a single value.
std::vector<ExpressionPtr> ReadValuesRow(Cursor& cursor) {
  if (cursor.Is("ROW (")) cursor.Take();
  if (!cursor.Accept("(")) return {ReadExpression(cursor)};
  std::vector<ExpressionPtr> row = ReadExpressions(cursor);
  cursor.Expect(")");
  return row;
}

Values ReadValues(Cursor& cursor) {
  cursor.Expect("VALUES");
  const Position at = cursor.place();
  Values values{ReadList(cursor, ReadValuesRow)};
  for (const auto& row : values.rows) {
    if (row.size() != values.rows.front().size()) {
      cursor.FailAt(row.front()->position,
                    "the rows of VALUES differ in length: " + std::to_string(row.size()) +
                        " here, " + std::to_string(values.rows.front().size()) +
                        " in the first row at " + std::to_string(at.line) + ":" +
                        std::to_string(at.column));
    }
  }
  cursor.After("the VALUES list");
  return values;
}

QueryPtr MakeQuery(QueryBody body, const Position& position) {
  Query query;
  query.body = std::move(body);
  query.position = position;
  return MakePtr(std::move(query));
}

QueryPtr ReadQueryOperand(Cursor& cursor) {
  const Position at = cursor.place();
  if (cursor.Accept("(")) {
    QueryPtr query = ReadQuery(cursor);
    cursor.Expect(")");
    return query;
  }
  if (cursor.Sees("VALUES")) return MakeQuery(ReadValues(cursor), at);
  return MakeQuery(ReadSelect(cursor), at);
}

QueryPtr ReadSetOperation(Cursor& cursor, SetOperator op, QueryPtr left,
                          QueryPtr (*read_right)(Cursor&, QueryPtr)) {
  const bool all = cursor.Accept("ALL");
  if (!all) cursor.Accept("DISTINCT");
  const Position at = left->position;
  QueryPtr right = read_right(cursor, nullptr);
  cursor.Stack();
  return MakeQuery(SetOperation{op, all, std::move(left), std::move(right)}, at);
}

QueryPtr ReadSingle(Cursor& cursor, QueryPtr) { return ReadQueryOperand(cursor); }

/// Operands joined by INTERSECT, which binds more tightly than UNION and EXCEPT.
QueryPtr ReadIntersections(Cursor& cursor, QueryPtr first) {
  QueryPtr left = first ? std::move(first) : ReadQueryOperand(cursor);
  while (cursor.Accept("INTERSECT")) {
    left = ReadSetOperation(cursor, SetOperator::kIntersect, std::move(left), ReadSingle);
  }
  return left;
}

QueryPtr ReadUnions(Cursor& cursor, QueryPtr first) {
  QueryPtr left = ReadIntersections(cursor, std::move(first));
  while (true) {
    if (cursor.Accept("UNION")) {
      left = ReadSetOperation(cursor, SetOperator::kUnion, std::move(left), ReadIntersections);
    } else if (cursor.Accept("EXCEPT")) {
      left = ReadSetOperation(cursor, SetOperator::kExcept, std::move(left), ReadIntersections);
    } else {
      return left;
    }
  }
}

CommonTable ReadCommonTable(Cursor& cursor) {
  CommonTable table;
  table.name = cursor.ReadName(kAnyName);
  if (cursor.Is("(")) table.columns = cursor.ReadNames(kColumnName);
  cursor.Expect("AS");
  cursor.Expect("(");
  table.query = ReadQuery(cursor);
  cursor.Expect(")");
  return table;
}

std::vector<CommonTable> ReadWith(Cursor& cursor) {
  if (!cursor.Accept("WITH")) return {};
  if (cursor.Is("RECURSIVE") && cursor.IsName(1)) {
    cursor.FailAt(cursor.place(), "WITH RECURSIVE is not supported",
                  "sequences over rows: MATCH_RECOGNIZE");
  }
  std::vector<CommonTable> with = ReadList(cursor, ReadCommonTable);
  cursor.After("the WITH list");
  return with;
}

/// What may stand behind the body of a query.
struct Tail {
  std::vector<OrderItem> order_by;
  std::optional<int64_t> limit;
  std::optional<int64_t> offset;
};

Tail ReadTail(Cursor& cursor) {
  Tail tail;
  if (cursor.Accept("ORDER BY")) {
    tail.order_by = ReadList(cursor, ReadOrderItem);
    cursor.After("the ORDER BY list");
  }
  const auto skip_rows = [&] {
    if (!cursor.Accept("ROWS")) cursor.Accept("ROW");
  };
  if (cursor.Accept("LIMIT") && !cursor.Accept("ALL"))
    tail.limit = cursor.ReadWholeNumber(kMaxCount);
  if (cursor.Accept("OFFSET")) {
    tail.offset = cursor.ReadWholeNumber(kMaxCount);
    skip_rows();
  }
  if (!tail.limit && cursor.Accept("FETCH")) {
    if (!cursor.Accept("FIRST")) cursor.Expect("NEXT");
    tail.limit = cursor.ReadWholeNumber(kMaxCount);
    skip_rows();
    cursor.Expect("ONLY");
  }
  return tail;
}

/// SELECT * FROM (query): a query in parentheses that has an order or a limit of its own.
Query Wrap(QueryPtr query) {
  const Position at = query->position;
  Relation relation;
  relation.node = DerivedTable{std::move(query), false};
  relation.position = at;
  Select select;
  select.items.push_back({MakeExpression(Star{}, at), std::nullopt});
  select.from.push_back(MakePtr(std::move(relation)));
  Query wrapped;
  wrapped.body = std::move(select);
  wrapped.position = at;
  return wrapped;
}

QueryPtr Finish(Cursor& cursor, std::vector<CommonTable> with, QueryPtr body, const Position& at) {
  Tail tail = ReadTail(cursor);
  const bool has_tail = !tail.order_by.empty() || tail.limit || tail.offset;
  if (!has_tail && with.empty()) return body;
  const bool body_has_tail = !body->order_by.empty() || body->limit || body->offset;
  const bool wrap = (has_tail && body_has_tail) || (!with.empty() && !body->with.empty());
  Query query = wrap ? Wrap(body) : *body;
  if (wrap) cursor.Stack(2 * kNesting);  // a relation and a query
  query.position = at;
  if (!with.empty()) query.with = std::move(with);
  if (has_tail) {
    query.order_by = std::move(tail.order_by);
    query.limit = tail.limit;
    query.offset = tail.offset;
  }
  return MakePtr(std::move(query));
}

}  // namespace

QueryPtr ReadQuery(Cursor& cursor) {
  const Cursor::Level level(cursor);
  const Position at = cursor.place();
  std::vector<CommonTable> with = ReadWith(cursor);
  QueryPtr body = ReadUnions(cursor, nullptr);
  return Finish(cursor, std::move(with), std::move(body), at);
}

bool StartsQuery(const Cursor& cursor) {
  return cursor.Is("SELECT") || cursor.Is("WITH") || cursor.Is("VALUES");
}

bool ContinuesQuery(const Cursor& cursor) {
  for (const char* word :
       {"UNION", "INTERSECT", "EXCEPT", "ORDER BY", "LIMIT", "OFFSET", "FETCH"}) {
    if (cursor.Is(word)) return true;
  }
  return false;
}

QueryPtr ReadQueryAfter(Cursor& cursor, QueryPtr first) {
  const Position at = first->position;
  QueryPtr body = ReadUnions(cursor, std::move(first));
  return Finish(cursor, {}, std::move(body), at);
}

}  // namespace millrace::syntax

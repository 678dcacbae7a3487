#include "syntax/read_statement.h"

#include <utility>

#include "syntax/read_expression.h"
#include "syntax/read_query.h"

namespace millrace::syntax {
namespace {

/// A statement with its place and comments around what `read` reads.
template <class Read>
StatementPtr Located(Cursor& cursor, Read read) {
  Statement statement;
  statement.comments = cursor.Comments();
  statement.position = cursor.place();
  statement.begin = cursor.token().begin;
  statement.node = read(cursor);
  statement.end = cursor.previous().end();
  cursor.CheckHeight();
  return MakePtr(std::move(statement));
}

NamedExpression ReadPartition(Cursor& cursor) {
  NamedExpression partition;
  partition.name = cursor.ReadName(kColumnName);
  cursor.Expect("=");
  partition.expression = ReadExpression(cursor);
  return partition;
}

bool AtColumnList(const Cursor& cursor) {
  for (const char* query : {"( SELECT", "( WITH", "( VALUES", "( ("}) {
    if (cursor.Is(query)) return false;
  }
  return cursor.Is("(");
}

Insert ReadInsert(Cursor& cursor) {
  cursor.Expect("INSERT");
  Insert insert;
  insert.overwrite = cursor.Accept("OVERWRITE");
  if (!insert.overwrite) cursor.Expect("INTO");
  if (cursor.Is("TABLE")) cursor.Take();
  insert.table = cursor.ReadQualifiedName(kTableName);
  insert.hints = ReadHints(cursor);
  if (cursor.Accept("PARTITION")) insert.partition = ReadParenthesized(cursor, ReadPartition);
  if (AtColumnList(cursor)) insert.columns = cursor.ReadNames(kColumnName);
  cursor.After("the target of INSERT");
  insert.query = ReadQuery(cursor);
  return insert;
}

StatementSet ReadInserts(Cursor& cursor) {
  StatementSet set;
  do {
    if (!cursor.Sees("INSERT")) cursor.Fail();
    set.inserts.push_back(ReadTerminator(cursor, Located(cursor, ReadInsert)));
  } while (!cursor.Accept("END"));
  return set;
}

/// EXECUTE STATEMENT SET BEGIN … END, EXECUTE INSERT INTO …
StatementNode ReadExecute(Cursor& cursor) {
  cursor.Accept("EXECUTE");
  if (cursor.Sees("INSERT")) return ReadInsert(cursor);
  cursor.Expect("STATEMENT SET");
  cursor.Expect("BEGIN");
  return ReadInserts(cursor);
}

StatementNode ReadBegin(Cursor& cursor) {
  cursor.Expect("BEGIN STATEMENT SET");
  cursor.Expect(";");
  return ReadInserts(cursor);
}

Explain ReadExplain(Cursor& cursor) {
  struct Word {
    Explain::Detail detail;
    const char* word;
  };
  static constexpr Word kDetails[] = {{Explain::kEstimatedCost, "ESTIMATED_COST"},
                                      {Explain::kChangelogMode, "CHANGELOG_MODE"},
                                      {Explain::kJsonExecutionPlan, "JSON_EXECUTION_PLAN"},
                                      {Explain::kPlanAdvice, "PLAN_ADVICE"}};
  cursor.Expect("EXPLAIN");
  Explain explain;
  cursor.Accept("PLAN FOR");
  explain.json = cursor.Accept("JSON");
  bool more = true;
  while (more) {
    more = false;
    for (const Word& word : kDetails) {
      if (!cursor.Accept(word.word)) continue;
      explain.details.push_back(word.detail);
      more = cursor.Accept(",");
    }
  }
  explain.statement = Located(cursor, [](Cursor& c) -> StatementNode {
    if (c.Sees("INSERT")) return ReadInsert(c);
    if (c.Sees("EXECUTE") || c.Sees("STATEMENT SET")) return ReadExecute(c);
    return Selection{ReadQuery(c)};
  });
  return explain;
}

Use ReadUse(Cursor& cursor) {
  cursor.Expect("USE");
  Use use;
  if (cursor.IsName(1) && cursor.Is("CATALOG")) {
    cursor.Take();
    use.kind = ObjectKind::kCatalog;
    use.name = cursor.ReadQualifiedName(kCatalogName);
    return use;
  }
  if (cursor.IsName(1) && cursor.Is("DATABASE")) cursor.Take();
  use.name = cursor.ReadQualifiedName(kDatabaseName);
  return use;
}

StopJob ReadStop(Cursor& cursor) {
  cursor.Expect("STOP");
  cursor.Expect("JOB");
  StopJob stop;
  stop.job = cursor.ReadString(kJobName);
  stop.with_savepoint = cursor.Accept("WITH SAVEPOINT");
  stop.with_drain = cursor.Accept("WITH DRAIN");
  return stop;
}

StatementNode ReadNode(Cursor& cursor) {
  if (cursor.Is("(") || cursor.Sees("SELECT") || cursor.Sees("WITH") || cursor.Sees("VALUES")) {
    return Selection{ReadQuery(cursor)};
  }
  if (cursor.Sees("INSERT")) return ReadInsert(cursor);
  if (cursor.Sees("CREATE")) return ReadCreate(cursor);
  if (cursor.Sees("DROP")) return ReadDrop(cursor);
  if (cursor.Sees("ALTER")) return ReadAlter(cursor);
  if (cursor.Sees("SHOW")) return ReadShow(cursor);
  if (cursor.Sees("DESCRIBE") || cursor.Sees("DESC")) return ReadDescribe(cursor);
  if (cursor.Sees("EXPLAIN")) return ReadExplain(cursor);
  if (cursor.Sees("EXECUTE")) return ReadExecute(cursor);
  if (cursor.Sees("BEGIN STATEMENT SET")) return ReadBegin(cursor);
  if (cursor.Sees("SET")) return ReadSet(cursor);
  if (cursor.Sees("RESET")) return ReadReset(cursor);
  if (cursor.Sees("USE")) return ReadUse(cursor);
  if (cursor.Sees("STOP")) return ReadStop(cursor);
  cursor.Fail();
}

}  // namespace

StatementPtr ReadStatement(Cursor& cursor) { return Located(cursor, ReadNode); }

StatementPtr ReadTerminator(Cursor& cursor, StatementPtr statement) {
  cursor.Expect(";");
  std::string comment = cursor.TrailingComment();
  if (comment.empty()) return statement;
  Statement with_comment = *statement;
  with_comment.trailing_comment = std::move(comment);
  return MakePtr(std::move(with_comment));
}

}  // namespace millrace::syntax

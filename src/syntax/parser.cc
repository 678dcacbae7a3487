#include "syntax/parser.h"

#include "syntax/cursor.h"
#include "syntax/read_expression.h"
#include "syntax/read_query.h"
#include "syntax/read_statement.h"
#include "syntax/read_type.h"

namespace millrace::syntax {
namespace {

/// Runs `read` over the whole of `sql`.
template <class Read>
auto Parse(std::string_view sql, Read read) -> Result<decltype(read(std::declval<Cursor&>()))> {
  try {
    Cursor cursor(sql);
    auto parsed = read(cursor);
    cursor.CheckHeight();
    if (!cursor.at_end()) cursor.Fail();
    return parsed;
  } catch (const SyntaxError& error) {
    return error.status;
  }
}

}  // namespace

Result<std::vector<StatementPtr>> ParseScript(std::string_view sql) {
  return Parse(sql, [](Cursor& cursor) {
    std::vector<StatementPtr> statements;
    while (true) {
      while (cursor.Is(";")) cursor.Take();
      if (cursor.at_end()) return statements;
      cursor.BeginStatement();
      StatementPtr statement = ReadStatement(cursor);
      if (!cursor.at_end()) statement = ReadTerminator(cursor, std::move(statement));
      statements.push_back(std::move(statement));
    }
  });
}

Result<StatementPtr> ParseStatement(std::string_view sql) {
  return Parse(sql, [](Cursor& cursor) {
    StatementPtr statement = ReadStatement(cursor);
    if (!cursor.at_end()) cursor.Expect(";");
    while (cursor.Is(";")) cursor.Take();
    if (!cursor.at_end()) {
      cursor.FailAt(cursor.place(), "there is a second statement", "give one statement only");
    }
    return statement;
  });
}

Result<ExpressionPtr> ParseExpression(std::string_view sql) {
  return Parse(sql, [](Cursor& cursor) { return ReadExpression(cursor); });
}

Result<Ptr<Pattern>> ParsePattern(std::string_view sql) {
  return Parse(sql, [](Cursor& cursor) { return ReadPattern(cursor); });
}

Result<SqlType> ParseType(std::string_view sql) {
  return Parse(sql, [](Cursor& cursor) { return ReadType(cursor); });
}

}  // namespace millrace::syntax

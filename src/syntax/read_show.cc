#include <utility>

#include "syntax/read_statement.h"
#include "syntax/text.h"

namespace millrace::syntax {
namespace {

ShowCreate ReadShowCreate(Cursor& cursor) {
  if (cursor.Accept("TABLE")) return {ObjectKind::kTable, cursor.ReadQualifiedName(kTableName)};
  if (cursor.Accept("VIEW")) return {ObjectKind::kView, cursor.ReadQualifiedName(kViewName)};
  cursor.Expect("MODEL");
  return {ObjectKind::kModel, cursor.ReadQualifiedName(kModelName)};
}

ShowKind ReadShowKind(Cursor& cursor) {
  struct Word {
    ShowKind kind;
    const char* phrase;
  };
  static constexpr Word kWords[] = {{ShowKind::kTables, "TABLES"},
                                    {ShowKind::kViews, "VIEWS"},
                                    {ShowKind::kModels, "MODELS"},
                                    {ShowKind::kFunctions, "FUNCTIONS"},
                                    {ShowKind::kUserFunctions, "USER FUNCTIONS"},
                                    {ShowKind::kDatabases, "DATABASES"},
                                    {ShowKind::kCatalogs, "CATALOGS"},
                                    {ShowKind::kColumns, "COLUMNS"},
                                    {ShowKind::kJobs, "JOBS"},
                                    {ShowKind::kCurrentCatalog, "CURRENT CATALOG"},
                                    {ShowKind::kCurrentDatabase, "CURRENT DATABASE"}};
  for (const Word& word : kWords) {
    if (cursor.Accept(word.phrase)) return word.kind;
  }
  cursor.Fail();
}

/// Passes over a part of a text without quotes; what only looks like a number, such as 1h, is
/// welcome.
void TakeRaw(Cursor& cursor) {
  const Token& token = cursor.token();
  const bool is_number = token.text.front() >= '0' && token.text.front() <= '9';
  const bool readable = token.kind != TokenKind::kInvalid || (is_number && IsUtf8(token.text));
  if (!readable) cursor.Fail();
  cursor.Take();
}

std::string TextSince(const Cursor& cursor, size_t begin) {
  return std::string(cursor.text().substr(begin, cursor.previous().end() - begin));
}

/// A string, or a key as written up to the next `=`, `;` or blank, such as parallelism.default.
std::string ReadKey(Cursor& cursor) {
  if (cursor.Accept(TokenKind::kString, kOptionKey)) return cursor.previous().value;
  if (cursor.token().kind != TokenKind::kWord) cursor.Fail();
  const size_t begin = cursor.token().begin;
  do {
    TakeRaw(cursor);
  } while (!cursor.at_end() && !cursor.Is("=") && !cursor.Is(";") &&
           cursor.token().begin == cursor.previous().end());
  return TextSince(cursor, begin);
}

/// A string, or the text as written up to the ';'.
std::string ReadValue(Cursor& cursor) {
  if (cursor.Accept(TokenKind::kString, kOptionValue)) return cursor.previous().value;
  if (cursor.at_end() || cursor.Is(";")) cursor.Fail();
  const size_t begin = cursor.token().begin;
  while (!cursor.at_end() && !cursor.Is(";")) TakeRaw(cursor);
  return TextSince(cursor, begin);
}

bool AtStatementEnd(Cursor& cursor) { return cursor.at_end() || cursor.Is(";"); }

}  // namespace

StatementNode ReadShow(Cursor& cursor) {
  cursor.Expect("SHOW");
  if (cursor.Accept("CREATE")) return ReadShowCreate(cursor);
  Show show;
  show.kind = ReadShowKind(cursor);
  const bool has_scope = show.kind <= ShowKind::kColumns && show.kind != ShowKind::kCatalogs;
  if (has_scope && (cursor.Accept("FROM") || cursor.Accept("IN"))) {
    show.scope =
        cursor.ReadQualifiedName(show.kind == ShowKind::kColumns ? kTableName : kDatabaseName);
  }
  if (show.kind == ShowKind::kColumns && !show.scope) cursor.Fail();
  show.negated = cursor.Accept("NOT");
  show.ignore_case = cursor.Accept("ILIKE");
  if (show.ignore_case || cursor.Accept("LIKE")) {
    show.pattern = cursor.ReadString();
  } else if (show.negated) {
    cursor.Fail();
  }
  return show;
}

Describe ReadDescribe(Cursor& cursor) {
  if (!cursor.Accept("DESCRIBE")) cursor.Expect("DESC");
  struct Word {
    ObjectKind kind;
    const char* word;
  };
  static constexpr Word kKinds[] = {
      {ObjectKind::kTable, "TABLE"},       {ObjectKind::kView, "VIEW"},
      {ObjectKind::kModel, "MODEL"},       {ObjectKind::kFunction, "FUNCTION"},
      {ObjectKind::kDatabase, "DATABASE"}, {ObjectKind::kCatalog, "CATALOG"},
  };
  Describe describe;
  for (const Word& word : kKinds) {
    // Behind the word stands a name, or the word is the name.
    if (cursor.Sees(word.word) && (cursor.IsName(1) || word.kind == ObjectKind::kTable)) {
      cursor.Take();
      describe.kind = word.kind;
      break;
    }
  }
  describe.extended = cursor.Sees("EXTENDED") && cursor.IsName(1);
  if (describe.extended) cursor.Take();
  describe.name = cursor.ReadQualifiedName(kTableName);
  return describe;
}

SetOption ReadSet(Cursor& cursor) {
  cursor.Expect("SET");
  SetOption set;
  cursor.Wants(kOptionKey);
  if (AtStatementEnd(cursor)) return set;
  set.key = ReadKey(cursor);
  cursor.Expect("=");
  set.value = ReadValue(cursor);
  return set;
}

ResetOption ReadReset(Cursor& cursor) {
  cursor.Expect("RESET");
  ResetOption reset;
  cursor.Wants(kOptionKey);
  if (!AtStatementEnd(cursor)) reset.key = ReadKey(cursor);
  return reset;
}

}  // namespace millrace::syntax

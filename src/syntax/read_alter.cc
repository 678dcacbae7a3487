#include <utility>

#include "syntax/read_query.h"
#include "syntax/read_statement.h"

namespace millrace::syntax {
namespace {

struct Target {
  bool temporary = false;
  bool system = false;
  ObjectKind kind = ObjectKind::kTable;
};

/// `[TEMPORARY] [SYSTEM] TABLE|VIEW|MODEL|FUNCTION`.
Target ReadTarget(Cursor& cursor) {
  Target target;
  target.temporary = cursor.Accept("TEMPORARY");
  target.system = target.temporary && cursor.Accept("SYSTEM");
  if (!target.system && cursor.Accept("TABLE")) {
    target.kind = ObjectKind::kTable;
  } else if (!target.system && cursor.Accept("VIEW")) {
    target.kind = ObjectKind::kView;
  } else if (!target.system && cursor.Accept("MODEL")) {
    target.kind = ObjectKind::kModel;
  } else {
    cursor.Expect("FUNCTION");
    target.kind = ObjectKind::kFunction;
  }
  return target;
}

const Category& NameOf(ObjectKind kind) {
  switch (kind) {
    case ObjectKind::kView:
      return kViewName;
    case ObjectKind::kModel:
      return kModelName;
    case ObjectKind::kFunction:
      return kFunctionName;
    default:
      return kTableName;
  }
}

void ReadChange(Cursor& cursor, ChangeSchema* change) {
  if (ReadWatermark(cursor, &change->watermark)) return;
  if (ReadPrimaryKey(cursor, &change->primary_key)) return;
  if (cursor.Is("COLUMN") && cursor.IsName(1) && cursor.IsName(2)) cursor.Take();
  ChangeSchema::ColumnChange column;
  column.column = ReadColumn(cursor, &change->primary_key);
  column.first = cursor.Accept("FIRST");
  if (!column.first && cursor.Accept("AFTER")) column.after = cursor.ReadName(kColumnName);
  change->columns.push_back(std::move(column));
}

ChangeSchema ReadChanges(Cursor& cursor, bool modify) {
  ChangeSchema change;
  change.modify = modify;
  if (!cursor.Accept("(")) {
    ReadChange(cursor, &change);
    return change;
  }
  do {
    ReadChange(cursor, &change);
  } while (cursor.Accept(","));
  cursor.Expect(")");
  return change;
}

AlterAction ReadDropPart(Cursor& cursor) {
  if (cursor.Accept("PRIMARY KEY")) return DropPrimaryKey{};
  if (cursor.Accept("WATERMARK")) return DropWatermark{};
  if (cursor.IsName(1) && cursor.Accept("CONSTRAINT")) {
    return DropPrimaryKey{cursor.ReadName(kAnyName)};
  }
  if (cursor.Is("COLUMN") && cursor.IsName(1)) cursor.Take();
  if (cursor.Sees("(")) return DropColumns{cursor.ReadNames(kColumnName)};
  return DropColumns{{cursor.ReadName(kColumnName)}};
}

std::vector<std::string> ReadKeys(Cursor& cursor) {
  return ReadParenthesized(cursor, [](Cursor& c) { return c.ReadString(kOptionKey); });
}

SetVersion ReadVersion(Cursor& cursor) {
  if (cursor.Accept(TokenKind::kInteger, kWholeNumber)) {
    return {std::string(cursor.previous().text)};
  }
  return {cursor.ReadString()};
}

SetFunction ReadSetFunction(Cursor& cursor) {
  SetFunction function;
  cursor.Expect("AS");
  function.identifier = cursor.ReadString();
  function.language = ReadLanguage(cursor);
  return function;
}

AlterAction ReadRename(Cursor& cursor, ObjectKind kind) {
  if (cursor.Accept("TO")) return RenameTo{cursor.ReadQualifiedName(NameOf(kind))};
  if (kind != ObjectKind::kTable) cursor.Fail();
  RenameColumn rename;
  rename.from = cursor.ReadName(kColumnName);
  cursor.Expect("TO");
  rename.to = cursor.ReadName(kColumnName);
  return rename;
}

AlterAction ReadAction(Cursor& cursor, ObjectKind kind) {
  if (kind == ObjectKind::kFunction) return ReadSetFunction(cursor);
  if (cursor.Accept("RENAME")) return ReadRename(cursor, kind);
  if (kind == ObjectKind::kView) {
    cursor.Expect("AS");
    return SetQuery{ReadQuery(cursor)};
  }
  if (kind == ObjectKind::kModel && cursor.Accept("SET VERSION")) return ReadVersion(cursor);
  if (cursor.Accept("SET")) return SetOptions{ReadProperties(cursor)};
  if (cursor.Accept("RESET")) return ResetOptions{ReadKeys(cursor)};
  if (kind == ObjectKind::kTable) {
    if (cursor.Accept("ADD")) return ReadChanges(cursor, false);
    if (cursor.Accept("MODIFY")) return ReadChanges(cursor, true);
    if (cursor.Accept("DROP")) return ReadDropPart(cursor);
  }
  cursor.Fail();
}

}  // namespace

Drop ReadDrop(Cursor& cursor) {
  cursor.Expect("DROP");
  const Target target = ReadTarget(cursor);
  Drop drop;
  drop.kind = target.kind;
  drop.temporary = target.temporary;
  drop.system = target.system;
  drop.if_exists = cursor.Accept("IF EXISTS");
  drop.name = cursor.ReadQualifiedName(NameOf(drop.kind));
  return drop;
}

Alter ReadAlter(Cursor& cursor) {
  cursor.Expect("ALTER");
  const Target target = ReadTarget(cursor);
  Alter alter;
  alter.kind = target.kind;
  alter.temporary = target.temporary;
  alter.system = target.system;
  alter.if_exists = cursor.Accept("IF EXISTS");
  alter.name = cursor.ReadQualifiedName(NameOf(alter.kind));
  alter.action = ReadAction(cursor, alter.kind);
  return alter;
}

}  // namespace millrace::syntax

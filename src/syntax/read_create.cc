#include <utility>

#include "syntax/read_expression.h"
#include "syntax/read_query.h"
#include "syntax/read_statement.h"
#include "syntax/read_type.h"

namespace millrace::syntax {
namespace {

void ReadComment(Cursor& cursor, std::string* comment) {
  if (cursor.Accept("COMMENT")) *comment = cursor.ReadString();
}

/// Fails where a table has two of what it may have once.
template <class T>
void CheckSingle(const Cursor& cursor, const std::optional<T>& there, const Position& second,
                 const std::string& what) {
  if (!there) return;
  cursor.FailAt(second, "the table has a second " + what,
                "the first is at " + std::to_string(there->position.line) + ":" +
                    std::to_string(there->position.column));
}

void ReadMetadata(Cursor& cursor, ColumnDefinition* column) {
  column->kind = ColumnDefinition::kMetadata;
  if (cursor.Accept("FROM")) column->metadata_key = cursor.ReadString();
  column->is_virtual = cursor.Accept("VIRTUAL");
}

/// `[CONSTRAINT n] PRIMARY KEY`, without what follows.
std::optional<PrimaryKey> ReadKeyWords(Cursor& cursor) {
  PrimaryKey key;
  key.position = cursor.place();
  if (cursor.Is("CONSTRAINT") && cursor.Is("PRIMARY KEY", 2)) {
    cursor.Take();
    key.name = cursor.ReadName(kAnyName);
  }
  return cursor.Accept("PRIMARY KEY") ? std::optional(std::move(key)) : std::nullopt;
}

void SetKey(Cursor& cursor, PrimaryKey key, std::optional<PrimaryKey>* primary_key) {
  cursor.Expect("NOT ENFORCED");
  CheckSingle(cursor, *primary_key, key.position, "PRIMARY KEY");
  *primary_key = std::move(key);
}

void ReadElement(Cursor& cursor, CreateTable* table) {
  if (ReadWatermark(cursor, &table->watermark)) return;
  if (ReadPrimaryKey(cursor, &table->primary_key)) return;
  table->columns.push_back(ReadColumn(cursor, &table->primary_key));
}

Distribution ReadDistribution(Cursor& cursor) {
  Distribution distribution;
  const bool by = cursor.Accept("BY");
  if (by) {
    if (cursor.Is("HASH (")) {
      cursor.Take();
      distribution.kind = Distribution::kHash;
    } else if (cursor.Is("RANGE (")) {
      cursor.Take();
      distribution.kind = Distribution::kRange;
    }
    distribution.columns = cursor.ReadNames(kColumnName);
  }
  if (by ? cursor.Accept("INTO") : (cursor.Expect("INTO"), true)) {
    distribution.buckets = static_cast<int>(cursor.ReadWholeNumber(SqlType::kMaxLength));
    cursor.Expect("BUCKETS");
  }
  return distribution;
}

LikeClause::Rule ReadLikeRule(Cursor& cursor) {
  LikeClause::Rule rule;
  if (cursor.Accept("INCLUDING")) {
    rule.merge = LikeClause::kIncluding;
  } else if (cursor.Accept("EXCLUDING")) {
    rule.merge = LikeClause::kExcluding;
  } else {
    cursor.Expect("OVERWRITING");
    rule.merge = LikeClause::kOverwriting;
  }
  static constexpr const char* kFeatures[] = {"ALL",        "CONSTRAINTS", "DISTRIBUTION",
                                              "GENERATED",  "METADATA",    "OPTIONS",
                                              "PARTITIONS", "WATERMARKS"};
  for (size_t i = 0; i < std::size(kFeatures); ++i) {
    if (cursor.Accept(kFeatures[i])) {
      rule.feature = static_cast<LikeClause::Feature>(i);
      return rule;
    }
  }
  cursor.Fail();
}

LikeClause ReadLike(Cursor& cursor) {
  LikeClause like{cursor.ReadQualifiedName(kTableName), {}};
  if (!cursor.Accept("(")) return like;
  do {
    like.rules.push_back(ReadLikeRule(cursor));
  } while (!cursor.Accept(")"));
  return like;
}

CreateTable ReadTable(Cursor& cursor) {
  CreateTable table;
  table.if_not_exists = cursor.Accept("IF NOT EXISTS");
  table.name = cursor.ReadQualifiedName(kTableName);
  if (cursor.Accept("(")) {
    do {
      ReadElement(cursor, &table);
    } while (cursor.Accept(","));
    cursor.Expect(")");
  }
  ReadComment(cursor, &table.comment);
  if (cursor.Accept("DISTRIBUTED")) table.distribution = ReadDistribution(cursor);
  if (cursor.Accept("PARTITIONED BY")) table.partitioned_by = cursor.ReadNames(kColumnName);
  if (cursor.Accept("WITH")) table.options = ReadProperties(cursor);
  if (cursor.Accept("LIKE")) {
    table.like = ReadLike(cursor);
  } else if (cursor.Accept("AS")) {
    table.query = ReadQuery(cursor);
  } else if (table.columns.empty()) {
    cursor.Fail();
  }
  return table;
}

CreateView ReadView(Cursor& cursor) {
  CreateView view;
  view.if_not_exists = cursor.Accept("IF NOT EXISTS");
  view.name = cursor.ReadQualifiedName(kViewName);
  if (cursor.Sees("(")) {
    view.columns = ReadParenthesized(cursor, [](Cursor& c) {
      ViewColumn column;
      column.name = c.ReadName(kColumnName);
      ReadComment(c, &column.comment);
      return column;
    });
  }
  ReadComment(cursor, &view.comment);
  cursor.Expect("AS");
  view.query = ReadQuery(cursor);
  return view;
}

std::vector<ModelColumn> ReadModelColumns(Cursor& cursor) {
  return ReadParenthesized(cursor, [](Cursor& c) {
    ModelColumn column;
    column.name = c.ReadName(kColumnName);
    column.type_position = c.place();
    column.type = ReadType(c);
    ReadComment(c, &column.comment);
    return column;
  });
}

CreateModel ReadModel(Cursor& cursor) {
  CreateModel model;
  model.if_not_exists = cursor.Accept("IF NOT EXISTS");
  model.name = cursor.ReadQualifiedName(kModelName);
  while (true) {
    if (model.inputs.empty() && cursor.Accept("INPUT")) {
      model.inputs = ReadModelColumns(cursor);
    } else if (model.outputs.empty() && cursor.Accept("OUTPUT")) {
      model.outputs = ReadModelColumns(cursor);
    } else {
      break;
    }
  }
  ReadComment(cursor, &model.comment);
  cursor.Expect("WITH");
  model.options = ReadProperties(cursor);
  if (cursor.Accept("AS")) model.query = ReadQuery(cursor);
  return model;
}

CreateFunction ReadFunction(Cursor& cursor) {
  CreateFunction function;
  function.if_not_exists = cursor.Accept("IF NOT EXISTS");
  function.name = cursor.ReadQualifiedName(kFunctionName);
  cursor.Expect("AS");
  function.identifier = cursor.ReadString();
  function.language = ReadLanguage(cursor);
  if (cursor.Accept("USING")) {
    do {
      cursor.Expect("JAR");
      function.jars.push_back(cursor.ReadString());
    } while (cursor.Accept(","));
  }
  if (cursor.Accept("WITH")) function.options = ReadProperties(cursor);
  return function;
}

}  // namespace

ColumnDefinition ReadColumn(Cursor& cursor, std::optional<PrimaryKey>* primary_key) {
  ColumnDefinition column;
  column.name = cursor.ReadName(kColumnName);
  if (cursor.Accept("AS")) {
    column.kind = ColumnDefinition::kComputed;
    column.expression = ReadExpression(cursor);
    ReadComment(cursor, &column.comment);
    return column;
  }
  column.type_position = cursor.place();
  column.type = ReadType(cursor);
  if (cursor.Accept("METADATA")) ReadMetadata(cursor, &column);
  if (std::optional<PrimaryKey> key = ReadKeyWords(cursor)) {
    key->columns.push_back(column.name);
    SetKey(cursor, std::move(*key), primary_key);
  }
  ReadComment(cursor, &column.comment);
  return column;
}

bool ReadWatermark(Cursor& cursor, std::optional<WatermarkDefinition>* watermark) {
  WatermarkDefinition definition;
  definition.position = cursor.place();
  // A column may be called watermark.
  if (cursor.Is("WATERMARK") && cursor.IsName(1) && cursor.Is("AS", 2))
    cursor.Expect("WATERMARK FOR");
  if (!cursor.Accept("WATERMARK FOR")) return false;
  definition.column = cursor.ReadQualifiedName(kColumnName);
  cursor.Expect("AS");
  definition.expression = ReadExpression(cursor);
  CheckSingle(cursor, *watermark, definition.position, "WATERMARK");
  *watermark = std::move(definition);
  return true;
}

bool ReadPrimaryKey(Cursor& cursor, std::optional<PrimaryKey>* primary_key) {
  std::optional<PrimaryKey> key = ReadKeyWords(cursor);
  if (!key) return false;
  key->columns = cursor.ReadNames(kColumnName);
  SetKey(cursor, std::move(*key), primary_key);
  return true;
}

FunctionLanguage ReadLanguage(Cursor& cursor) {
  if (!cursor.Accept("LANGUAGE")) return FunctionLanguage::kUnspecified;
  if (cursor.Accept("PYTHON")) return FunctionLanguage::kPython;
  if (cursor.Accept("CPP")) return FunctionLanguage::kCpp;
  if (cursor.Accept("JAVA")) return FunctionLanguage::kJava;
  if (cursor.Accept("SCALA")) return FunctionLanguage::kScala;
  cursor.Expect("SQL");
  return FunctionLanguage::kSql;
}

StatementNode ReadCreate(Cursor& cursor) {
  cursor.Expect("CREATE");
  const Position replace_at = cursor.place();
  const bool or_replace = cursor.Accept("OR REPLACE");
  const bool temporary = cursor.Accept("TEMPORARY");
  const bool system = temporary && cursor.Accept("SYSTEM");
  if (!system && cursor.Accept("VIEW")) {
    CreateView view = ReadView(cursor);
    view.or_replace = or_replace;
    view.temporary = temporary;
    return view;
  }
  if (or_replace && !system &&
      (cursor.Is("TABLE") || cursor.Is("MODEL") || cursor.Is("FUNCTION"))) {
    cursor.FailAt(replace_at, "only a view can be replaced",
                  "drop it first with DROP … IF EXISTS, or change it with ALTER");
  }
  if (!system && cursor.Accept("TABLE")) {
    CreateTable table = ReadTable(cursor);
    table.temporary = temporary;
    return table;
  }
  if (!system && cursor.Accept("MODEL")) {
    CreateModel model = ReadModel(cursor);
    model.temporary = temporary;
    return model;
  }
  cursor.Expect("FUNCTION");
  CreateFunction function = ReadFunction(cursor);
  function.temporary = temporary;
  function.system = system;
  return function;
}

}  // namespace millrace::syntax

#include "syntax/read_type.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/suggest.h"
#include "syntax/interval.h"
#include "syntax/text.h"

namespace millrace::syntax {
namespace {

struct SimpleType {
  std::string_view word;
  SqlType (*make)();
};

constexpr SimpleType kSimpleTypes[] = {
    {"BOOLEAN", SqlType::Boolean}, {"TINYINT", SqlType::TinyInt}, {"SMALLINT", SqlType::SmallInt},
    {"INT", SqlType::Int},         {"INTEGER", SqlType::Int},     {"BIGINT", SqlType::BigInt},
    {"FLOAT", SqlType::Float},     {"REAL", SqlType::Float},      {"STRING", SqlType::String},
    {"BYTES", SqlType::Bytes},     {"DATE", SqlType::Date},       {"NULL", SqlType::Null},
};

struct ForeignType {
  std::string_view word;
  std::string_view ours;
};

constexpr ForeignType kForeignTypes[] = {
    {"BOOL", "BOOLEAN"},   {"BYTE", "TINYINT"},
    {"INT8", "TINYINT"},   {"INT16", "SMALLINT"},
    {"SHORT", "SMALLINT"}, {"INT32", "INT"},
    {"INT64", "BIGINT"},   {"LONG", "BIGINT"},
    {"FLOAT32", "FLOAT"},  {"FLOAT64", "DOUBLE"},
    {"NUMBER", "DECIMAL"}, {"TEXT", "STRING"},
    {"JSON", "STRING"},    {"UUID", "STRING"},
    {"CLOB", "STRING"},    {"BLOB", "BYTES"},
    {"BYTEA", "BYTES"},    {"DATETIME", "TIMESTAMP"},
    {"STRUCT", "ROW"},     {"TIMESTAMPTZ", "TIMESTAMP_LTZ"},
    {"LIST", "ARRAY"},
};

int ReadBounded(Cursor& cursor, int min, int max, const std::string& what,
                const std::string& hint = {}) {
  const Position at = cursor.place();
  const int64_t number = cursor.ReadWholeNumber(SqlType::kMaxLength);
  if (number < min || number > max) {
    cursor.FailAt(at,
                  what + " is between " + std::to_string(min) + " and " + std::to_string(max) +
                      ", not " + std::to_string(number),
                  hint);
  }
  return static_cast<int>(number);
}

/// The number of `(n)`, if it is there.
std::optional<int> ReadParameter(Cursor& cursor, int min, int max, const std::string& what,
                                 const std::string& hint = {}) {
  if (!cursor.Accept("(")) return std::nullopt;
  const int number = ReadBounded(cursor, min, max, what, hint);
  cursor.Expect(")");
  return number;
}

int ReadLength(Cursor& cursor, int otherwise) {
  return ReadParameter(cursor, 1, SqlType::kMaxLength, "a length").value_or(otherwise);
}

SqlType ReadDecimal(Cursor& cursor) {
  if (!cursor.Accept("(")) return SqlType::Decimal(10, 0);
  const int precision =
      ReadBounded(cursor, 1, SqlType::kMaxDecimalPrecision, "the precision of DECIMAL");
  int scale = 0;
  if (cursor.Accept(",")) {
    scale = ReadBounded(cursor, 0, precision,
                        "the scale of DECIMAL(" + std::to_string(precision) + ", …)");
  }
  cursor.Expect(")");
  return SqlType::Decimal(precision, scale);
}

SqlType ReadTime(Cursor& cursor) {
  const int precision =
      ReadParameter(cursor, 0, SqlType::kMaxTimePrecision, "the precision of TIME",
                    "Millrace keeps times of day in milliseconds: write TIME(3)")
          .value_or(0);
  cursor.Accept("WITHOUT TIME ZONE");
  return SqlType::Time(precision);
}

int ReadTimestampPrecision(Cursor& cursor, const std::string& name) {
  return ReadParameter(cursor, 0, SqlType::kMaxTimestampPrecision, "the precision of " + name,
                       "Millrace keeps microseconds: write " + name + "(6)")
      .value_or(SqlType::kMaxTimestampPrecision);
}

SqlType ReadTimestamp(Cursor& cursor) {
  const int precision = ReadTimestampPrecision(cursor, "TIMESTAMP");
  if (cursor.Accept("WITH LOCAL TIME ZONE")) return SqlType::TimestampLtz(precision);
  if (cursor.Is("WITH TIME ZONE")) {
    cursor.FailAt(cursor.place(), "TIMESTAMP WITH TIME ZONE is not supported",
                  "TIMESTAMP_LTZ is a point in time, shown in the session's time zone");
  }
  cursor.Accept("WITHOUT TIME ZONE");
  return SqlType::Timestamp(precision);
}

IntervalUnit ReadIntervalUnit(Cursor& cursor) {
  const Token& word = cursor.token();
  const std::optional<IntervalUnit> unit =
      word.kind == TokenKind::kWord ? IntervalUnitOf(word.text) : std::nullopt;
  if (!unit) {
    cursor.Wants(kIntervalUnit);
    cursor.Fail();
  }
  cursor.Take();
  return *unit;
}

SqlType ReadIntervalType(Cursor& cursor) {
  IntervalLiteral qualifier;
  ReadIntervalQualifier(cursor, &qualifier);
  return qualifier.from <= IntervalUnit::kMonth ? SqlType::IntervalYearMonth()
                                                : SqlType::IntervalDayTime();
}

SqlType ReadElement(Cursor& cursor) {
  cursor.Expect("<");
  SqlType element = ReadType(cursor);
  cursor.Expect(">");
  return element;
}

SqlType ReadMapType(Cursor& cursor) {
  cursor.Expect("<");
  SqlType key = ReadType(cursor);
  cursor.Expect(",");
  SqlType value = ReadType(cursor);
  cursor.Expect(">");
  return SqlType::Map(std::move(key), std::move(value));
}

SqlField ReadField(Cursor& cursor) {
  SqlField field;
  field.name = cursor.ReadName(kAnyName).name;
  field.type = ReadType(cursor);
  if (cursor.Accept("COMMENT")) {
    field.comment = cursor.ReadString();
  } else if (cursor.Accept(TokenKind::kString, kString)) {
    field.comment = cursor.previous().value;
  }
  return field;
}

SqlType ReadRow(Cursor& cursor) {
  if (cursor.Accept("<>")) return SqlType::Row({});
  const std::string_view close = cursor.Accept("<") ? ">" : ")";
  if (close == ")") cursor.Expect("(");
  std::vector<SqlField> fields;
  if (!cursor.Accept(close)) {
    fields = ReadList(cursor, ReadField);
    cursor.Expect(close);
  }
  return SqlType::Row(std::move(fields));
}

[[noreturn]] void FailUnsupported(Cursor& cursor, const Position& at, const std::string& name) {
  cursor.FailAt(at, "the type " + name + " is not supported",
                name == "MULTISET" ? "use ARRAY, or MAP<T, INT> with the number of each element"
                                   : "use BYTES, or ROW, ARRAY and MAP of the simple types");
}

[[noreturn]] void FailUnknown(Cursor& cursor) {
  if (!cursor.IsName()) {
    cursor.Wants(kType);
    cursor.Fail();
  }
  const Token& word = cursor.token();
  std::string hint;
  for (const ForeignType& foreign : kForeignTypes) {
    if (word.IsWord(foreign.word)) hint = "did you mean " + std::string(foreign.ours) + "?";
  }
  if (hint.empty()) {
    const std::vector<std::string> known(kType.words.begin(), kType.words.end());
    const std::string near = Nearest(word.text, known);
    hint = near.empty()
               ? "types are BOOLEAN, INT, BIGINT, DOUBLE, DECIMAL(p, s), STRING, BYTES, DATE, "
                 "TIMESTAMP(p), ARRAY<…>, MAP<…>, ROW<…> and the others of Flink SQL"
               : "did you mean " + near + "?";
  }
  cursor.FailAt(word.position, "unknown type '" + std::string(word.text) + "'", std::move(hint));
}

SqlType ReadBaseType(Cursor& cursor) {
  for (const SimpleType& simple : kSimpleTypes) {
    if (cursor.Is(simple.word)) {
      cursor.Take();
      return simple.make();
    }
  }
  const Position at = cursor.place();
  const auto is = [&](std::string_view word) { return cursor.Is(word) && (cursor.Take(), true); };
  if (is("DOUBLE")) {
    cursor.Accept("PRECISION");
    return SqlType::Double();
  }
  if (is("DECIMAL") || is("DEC") || is("NUMERIC")) return ReadDecimal(cursor);
  if (is("VARCHAR")) return SqlType::VarChar(ReadLength(cursor, SqlType::kMaxLength));
  if (is("CHAR") || is("CHARACTER")) {
    const bool varying = cursor.Accept("VARYING");
    return varying ? SqlType::VarChar(ReadLength(cursor, SqlType::kMaxLength))
                   : SqlType::Char(ReadLength(cursor, 1));
  }
  if (is("VARBINARY")) return SqlType::VarBinary(ReadLength(cursor, SqlType::kMaxLength));
  if (is("BINARY")) {
    const bool varying = cursor.Accept("VARYING");
    return varying ? SqlType::VarBinary(ReadLength(cursor, SqlType::kMaxLength))
                   : SqlType::Binary(ReadLength(cursor, 1));
  }
  if (is("TIMESTAMP_LTZ"))
    return SqlType::TimestampLtz(ReadTimestampPrecision(cursor, "TIMESTAMP_LTZ"));
  if (is("TIMESTAMP")) return ReadTimestamp(cursor);
  if (is("TIME")) return ReadTime(cursor);
  if (is("INTERVAL")) return ReadIntervalType(cursor);
  if (is("ARRAY")) return SqlType::Array(ReadElement(cursor));
  if (is("MAP")) return ReadMapType(cursor);
  if (is("ROW")) return ReadRow(cursor);
  if (is("MULTISET")) FailUnsupported(cursor, at, "MULTISET");
  if (is("RAW")) FailUnsupported(cursor, at, "RAW");
  FailUnknown(cursor);
}

SqlType ReadNullability(Cursor& cursor, const SqlType& type) {
  if (cursor.Accept("NOT NULL")) return type.AsNotNull();
  // RETURNING INT NULL ON EMPTY has another NULL.
  if (cursor.Is("NULL") && !cursor.Is("ON", 1)) cursor.Take();
  return type;
}

}  // namespace

SqlType ReadType(Cursor& cursor) {
  const Cursor::Level level(cursor);
  SqlType type = ReadNullability(cursor, ReadBaseType(cursor));
  while (cursor.Is("ARRAY") || cursor.Is("MULTISET")) {
    const Position at = cursor.place();
    if (cursor.Take().IsWord("MULTISET")) FailUnsupported(cursor, at, "MULTISET");
    cursor.Stack(kNesting);
    type = ReadNullability(cursor, SqlType::Array(std::move(type)));
  }
  return type;
}

void ReadIntervalQualifier(Cursor& cursor, IntervalLiteral* literal) {
  const Position at = cursor.place();
  literal->from = ReadIntervalUnit(cursor);
  if (cursor.Accept("(")) {
    literal->precision = ReadBounded(cursor, 1, 18, "the precision of an interval");
    if (literal->from == IntervalUnit::kSecond && cursor.Accept(",")) {
      literal->fractional_precision = ReadBounded(cursor, 0, 9, "the precision of SECOND");
    }
    cursor.Expect(")");
  }
  // FLOOR(INTERVAL '1' DAY TO YEAR) and the like have another TO.
  const bool is_range = cursor.Is("TO") && cursor.token(1).kind == TokenKind::kWord &&
                        IntervalUnitOf(cursor.token(1).text).has_value();
  if (!is_range) return;
  cursor.Take();
  literal->to = ReadIntervalUnit(cursor);
  if (literal->to == IntervalUnit::kSecond) {
    literal->fractional_precision = ReadParameter(cursor, 0, 9, "the precision of SECOND");
  }
  cursor.Check(CheckRange(literal->from, *literal->to), at);
}

}  // namespace millrace::syntax

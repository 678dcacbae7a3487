#include <gtest/gtest.h>

#include "syntax/testing.h"

namespace millrace::syntax {
namespace {

struct TypeText {
  const char* sql;
  SqlType type;
};

const TypeText kTypes[] = {
    {"BOOLEAN", SqlType::Boolean()},
    {"tinyint", SqlType::TinyInt()},
    {"SMALLINT", SqlType::SmallInt()},
    {"INT", SqlType::Int()},
    {"INTEGER", SqlType::Int()},
    {"BIGINT", SqlType::BigInt()},
    {"FLOAT", SqlType::Float()},
    {"REAL", SqlType::Float()},
    {"DOUBLE", SqlType::Double()},
    {"DOUBLE PRECISION", SqlType::Double()},
    {"DECIMAL", SqlType::Decimal(10, 0)},
    {"DEC(5)", SqlType::Decimal(5, 0)},
    {"NUMERIC(38, 18)", SqlType::Decimal(38, 18)},
    {"CHAR", SqlType::Char(1)},
    {"CHARACTER(3)", SqlType::Char(3)},
    {"VARCHAR", SqlType::String()},
    {"VARCHAR(20)", SqlType::VarChar(20)},
    {"CHARACTER VARYING (20)", SqlType::VarChar(20)},
    {"STRING", SqlType::String()},
    {"BINARY", SqlType::Binary(1)},
    {"BINARY VARYING(4)", SqlType::VarBinary(4)},
    {"VARBINARY(4)", SqlType::VarBinary(4)},
    {"BYTES", SqlType::Bytes()},
    {"DATE", SqlType::Date()},
    {"TIME", SqlType::Time(0)},
    {"TIME(3) WITHOUT TIME ZONE", SqlType::Time(3)},
    {"TIMESTAMP", SqlType::Timestamp(6)},
    {"TIMESTAMP(3) WITHOUT TIME ZONE", SqlType::Timestamp(3)},
    {"TIMESTAMP(3) WITH LOCAL TIME ZONE", SqlType::TimestampLtz(3)},
    {"TIMESTAMP_LTZ(3)", SqlType::TimestampLtz(3)},
    {"INTERVAL YEAR", SqlType::IntervalYearMonth()},
    {"INTERVAL YEAR(4) TO MONTH", SqlType::IntervalYearMonth()},
    {"INTERVAL DAY", SqlType::IntervalDayTime()},
    {"INTERVAL HOUR TO SECOND(3)", SqlType::IntervalDayTime()},
    {"INT NOT NULL", SqlType::Int().AsNotNull()},
    {"INT NULL", SqlType::Int()},
    {"ARRAY<INT NOT NULL>", SqlType::Array(SqlType::Int().AsNotNull())},
    {"INT NOT NULL ARRAY NOT NULL", SqlType::Array(SqlType::Int().AsNotNull()).AsNotNull()},
    {"INT ARRAY ARRAY", SqlType::Array(SqlType::Array(SqlType::Int()))},
    {"ARRAY<ARRAY<INT>>", SqlType::Array(SqlType::Array(SqlType::Int()))},
    {"MAP<STRING, INT>", SqlType::Map(SqlType::String(), SqlType::Int())},
    {"ROW<a INT, `b c` STRING NOT NULL>",
     SqlType::Row({{"a", SqlType::Int(), ""}, {"b c", SqlType::String().AsNotNull(), ""}})},
    {"ROW(a INT 'first', b INT COMMENT 'second')",
     SqlType::Row({{"a", SqlType::Int(), "first"}, {"b", SqlType::Int(), "second"}})},
    {"ROW<>", SqlType::Row({})},
    {"NULL", SqlType::Null()},
};

TEST(Type, IsRead) {
  for (const TypeText& text : kTypes) {
    SCOPED_TRACE(text.sql);
    const Result<SqlType> type = ParseType(text.sql);
    ASSERT_TRUE(type.ok()) << DescribeIn(type.status(), text.sql);
    EXPECT_EQ(type->ToString(), text.type.ToString());
    EXPECT_TRUE(*type == text.type);
  }
}

TEST(Type, IsReadFromItsOwnText) {
  for (const TypeText& text : kTypes) {
    SCOPED_TRACE(text.type.ToString());
    EXPECT_TRUE(ParseType(text.type.ToString()).ValueOr(SqlType::Null()) == text.type);
    EXPECT_TRUE(ParseType(Print(text.type)).ValueOr(SqlType::Null()) == text.type);
  }
}

TEST(Type, KeepsTheCommentsOfFields) {
  const SqlType type = ParseType("ROW<a INT COMMENT 'it''s', b ROW(c INT 'x')>").ValueOrDie();
  EXPECT_EQ(Print(type), "ROW<a INT 'it''s', b ROW<c INT 'x'>>");
}

TEST(Type, NothingMayFollow) {
  const Status status = ParseType("INT,").status();
  EXPECT_EQ(InfoOf(status).position, (Position{1, 4}));
}

}  // namespace
}  // namespace millrace::syntax

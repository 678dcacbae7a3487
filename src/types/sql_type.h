#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/type_fwd.h>

#include "base/error.h"

namespace millrace {

enum class TypeKind : uint8_t {
  kNull,  ///< of an untyped NULL literal only
  kBoolean,
  kTinyInt,
  kSmallInt,
  kInt,
  kBigInt,
  kFloat,
  kDouble,
  kDecimal,
  kChar,
  kVarChar,
  kBinary,
  kVarBinary,
  kDate,
  kTime,
  kTimestamp,
  kTimestampLtz,
  kIntervalYearMonth,
  kIntervalDayTime,
  kArray,
  kMap,
  kRow,
};

struct SqlField;

/// A type of Flink SQL. An immutable value, cheap to copy; thread-safe.
///
/// | SQL                          | Arrow                  |
/// |------------------------------|------------------------|
/// | BOOLEAN                      | bool                   |
/// | TINYINT … BIGINT             | int8 … int64           |
/// | FLOAT, DOUBLE                | float32, float64       |
/// | DECIMAL(p, s), p <= 38       | decimal128(p, s)       |
/// | CHAR(n), VARCHAR(n), STRING  | utf8                   |
/// | BINARY(n), VARBINARY(n), BYTES | binary               |
/// | DATE                         | date32                 |
/// | TIME(p), p <= 3              | time32[ms]             |
/// | TIMESTAMP(p), p <= 6         | timestamp[us]          |
/// | TIMESTAMP_LTZ(p), p <= 6     | timestamp[us, UTC]     |
/// | INTERVAL YEAR TO MONTH       | month_interval         |
/// | INTERVAL DAY TO SECOND       | duration[us]           |
/// | ARRAY, MAP, ROW              | list, map, struct      |
class SqlType {
 public:
  static constexpr int kMaxLength =
      0x7fffffff;  ///< VARCHAR(kMaxLength) is STRING, VARBINARY(kMaxLength) BYTES
  static constexpr int kMaxDecimalPrecision = 38;
  static constexpr int kMaxTimestampPrecision = 6;
  static constexpr int kMaxTimePrecision = 3;

  SqlType() = default;  ///< NULL

  static SqlType Null() { return {}; }
  static SqlType Boolean() { return SqlType(TypeKind::kBoolean); }
  static SqlType TinyInt() { return SqlType(TypeKind::kTinyInt); }
  static SqlType SmallInt() { return SqlType(TypeKind::kSmallInt); }
  static SqlType Int() { return SqlType(TypeKind::kInt); }
  static SqlType BigInt() { return SqlType(TypeKind::kBigInt); }
  static SqlType Float() { return SqlType(TypeKind::kFloat); }
  static SqlType Double() { return SqlType(TypeKind::kDouble); }
  static SqlType Decimal(int precision, int scale) {
    return SqlType(TypeKind::kDecimal, precision, scale);
  }
  static SqlType Char(int length) { return SqlType(TypeKind::kChar, length); }
  static SqlType VarChar(int length) { return SqlType(TypeKind::kVarChar, length); }
  static SqlType String() { return VarChar(kMaxLength); }
  static SqlType Binary(int length) { return SqlType(TypeKind::kBinary, length); }
  static SqlType VarBinary(int length) { return SqlType(TypeKind::kVarBinary, length); }
  static SqlType Bytes() { return VarBinary(kMaxLength); }
  static SqlType Date() { return SqlType(TypeKind::kDate); }
  static SqlType Time(int precision = 0) { return SqlType(TypeKind::kTime, precision); }
  static SqlType Timestamp(int precision = 6) { return SqlType(TypeKind::kTimestamp, precision); }
  static SqlType TimestampLtz(int precision = 6) {
    return SqlType(TypeKind::kTimestampLtz, precision);
  }
  static SqlType IntervalYearMonth() { return SqlType(TypeKind::kIntervalYearMonth); }
  static SqlType IntervalDayTime() { return SqlType(TypeKind::kIntervalDayTime); }
  static SqlType Array(SqlType element);
  static SqlType Map(SqlType key, SqlType value);
  static SqlType Row(std::vector<SqlField> fields);

  TypeKind kind() const { return kind_; }
  bool nullable() const { return nullable_; }
  SqlType AsNullable(bool nullable = true) const;
  SqlType AsNotNull() const { return AsNullable(false); }

  int length() const { return precision_; }     ///< CHAR, VARCHAR, BINARY, VARBINARY
  int precision() const { return precision_; }  ///< DECIMAL, TIME, TIMESTAMP, TIMESTAMP_LTZ
  int scale() const { return scale_; }          ///< DECIMAL

  const std::vector<SqlField>& fields()
      const;                       ///< ROW: its fields; ARRAY: one; MAP: key and value; else none
  const SqlType& element() const;  ///< ARRAY
  const SqlType& key() const;      ///< MAP
  const SqlType& value() const;    ///< MAP

  bool is_null() const { return kind_ == TypeKind::kNull; }
  bool is_integer() const { return kind_ >= TypeKind::kTinyInt && kind_ <= TypeKind::kBigInt; }
  bool is_approximate() const { return kind_ == TypeKind::kFloat || kind_ == TypeKind::kDouble; }
  bool is_numeric() const { return kind_ >= TypeKind::kTinyInt && kind_ <= TypeKind::kDecimal; }
  bool is_string() const { return kind_ == TypeKind::kChar || kind_ == TypeKind::kVarChar; }
  bool is_binary() const { return kind_ == TypeKind::kBinary || kind_ == TypeKind::kVarBinary; }
  bool is_timestamp() const {
    return kind_ == TypeKind::kTimestamp || kind_ == TypeKind::kTimestampLtz;
  }
  bool is_temporal() const { return kind_ >= TypeKind::kDate && kind_ <= TypeKind::kTimestampLtz; }
  bool is_interval() const {
    return kind_ == TypeKind::kIntervalYearMonth || kind_ == TypeKind::kIntervalDayTime;
  }
  bool is_nested() const { return kind_ >= TypeKind::kArray; }

  /// As Flink prints it: "DECIMAL(10, 2) NOT NULL", "ARRAY<INT>", "ROW<`a` INT, `b` STRING>".
  /// A nullable type prints without a suffix. `ParseType` in syntax reads every such text.
  std::string ToString() const;

  std::shared_ptr<arrow::DataType> ToArrow() const;

  /// The nullable SQL type that holds an Arrow type; an error where there is none.
  static Result<SqlType> FromArrow(const arrow::DataType& type);

  bool operator==(const SqlType& other) const;  ///< with nullability, field names included
  bool EqualsIgnoringNullability(const SqlType& other) const;
  /// Values of both are the same in Arrow: lengths of strings, precisions of times and nullability
  /// aside.
  bool HasSameForm(const SqlType& other) const;

 private:
  explicit SqlType(TypeKind kind, int precision = 0, int scale = 0)
      : kind_(kind), precision_(precision), scale_(scale) {}

  TypeKind kind_ = TypeKind::kNull;
  bool nullable_ = true;
  int precision_ = 0;
  int scale_ = 0;
  std::shared_ptr<const std::vector<SqlField>> fields_;
};

/// A named, typed column or field of a ROW.
struct SqlField {
  std::string name;
  SqlType type;
  std::string comment;

  bool operator==(const SqlField& other) const { return name == other.name && type == other.type; }
};

/// `name` as an SQL identifier: in backquotes, doubled where it holds some.
std::string QuoteIdentifier(std::string_view name);

}  // namespace millrace

#include "expr/literal.h"

#include <arrow/api.h>
#include <arrow/util/decimal.h>

namespace millrace {
namespace {

template <class Builder, class Value>
Result<std::shared_ptr<arrow::Array>> One(const std::shared_ptr<arrow::DataType>& type,
                                          const Value& value) {
  Builder builder(type, arrow::default_memory_pool());
  ARROW_RETURN_NOT_OK(builder.Append(value));
  return builder.Finish();
}

Result<std::shared_ptr<arrow::Array>> Typed(const Expression& literal) {
  const auto type = literal.type.ToArrow();
  const LiteralValue& value = literal.literal;
  const auto integer = [&] { return std::get<int64_t>(value); };
  switch (literal.type.kind()) {
    case TypeKind::kBoolean:
      return One<arrow::BooleanBuilder>(type, std::get<bool>(value));
    case TypeKind::kTinyInt:
      return One<arrow::Int8Builder>(type, static_cast<int8_t>(integer()));
    case TypeKind::kSmallInt:
      return One<arrow::Int16Builder>(type, static_cast<int16_t>(integer()));
    case TypeKind::kInt:
      return One<arrow::Int32Builder>(type, static_cast<int32_t>(integer()));
    case TypeKind::kBigInt:
      return One<arrow::Int64Builder>(type, integer());
    case TypeKind::kFloat:
      return One<arrow::FloatBuilder>(type, static_cast<float>(std::get<double>(value)));
    case TypeKind::kDouble:
      return One<arrow::DoubleBuilder>(type, std::get<double>(value));
    case TypeKind::kDecimal: {
      arrow::Decimal128 decimal;
      int32_t precision = 0;
      int32_t scale = 0;
      ARROW_RETURN_NOT_OK(arrow::Decimal128::FromString(std::get<std::string>(value), &decimal,
                                                        &precision, &scale));
      ARROW_ASSIGN_OR_RAISE(decimal, decimal.Rescale(scale, literal.type.scale()));
      return One<arrow::Decimal128Builder>(type, decimal);
    }
    case TypeKind::kChar:
    case TypeKind::kVarChar:
      return One<arrow::StringBuilder>(type, std::get<std::string>(value));
    case TypeKind::kBinary:
    case TypeKind::kVarBinary:
      return One<arrow::BinaryBuilder>(type, std::get<std::string>(value));
    case TypeKind::kDate:
      return One<arrow::Date32Builder>(type, static_cast<int32_t>(integer()));
    case TypeKind::kTime:
      return One<arrow::Time32Builder>(type, static_cast<int32_t>(integer()));
    case TypeKind::kTimestamp:
    case TypeKind::kTimestampLtz:
      return One<arrow::TimestampBuilder>(type, integer());
    case TypeKind::kIntervalYearMonth:
      return One<arrow::MonthIntervalBuilder>(type, static_cast<int32_t>(integer()));
    case TypeKind::kIntervalDayTime:
      return One<arrow::DurationBuilder>(type, integer());
    default:
      return Error::Internal("no literal of type " + literal.type.ToString());
  }
}

template <class ArrayType>
LiteralValue Integer(const arrow::Array& array, int64_t row) {
  return static_cast<int64_t>(static_cast<const ArrayType&>(array).Value(row));
}

}  // namespace

Result<std::shared_ptr<arrow::Array>> LiteralArray(const Expression& literal) {
  if (std::holds_alternative<std::monostate>(literal.literal)) {
    return arrow::MakeArrayOfNull(literal.type.ToArrow(), 1);
  }
  try {
    return Typed(literal);
  } catch (const std::bad_variant_access&) {
    return Error::Internal("a literal does not hold a value of its type " + literal.type.ToString())
        .At(literal.position);
  }
}

Result<LiteralValue> LiteralOf(const arrow::Array& array, int64_t row, const SqlType& type) {
  if (array.IsNull(row)) return LiteralValue{};
  switch (type.kind()) {
    case TypeKind::kBoolean:
      return static_cast<const arrow::BooleanArray&>(array).Value(row);
    case TypeKind::kTinyInt:
      return Integer<arrow::Int8Array>(array, row);
    case TypeKind::kSmallInt:
      return Integer<arrow::Int16Array>(array, row);
    case TypeKind::kInt:
      return Integer<arrow::Int32Array>(array, row);
    case TypeKind::kBigInt:
      return Integer<arrow::Int64Array>(array, row);
    case TypeKind::kFloat:
      return static_cast<double>(static_cast<const arrow::FloatArray&>(array).Value(row));
    case TypeKind::kDouble:
      return static_cast<const arrow::DoubleArray&>(array).Value(row);
    case TypeKind::kDecimal:
      return static_cast<const arrow::Decimal128Array&>(array).FormatValue(row);
    case TypeKind::kChar:
    case TypeKind::kVarChar:
    case TypeKind::kBinary:
    case TypeKind::kVarBinary:
      return static_cast<const arrow::BinaryArray&>(array).GetString(row);
    case TypeKind::kDate:
      return Integer<arrow::Date32Array>(array, row);
    case TypeKind::kTime:
      return Integer<arrow::Time32Array>(array, row);
    case TypeKind::kTimestamp:
    case TypeKind::kTimestampLtz:
      return Integer<arrow::TimestampArray>(array, row);
    case TypeKind::kIntervalYearMonth:
      return Integer<arrow::MonthIntervalArray>(array, row);
    case TypeKind::kIntervalDayTime:
      return Integer<arrow::DurationArray>(array, row);
    default:
      return Error::User("a value of type " + type.ToString() + " cannot be a literal");
  }
}

}  // namespace millrace

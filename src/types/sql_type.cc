#include "types/sql_type.h"

#include <arrow/type.h>

namespace millrace {
namespace {

const std::vector<SqlField> kNoFields;

std::string WithNumber(const char* name, int number) {
  return std::string(name) + '(' + std::to_string(number) + ')';
}

std::string BaseName(const SqlType& type) {
  switch (type.kind()) {
    case TypeKind::kNull:
      return "NULL";
    case TypeKind::kBoolean:
      return "BOOLEAN";
    case TypeKind::kTinyInt:
      return "TINYINT";
    case TypeKind::kSmallInt:
      return "SMALLINT";
    case TypeKind::kInt:
      return "INT";
    case TypeKind::kBigInt:
      return "BIGINT";
    case TypeKind::kFloat:
      return "FLOAT";
    case TypeKind::kDouble:
      return "DOUBLE";
    case TypeKind::kDecimal:
      return "DECIMAL(" + std::to_string(type.precision()) + ", " + std::to_string(type.scale()) +
             ')';
    case TypeKind::kChar:
      return WithNumber("CHAR", type.length());
    case TypeKind::kVarChar:
      return type.length() == SqlType::kMaxLength ? "STRING" : WithNumber("VARCHAR", type.length());
    case TypeKind::kBinary:
      return WithNumber("BINARY", type.length());
    case TypeKind::kVarBinary:
      return type.length() == SqlType::kMaxLength ? "BYTES"
                                                  : WithNumber("VARBINARY", type.length());
    case TypeKind::kDate:
      return "DATE";
    case TypeKind::kTime:
      return WithNumber("TIME", type.precision());
    case TypeKind::kTimestamp:
      return WithNumber("TIMESTAMP", type.precision());
    case TypeKind::kTimestampLtz:
      return WithNumber("TIMESTAMP_LTZ", type.precision());
    case TypeKind::kIntervalYearMonth:
      return "INTERVAL YEAR TO MONTH";
    case TypeKind::kIntervalDayTime:
      return "INTERVAL DAY TO SECOND";
    case TypeKind::kArray:
      return "ARRAY<" + type.element().ToString() + '>';
    case TypeKind::kMap:
      return "MAP<" + type.key().ToString() + ", " + type.value().ToString() + '>';
    case TypeKind::kRow: {
      std::string out = "ROW<";
      for (size_t i = 0; i < type.fields().size(); ++i) {
        const SqlField& field = type.fields()[i];
        out += (i == 0 ? "" : ", ") + QuoteIdentifier(field.name) + ' ' + field.type.ToString();
      }
      return out + '>';
    }
  }
  return {};
}

}  // namespace

SqlType SqlType::Array(SqlType element) {
  SqlType type(TypeKind::kArray);
  type.fields_ = std::make_shared<std::vector<SqlField>>(
      std::vector<SqlField>{{"element", std::move(element), {}}});
  return type;
}

SqlType SqlType::Map(SqlType key, SqlType value) {
  SqlType type(TypeKind::kMap);
  type.fields_ = std::make_shared<std::vector<SqlField>>(
      std::vector<SqlField>{{"key", std::move(key), {}}, {"value", std::move(value), {}}});
  return type;
}

SqlType SqlType::Row(std::vector<SqlField> fields) {
  SqlType type(TypeKind::kRow);
  type.fields_ = std::make_shared<std::vector<SqlField>>(std::move(fields));
  return type;
}

SqlType SqlType::AsNullable(bool nullable) const {
  SqlType type = *this;
  type.nullable_ = nullable || is_null();
  return type;
}

const std::vector<SqlField>& SqlType::fields() const { return fields_ ? *fields_ : kNoFields; }
const SqlType& SqlType::element() const { return (*fields_)[0].type; }
const SqlType& SqlType::key() const { return (*fields_)[0].type; }
const SqlType& SqlType::value() const { return (*fields_)[1].type; }

std::string SqlType::ToString() const {
  return nullable_ ? BaseName(*this) : BaseName(*this) + " NOT NULL";
}

std::shared_ptr<arrow::DataType> SqlType::ToArrow() const {
  switch (kind_) {
    case TypeKind::kNull:
      return arrow::null();
    case TypeKind::kBoolean:
      return arrow::boolean();
    case TypeKind::kTinyInt:
      return arrow::int8();
    case TypeKind::kSmallInt:
      return arrow::int16();
    case TypeKind::kInt:
      return arrow::int32();
    case TypeKind::kBigInt:
      return arrow::int64();
    case TypeKind::kFloat:
      return arrow::float32();
    case TypeKind::kDouble:
      return arrow::float64();
    case TypeKind::kDecimal:
      return arrow::decimal128(precision_, scale_);
    case TypeKind::kChar:
    case TypeKind::kVarChar:
      return arrow::utf8();
    case TypeKind::kBinary:
    case TypeKind::kVarBinary:
      return arrow::binary();
    case TypeKind::kDate:
      return arrow::date32();
    case TypeKind::kTime:
      return arrow::time32(arrow::TimeUnit::MILLI);
    case TypeKind::kTimestamp:
      return arrow::timestamp(arrow::TimeUnit::MICRO);
    case TypeKind::kTimestampLtz:
      return arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
    case TypeKind::kIntervalYearMonth:
      return arrow::month_interval();
    case TypeKind::kIntervalDayTime:
      return arrow::duration(arrow::TimeUnit::MICRO);
    case TypeKind::kArray:
      return arrow::list(arrow::field("item", element().ToArrow(), element().nullable()));
    case TypeKind::kMap:
      return std::make_shared<arrow::MapType>(
          arrow::field("key", key().ToArrow(), false),
          arrow::field("value", value().ToArrow(), value().nullable()));
    case TypeKind::kRow: {
      arrow::FieldVector children;
      for (const SqlField& field : fields()) {
        children.push_back(arrow::field(field.name, field.type.ToArrow(), field.type.nullable()));
      }
      return arrow::struct_(std::move(children));
    }
  }
  return arrow::null();
}

Result<SqlType> SqlType::FromArrow(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::NA:
      return Null();
    case arrow::Type::BOOL:
      return Boolean();
    case arrow::Type::INT8:
      return TinyInt();
    case arrow::Type::INT16:
    case arrow::Type::UINT8:
      return SmallInt();
    case arrow::Type::INT32:
    case arrow::Type::UINT16:
      return Int();
    case arrow::Type::INT64:
    case arrow::Type::UINT32:
      return BigInt();
    case arrow::Type::HALF_FLOAT:
    case arrow::Type::FLOAT:
      return Float();
    case arrow::Type::DOUBLE:
      return Double();
    case arrow::Type::DECIMAL128: {
      const auto& decimal = static_cast<const arrow::Decimal128Type&>(type);
      return Decimal(decimal.precision(), decimal.scale());
    }
    case arrow::Type::STRING:
    case arrow::Type::LARGE_STRING:
    case arrow::Type::STRING_VIEW:
      return String();
    case arrow::Type::BINARY:
    case arrow::Type::LARGE_BINARY:
    case arrow::Type::BINARY_VIEW:
      return Bytes();
    case arrow::Type::FIXED_SIZE_BINARY:
      return Binary(static_cast<const arrow::FixedSizeBinaryType&>(type).byte_width());
    case arrow::Type::DATE32:
    case arrow::Type::DATE64:
      return Date();
    case arrow::Type::TIME32:
      return Time(kMaxTimePrecision);
    case arrow::Type::TIMESTAMP: {
      const auto& timestamp = static_cast<const arrow::TimestampType&>(type);
      return timestamp.timezone().empty() ? Timestamp() : TimestampLtz();
    }
    case arrow::Type::INTERVAL_MONTHS:
      return IntervalYearMonth();
    case arrow::Type::DURATION:
      return IntervalDayTime();
    case arrow::Type::LIST:
    case arrow::Type::LARGE_LIST:
    case arrow::Type::FIXED_SIZE_LIST: {
      const auto& item = *type.field(0);
      ARROW_ASSIGN_OR_RAISE(SqlType element, FromArrow(*item.type()));
      return Array(element.AsNullable(item.nullable()));
    }
    case arrow::Type::MAP: {
      const auto& map = static_cast<const arrow::MapType&>(type);
      ARROW_ASSIGN_OR_RAISE(SqlType key, FromArrow(*map.key_type()));
      ARROW_ASSIGN_OR_RAISE(SqlType value, FromArrow(*map.item_type()));
      return Map(key.AsNotNull(), value.AsNullable(map.item_field()->nullable()));
    }
    case arrow::Type::STRUCT: {
      std::vector<SqlField> fields;
      for (const auto& field : type.fields()) {
        ARROW_ASSIGN_OR_RAISE(SqlType child, FromArrow(*field->type()));
        fields.push_back({field->name(), child.AsNullable(field->nullable()), {}});
      }
      return Row(std::move(fields));
    }
    default:
      return Error::Data("no SQL type holds the Arrow type " + type.ToString());
  }
}

bool SqlType::operator==(const SqlType& other) const {
  if (kind_ != other.kind_ || nullable_ != other.nullable_) return false;
  if (precision_ != other.precision_ || scale_ != other.scale_) return false;
  return fields_ == other.fields_ || fields() == other.fields();
}

bool SqlType::EqualsIgnoringNullability(const SqlType& other) const {
  if (kind_ != other.kind_ || precision_ != other.precision_ || scale_ != other.scale_)
    return false;
  if (fields_ == other.fields_) return true;
  if (fields().size() != other.fields().size()) return false;
  for (size_t i = 0; i < fields().size(); ++i) {
    const SqlField &a = fields()[i], &b = other.fields()[i];
    if (a.name != b.name || !a.type.EqualsIgnoringNullability(b.type)) return false;
  }
  return true;
}

bool SqlType::HasSameForm(const SqlType& other) const {
  const bool texts = (is_string() && other.is_string()) || (is_binary() && other.is_binary());
  if (texts) return true;
  if (kind_ != other.kind_ || fields().size() != other.fields().size()) return false;
  if (kind_ == TypeKind::kDecimal) return precision_ == other.precision_ && scale_ == other.scale_;
  for (size_t i = 0; i < fields().size(); ++i) {
    if (!fields()[i].type.HasSameForm(other.fields()[i].type)) return false;
  }
  return true;
}

std::string QuoteIdentifier(std::string_view name) {
  std::string out = "`";
  for (const char c : name) {
    if (c == '`') out += '`';
    out += c;
  }
  return out + '`';
}

}  // namespace millrace

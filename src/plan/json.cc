#include "plan/json.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/suggest.h"

namespace millrace::plan_json {
namespace {

constexpr int kMaxDepth = 1000;

constexpr std::array<std::pair<TypeKind, std::string_view>, 22> kKinds = {{
    {TypeKind::kNull, "NULL"},
    {TypeKind::kBoolean, "BOOLEAN"},
    {TypeKind::kTinyInt, "TINYINT"},
    {TypeKind::kSmallInt, "SMALLINT"},
    {TypeKind::kInt, "INT"},
    {TypeKind::kBigInt, "BIGINT"},
    {TypeKind::kFloat, "FLOAT"},
    {TypeKind::kDouble, "DOUBLE"},
    {TypeKind::kDecimal, "DECIMAL"},
    {TypeKind::kChar, "CHAR"},
    {TypeKind::kVarChar, "VARCHAR"},
    {TypeKind::kBinary, "BINARY"},
    {TypeKind::kVarBinary, "VARBINARY"},
    {TypeKind::kDate, "DATE"},
    {TypeKind::kTime, "TIME"},
    {TypeKind::kTimestamp, "TIMESTAMP"},
    {TypeKind::kTimestampLtz, "TIMESTAMP_LTZ"},
    {TypeKind::kIntervalYearMonth, "INTERVAL YEAR TO MONTH"},
    {TypeKind::kIntervalDayTime, "INTERVAL DAY TO SECOND"},
    {TypeKind::kArray, "ARRAY"},
    {TypeKind::kMap, "MAP"},
    {TypeKind::kRow, "ROW"},
}};

Status Fault(const std::string& path, const std::string& message) {
  return Error::User("the plan is malformed: " + message).In(path);
}

bool TakesNumber(TypeKind kind) {
  return kind == TypeKind::kDecimal || kind == TypeKind::kChar || kind == TypeKind::kVarChar ||
         kind == TypeKind::kBinary || kind == TypeKind::kVarBinary || kind == TypeKind::kTime ||
         kind == TypeKind::kTimestamp || kind == TypeKind::kTimestampLtz;
}

/// A type without children from its kind and numbers; out of range: an error.
Result<SqlType> Plain(TypeKind kind, int64_t p, int64_t s, const std::string& path) {
  const auto within = [&](int64_t low, int64_t high) { return p >= low && p <= high; };
  const auto number = static_cast<int>(p);
  switch (kind) {
    case TypeKind::kBoolean:
      return SqlType::Boolean();
    case TypeKind::kTinyInt:
      return SqlType::TinyInt();
    case TypeKind::kSmallInt:
      return SqlType::SmallInt();
    case TypeKind::kInt:
      return SqlType::Int();
    case TypeKind::kBigInt:
      return SqlType::BigInt();
    case TypeKind::kFloat:
      return SqlType::Float();
    case TypeKind::kDouble:
      return SqlType::Double();
    case TypeKind::kDecimal:
      if (within(1, SqlType::kMaxDecimalPrecision) && s >= 0 && s <= p)
        return SqlType::Decimal(number, static_cast<int>(s));
      break;
    case TypeKind::kChar:
      if (within(0, SqlType::kMaxLength)) return SqlType::Char(number);
      break;
    case TypeKind::kVarChar:
      if (within(0, SqlType::kMaxLength)) return SqlType::VarChar(number);
      break;
    case TypeKind::kBinary:
      if (within(0, SqlType::kMaxLength)) return SqlType::Binary(number);
      break;
    case TypeKind::kVarBinary:
      if (within(0, SqlType::kMaxLength)) return SqlType::VarBinary(number);
      break;
    case TypeKind::kDate:
      return SqlType::Date();
    case TypeKind::kTime:
      if (within(0, SqlType::kMaxTimePrecision)) return SqlType::Time(number);
      break;
    case TypeKind::kTimestamp:
      if (within(0, SqlType::kMaxTimestampPrecision)) return SqlType::Timestamp(number);
      break;
    case TypeKind::kTimestampLtz:
      if (within(0, SqlType::kMaxTimestampPrecision)) return SqlType::TimestampLtz(number);
      break;
    case TypeKind::kIntervalYearMonth:
      return SqlType::IntervalYearMonth();
    case TypeKind::kIntervalDayTime:
      return SqlType::IntervalDayTime();
    default:
      return SqlType::Null();
  }
  return Fault(path, "a type's precision or length is out of range");
}

Result<SqlType> Nested(TypeKind kind, const Json& of, const std::string& path) {
  if (kind == TypeKind::kRow) {
    ARROW_ASSIGN_OR_RAISE(const Schema fields, SchemaFromJson(of, path));
    return SqlType::Row(fields.columns());
  }
  const size_t wanted = kind == TypeKind::kArray ? 1 : 2;
  if (!of.is_array() || of.size() != wanted)
    return Fault(path, "the parts of a nested type are missing");
  ARROW_ASSIGN_OR_RAISE(SqlType first, TypeFromJson(of[0], path + "[0]"));
  if (kind == TypeKind::kArray) return SqlType::Array(std::move(first));
  ARROW_ASSIGN_OR_RAISE(SqlType second, TypeFromJson(of[1], path + "[1]"));
  return SqlType::Map(std::move(first), std::move(second));
}

/// Bytes that are no UTF-8 (binary literals) are kept as numbers.
Json BytesToJson(const std::string& bytes, bool binary) {
  if (!binary) return bytes;
  Json out = Json::array();
  for (const unsigned char c : bytes) out.push_back(c);
  return out;
}

Json LiteralToJson(const Expression& e) {
  struct Writer {
    const SqlType& type;
    Json operator()(std::monostate) const { return nullptr; }
    Json operator()(bool value) const { return value; }
    Json operator()(int64_t value) const { return value; }
    Json operator()(double value) const {
      if (value == value && value - value == 0) return value;
      return value != value ? "NaN" : value > 0 ? "Infinity" : "-Infinity";
    }
    Json operator()(const std::string& value) const { return BytesToJson(value, type.is_binary()); }
  };
  return std::visit(Writer{e.type}, e.literal);
}

Result<LiteralValue> LiteralFromJson(const Json& json, const SqlType& type,
                                     const std::string& path) {
  if (json.is_null()) return LiteralValue();
  if (type.kind() == TypeKind::kBoolean && json.is_boolean()) return LiteralValue(json.get<bool>());
  if (type.is_approximate()) {
    if (json.is_number()) return LiteralValue(json.get<double>());
    if (json == "NaN") return LiteralValue(std::numeric_limits<double>::quiet_NaN());
    if (json == "Infinity") return LiteralValue(std::numeric_limits<double>::infinity());
    if (json == "-Infinity") return LiteralValue(-std::numeric_limits<double>::infinity());
  }
  if (type.is_binary() && json.is_array()) {
    std::string bytes;
    for (const Json& byte : json) {
      if (!byte.is_number_unsigned() || byte.get<uint64_t>() > 255)
        return Fault(path, "a byte is out of range");
      bytes += static_cast<char>(byte.get<uint64_t>());
    }
    return LiteralValue(std::move(bytes));
  }
  if ((type.is_string() || type.kind() == TypeKind::kDecimal) && json.is_string()) {
    return LiteralValue(json.get<std::string>());
  }
  const bool whole = type.is_integer() || type.is_temporal() || type.is_interval();
  if (whole && json.is_number_integer()) return LiteralValue(json.get<int64_t>());
  return Fault(path, "the literal does not fit its type " + type.ToString());
}

}  // namespace

ObjectReader::ObjectReader(const Json& json, std::string path)
    : json_(json), path_(std::move(path)) {
  if (!json.is_object()) status_ = Fault(path_, "an object is expected");
}

const Json* ObjectReader::Find(const char* key, bool required) {
  read_.emplace_back(key);
  if (Has(key)) return &json_[key];
  if (required) Fail(key, "it is missing");
  return nullptr;
}

const Json& ObjectReader::Member(const char* key) {
  static const Json kNull;
  const Json* found = Find(key, false);
  return found == nullptr ? kNull : *found;
}

void ObjectReader::Fail(const std::string& key, const std::string& message) {
  if (status_.ok()) status_ = Fault(PathOf(key), message);
}

bool ObjectReader::Bool(const char* key, bool fallback) {
  const Json* value = Find(key, false);
  if (value == nullptr) return fallback;
  if (!value->is_boolean()) Fail(key, "true or false is expected");
  return value->is_boolean() && value->get<bool>();
}

int64_t ObjectReader::Int(const char* key) {
  const Json* value = Find(key, true);
  if (value == nullptr) return 0;
  if (!value->is_number_integer()) Fail(key, "a whole number is expected");
  return value->is_number_integer() ? value->get<int64_t>() : 0;
}

int64_t ObjectReader::Int(const char* key, int64_t fallback) {
  if (Has(key)) return Int(key);
  read_.emplace_back(key);
  return fallback;
}

double ObjectReader::Double(const char* key, double fallback) {
  const Json* value = Find(key, false);
  if (value == nullptr) return fallback;
  if (!value->is_number()) Fail(key, "a number is expected");
  return value->is_number() ? value->get<double>() : fallback;
}

std::string ObjectReader::String(const char* key) {
  const Json* value = Find(key, true);
  if (value == nullptr) return {};
  if (!value->is_string()) Fail(key, "a string is expected");
  return value->is_string() ? value->get<std::string>() : std::string();
}

std::string ObjectReader::String(const char* key, const std::string& fallback) {
  if (Has(key)) return String(key);
  read_.emplace_back(key);
  return fallback;
}

std::vector<int> ObjectReader::Ints(const char* key) {
  std::vector<int> out;
  const Json* value = Find(key, false);
  if (value == nullptr) return out;
  if (!value->is_array()) Fail(key, "an array is expected");
  for (const Json& item : *value) {
    if (!item.is_number_integer()) {
      Fail(key, "whole numbers are expected");
      break;
    }
    out.push_back(item.get<int>());
  }
  return out;
}

std::vector<std::string> ObjectReader::Strings(const char* key) {
  std::vector<std::string> out;
  const Json* value = Find(key, false);
  if (value == nullptr) return out;
  if (!value->is_array()) Fail(key, "an array is expected");
  for (const Json& item : *value) {
    if (!item.is_string()) {
      Fail(key, "strings are expected");
      break;
    }
    out.push_back(item.get<std::string>());
  }
  return out;
}

std::map<std::string, std::string> ObjectReader::StringMap(const char* key) {
  std::map<std::string, std::string> out;
  const Json* value = Find(key, false);
  if (value == nullptr) return out;
  if (!value->is_object()) {
    Fail(key, "an object is expected");
    return out;
  }
  for (const auto& [name, item] : value->items()) {
    if (!item.is_string()) {
      Fail(key, "strings are expected");
      break;
    }
    out[name] = item.get<std::string>();
  }
  return out;
}

Schema ObjectReader::Columns(const char* key) {
  const Json* value = Find(key, true);
  if (value == nullptr) return {};
  auto schema = SchemaFromJson(*value, PathOf(key));
  Absorb(schema.status());
  return schema.ok() ? *schema : Schema();
}

SqlType ObjectReader::Type(const char* key) {
  const Json* value = Find(key, true);
  if (value == nullptr) return {};
  auto type = TypeFromJson(*value, PathOf(key));
  Absorb(type.status());
  return type.ok() ? *type : SqlType();
}

ExpressionPtr ObjectReader::Expr(const char* key) {
  const Json* value = Find(key, false);
  if (value == nullptr || value->is_null()) return nullptr;
  auto expression = ExpressionFromJson(*value, PathOf(key));
  Absorb(expression.status());
  return expression.ok() ? *expression : nullptr;
}

std::vector<ExpressionPtr> ObjectReader::Exprs(const char* key) {
  std::vector<ExpressionPtr> out;
  const Json* value = Find(key, false);
  if (value == nullptr) return out;
  if (!value->is_array()) Fail(key, "an array is expected");
  for (size_t i = 0; i < value->size() && value->is_array(); ++i) {
    auto expression = ExpressionFromJson((*value)[i], PathOf(key) + '[' + std::to_string(i) + ']');
    Absorb(expression.status());
    if (!expression.ok()) break;
    out.push_back(std::move(*expression));
  }
  return out;
}

Status ObjectReader::Done() {
  if (!status_.ok()) return status_;
  for (const auto& [key, value] : json_.items()) {
    if (std::find(read_.begin(), read_.end(), key) != read_.end()) continue;
    return Error::User("the plan has a member '" + key + "' that this version does not know")
        .In(PathOf(key))
        .Hint("it was written by a newer version: compile the script again");
  }
  return Status::OK();
}

Json TypeToJson(const SqlType& type) {
  const auto kind = std::find_if(kKinds.begin(), kKinds.end(),
                                 [&](const auto& k) { return k.first == type.kind(); });
  const std::string name(kind->second);
  if (type.nullable() && !TakesNumber(type.kind()) && !type.is_nested()) return name;
  Json json = {{"type", name}};
  if (TakesNumber(type.kind())) json["p"] = type.precision();
  if (type.kind() == TypeKind::kDecimal) json["s"] = type.scale();
  if (!type.nullable()) json["null"] = false;
  if (type.kind() == TypeKind::kRow) {
    json["of"] = SchemaToJson(Schema(type.fields()));
  } else {
    for (const SqlField& field : type.fields()) json["of"].push_back(TypeToJson(field.type));
  }
  return json;
}

Result<SqlType> TypeFromJson(const Json& json, const std::string& path) {
  const std::string name = json.is_string() ? json.get<std::string>() : "";
  std::string wanted = name;
  int64_t p = 0, s = 0;
  bool nullable = true;
  Json of;
  if (!json.is_string()) {
    ObjectReader reader(json, path);
    wanted = reader.String("type");
    p = reader.Int("p", 0);
    s = reader.Int("s", 0);
    nullable = reader.Bool("null", true);
    of = reader.Member("of");
    ARROW_RETURN_NOT_OK(reader.Done());
  }
  const auto kind =
      std::find_if(kKinds.begin(), kKinds.end(), [&](const auto& k) { return k.second == wanted; });
  if (kind == kKinds.end()) return Fault(path, "'" + wanted + "' is no type");
  const bool nested = kind->first >= TypeKind::kArray;
  ARROW_ASSIGN_OR_RAISE(const SqlType type, nested ? Nested(kind->first, of, path + ".of")
                                                   : Plain(kind->first, p, s, path));
  return type.AsNullable(nullable);
}

Json ExpressionToJson(const ExpressionPtr& expression) {
  if (!expression) return nullptr;
  const Expression& e = *expression;
  Json json = {{"type", TypeToJson(e.type)}};
  if (e.position.known()) json["at"] = {e.position.line, e.position.column};
  switch (e.kind) {
    case Expression::Kind::kColumn:
      json["col"] = e.column;
      break;
    case Expression::Kind::kLiteral:
      json["lit"] = LiteralToJson(e);
      break;
    case Expression::Kind::kCall:
      json["call"] = e.function;
      json["args"] = ExpressionsToJson(e.arguments);
      break;
  }
  return json;
}

Json ExpressionsToJson(const std::vector<ExpressionPtr>& expressions) {
  Json json = Json::array();
  for (const auto& expression : expressions) json.push_back(ExpressionToJson(expression));
  return json;
}

Result<ExpressionPtr> ExpressionFromJson(const Json& json, const std::string& path, int depth) {
  if (depth > kMaxDepth) return Fault(path, "an expression is nested too deeply");
  ObjectReader reader(json, path);
  const SqlType type = reader.Type("type");
  const auto at = reader.Ints("at");
  const Position position = at.size() == 2 ? Position{at[0], at[1]} : Position();
  if (reader.Has("col")) {
    const auto column = static_cast<int>(reader.Int("col"));
    ARROW_RETURN_NOT_OK(reader.Done());
    return Expression::Column(column, type, position);
  }
  if (reader.Has("lit")) {
    const Json& value = reader.Member("lit");
    ARROW_RETURN_NOT_OK(reader.Done());
    ARROW_ASSIGN_OR_RAISE(auto literal, LiteralFromJson(value, type, path + ".lit"));
    return Expression::Literal(std::move(literal), type, position);
  }
  const std::string function = reader.String("call");
  const Json& arguments = reader.Member("args");
  ARROW_RETURN_NOT_OK(reader.Done());
  std::vector<ExpressionPtr> bound;
  for (size_t i = 0; arguments.is_array() && i < arguments.size(); ++i) {
    ARROW_ASSIGN_OR_RAISE(
        auto argument,
        ExpressionFromJson(arguments[i], path + ".args[" + std::to_string(i) + ']', depth + 1));
    bound.push_back(std::move(argument));
  }
  return Expression::Call(function, std::move(bound), type, position);
}

Json SchemaToJson(const Schema& schema) {
  Json json = Json::array();
  for (const SqlField& column : schema.columns()) {
    json.push_back({{"name", column.name}, {"type", TypeToJson(column.type)}});
  }
  return json;
}

Result<Schema> SchemaFromJson(const Json& json, const std::string& path) {
  if (!json.is_array()) return Fault(path, "an array of columns is expected");
  Schema schema;
  for (size_t i = 0; i < json.size(); ++i) {
    ObjectReader reader(json[i], path + '[' + std::to_string(i) + ']');
    std::string name = reader.String("name");
    SqlType type = reader.Type("type");
    ARROW_RETURN_NOT_OK(reader.Done());
    schema.Add(std::move(name), std::move(type));
  }
  return schema;
}

}  // namespace millrace::plan_json

#include "sql/literal_binder.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "expr/evaluator.h"

namespace millrace::sql {
namespace {

using syntax::LiteralKind;

int Digits(std::string_view text) {
  return static_cast<int>(
      std::count_if(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; }));
}

int Characters(std::string_view utf8) {
  return static_cast<int>(
      std::count_if(utf8.begin(), utf8.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

Result<ExpressionPtr> Decimal(const std::string& text, Position position) {
  const size_t point = text.find('.');
  const int scale = point == std::string::npos ? 0 : static_cast<int>(text.size() - point - 1);
  std::string_view digits = text;
  while (digits.size() > 1 && digits[0] == '0' && digits[1] != '.') digits.remove_prefix(1);
  const int precision =
      std::max(Digits(digits) - (digits[0] == '0' && scale > 0 ? 1 : 0), std::max(scale, 1));
  if (precision > SqlType::kMaxDecimalPrecision) {
    return Error::User("the number has " + std::to_string(precision) + " digits; at most " +
                       std::to_string(SqlType::kMaxDecimalPrecision) + " are exact")
        .At(position)
        .Hint("write it with an exponent to make it a DOUBLE");
  }
  return Expression::Literal(text, SqlType::Decimal(precision, scale).AsNotNull(), position);
}

Result<ExpressionPtr> Integer(const std::string& text, Position position) {
  int64_t value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc()) return Decimal(text, position);
  const bool is_int = value <= std::numeric_limits<int32_t>::max();
  return Expression::Literal(value, (is_int ? SqlType::Int() : SqlType::BigInt()).AsNotNull(),
                             position);
}

/// Digits after the point of the seconds.
int FractionDigits(const std::string& text, int most) {
  const size_t point = text.rfind('.');
  return point == std::string::npos ? 0 : std::min(most, static_cast<int>(text.size() - point - 1));
}

Result<ExpressionPtr> Temporal(const std::string& text, SqlType type, const char* form,
                               Position position, const Registries& registries) {
  const SqlType source = SqlType::Char(Characters(text)).AsNotNull();
  auto cast = Expression::Call("CAST", {Expression::Literal(text, source, position)},
                               type.AsNotNull(), position);
  if (!EvaluateConstant(cast, registries, EvalContext()).ok()) {
    return Error::User("'" + text + "' is not a " + type.ToString())
        .At(position)
        .Hint(std::string("write it as ") + form);
  }
  return cast;
}

}  // namespace

Result<ExpressionPtr> BindLiteral(const syntax::Literal& literal, Position position,
                                  const Registries& registries) {
  const std::string& text = literal.text;
  switch (literal.kind) {
    case LiteralKind::kNull:
      return Expression::Literal(std::monostate(), SqlType::Null(), position);
    case LiteralKind::kBoolean:
      if (text == "UNKNOWN")
        return Expression::Literal(std::monostate(), SqlType::Boolean(), position);
      return Expression::Literal(text == "TRUE", SqlType::Boolean().AsNotNull(), position);
    case LiteralKind::kInteger:
      return Integer(text, position);
    case LiteralKind::kDecimal:
      return Decimal(text, position);
    case LiteralKind::kApproximate: {
      double value = 0;
      std::from_chars(text.data(), text.data() + text.size(), value);
      return Expression::Literal(value, SqlType::Double().AsNotNull(), position);
    }
    case LiteralKind::kString:
      return Expression::Literal(text, SqlType::Char(Characters(text)).AsNotNull(), position);
    case LiteralKind::kBinary:
      return Expression::Literal(text, SqlType::Binary(static_cast<int>(text.size())).AsNotNull(),
                                 position);
    case LiteralKind::kDate:
      return Temporal(text, SqlType::Date(), "DATE '2024-12-31'", position, registries);
    case LiteralKind::kTime:
      return Temporal(text, SqlType::Time(FractionDigits(text, SqlType::kMaxTimePrecision)),
                      "TIME '23:59:59.123'", position, registries);
    case LiteralKind::kTimestamp:
      return Temporal(text,
                      SqlType::Timestamp(FractionDigits(text, SqlType::kMaxTimestampPrecision)),
                      "TIMESTAMP '2024-12-31 23:59:59.123'", position, registries);
    case LiteralKind::kTimestampLtz:
      return Temporal(text,
                      SqlType::TimestampLtz(FractionDigits(text, SqlType::kMaxTimestampPrecision)),
                      "TIMESTAMP_LTZ '2024-12-31 23:59:59.123'", position, registries);
  }
  return Error::Internal("unknown literal kind").At(position);
}

ExpressionPtr NegateLiteral(const ExpressionPtr& operand, Position position) {
  if (!operand->IsLiteral()) return nullptr;
  if (const auto* integer = std::get_if<int64_t>(&operand->literal)) {
    const bool becomes_int = *integer == -int64_t{std::numeric_limits<int32_t>::min()};
    const SqlType type = becomes_int ? SqlType::Int().AsNotNull() : operand->type;
    return Expression::Literal(-*integer, type, position);
  }
  if (const auto* approximate = std::get_if<double>(&operand->literal)) {
    return Expression::Literal(-*approximate, operand->type, position);
  }
  const auto* text = std::get_if<std::string>(&operand->literal);
  if (text == nullptr || operand->type.kind() != TypeKind::kDecimal) return nullptr;
  if (*text == "9223372036854775808") {
    return Expression::Literal(std::numeric_limits<int64_t>::min(), SqlType::BigInt().AsNotNull(),
                               position);
  }
  const std::string negated = text->starts_with('-') ? text->substr(1) : '-' + *text;
  return Expression::Literal(negated, operand->type, position);
}

ExpressionPtr ConvertNumber(const Expression& literal, const SqlType& type) {
  const SqlType& from = literal.type;
  const SqlType to = type.AsNullable(from.nullable());
  if (const auto* number = std::get_if<int64_t>(&literal.literal);
      number != nullptr && from.is_integer()) {
    if (type.is_integer() && type.kind() >= from.kind()) {
      return Expression::Literal(*number, to, literal.position);
    }
    if (type.kind() == TypeKind::kDouble) {
      return Expression::Literal(static_cast<double>(*number), to, literal.position);
    }
  }
  const auto* digits = std::get_if<std::string>(&literal.literal);
  if (digits != nullptr && from.kind() == TypeKind::kDecimal && type.kind() == TypeKind::kDouble) {
    double value = 0;
    std::from_chars(digits->data(), digits->data() + digits->size(), value);
    return Expression::Literal(value, to, literal.position);
  }
  return nullptr;
}

}  // namespace millrace::sql

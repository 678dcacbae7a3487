#include "expr/type_rules.h"

#include <algorithm>
#include <vector>

namespace millrace {
namespace {

constexpr int kMinimumAdjustedScale = 6;

/// Keeps the digits before the point where 38 do not suffice for all.
SqlType AdjustedDecimal(int precision, int scale) {
  constexpr int kMax = SqlType::kMaxDecimalPrecision;
  if (precision <= kMax) return SqlType::Decimal(precision, scale);
  const int whole = precision - scale;
  return SqlType::Decimal(kMax, std::max(kMax - whole, std::min(scale, kMinimumAdjustedScale)));
}

int Whole(const SqlType& decimal) { return decimal.precision() - decimal.scale(); }

std::optional<SqlType> CommonPair(const SqlType& a, const SqlType& b);

std::optional<SqlType> CommonNumeric(const SqlType& a, const SqlType& b) {
  if (a.is_approximate() || b.is_approximate()) {
    const bool decimal = a.kind() == TypeKind::kDecimal || b.kind() == TypeKind::kDecimal;
    const bool has_double = a.kind() == TypeKind::kDouble || b.kind() == TypeKind::kDouble;
    return decimal || has_double ? SqlType::Double() : SqlType::Float();
  }
  if (a.is_integer() && b.is_integer()) return a.kind() >= b.kind() ? a : b;
  const SqlType x = AsDecimal(a);
  const SqlType y = AsDecimal(b);
  const int scale = std::max(x.scale(), y.scale());
  return SqlType::Decimal(
      std::min(std::max(Whole(x), Whole(y)) + scale, SqlType::kMaxDecimalPrecision), scale);
}

template <class Fixed, class Varying>
SqlType CommonLength(const SqlType& a, const SqlType& b, TypeKind fixed_kind, Fixed fixed,
                     Varying varying) {
  const int length = std::max(a.length(), b.length());
  const bool same = a.kind() == fixed_kind && b.kind() == fixed_kind && a.length() == b.length();
  return same ? fixed(length) : varying(length);
}

std::optional<SqlType> CommonTemporal(const SqlType& a, const SqlType& b) {
  const bool time = a.kind() == TypeKind::kTime || b.kind() == TypeKind::kTime;
  if (time) {
    if (a.kind() != b.kind()) return std::nullopt;
    return SqlType::Time(std::max(a.precision(), b.precision()));
  }
  const auto precision = [](const SqlType& type) {
    return type.is_timestamp() ? type.precision() : 0;
  };
  const int most = std::max(precision(a), precision(b));
  if (a.kind() == TypeKind::kDate && b.kind() == TypeKind::kDate) return a;
  const bool ltz = a.kind() == TypeKind::kTimestampLtz || b.kind() == TypeKind::kTimestampLtz;
  return ltz ? SqlType::TimestampLtz(most) : SqlType::Timestamp(most);
}

std::optional<SqlType> CommonNested(const SqlType& a, const SqlType& b) {
  if (a.kind() != b.kind() || a.fields().size() != b.fields().size()) return std::nullopt;
  std::vector<SqlField> fields;
  for (size_t i = 0; i < a.fields().size(); ++i) {
    const auto type = CommonPair(a.fields()[i].type, b.fields()[i].type);
    if (!type) return std::nullopt;
    fields.push_back({a.fields()[i].name, *type, {}});
  }
  switch (a.kind()) {
    case TypeKind::kArray:
      return SqlType::Array(fields[0].type);
    case TypeKind::kMap:
      return SqlType::Map(fields[0].type, fields[1].type);
    default:
      return SqlType::Row(std::move(fields));
  }
}

std::optional<SqlType> CommonPairIgnoringNull(const SqlType& a, const SqlType& b) {
  if (a.is_null()) return b;
  if (b.is_null() || a.EqualsIgnoringNullability(b)) return a;
  if (a.is_numeric() && b.is_numeric()) return CommonNumeric(a, b);
  if (a.is_string() && b.is_string()) {
    return CommonLength(a, b, TypeKind::kChar, SqlType::Char, SqlType::VarChar);
  }
  if (a.is_binary() && b.is_binary()) {
    return CommonLength(a, b, TypeKind::kBinary, SqlType::Binary, SqlType::VarBinary);
  }
  if (a.is_temporal() && b.is_temporal()) return CommonTemporal(a, b);
  if (a.is_nested() && b.is_nested()) return CommonNested(a, b);
  return std::nullopt;
}

std::optional<SqlType> CommonPair(const SqlType& a, const SqlType& b) {
  auto type = CommonPairIgnoringNull(a, b);
  if (type) type = type->AsNullable(a.nullable() || b.nullable());
  return type;
}

template <class Rule>
bool AllFields(const SqlType& from, const SqlType& to, Rule rule) {
  return std::equal(from.fields().begin(), from.fields().end(), to.fields().begin(),
                    to.fields().end(),
                    [&](const SqlField& a, const SqlField& b) { return rule(a.type, b.type); });
}

}  // namespace

std::optional<SqlType> CommonType(std::span<const SqlType> types) {
  std::optional<SqlType> common = SqlType::Null().AsNotNull();
  for (const SqlType& type : types) {
    common = CommonPair(*common, type);
    if (!common) return std::nullopt;
  }
  if (common->is_null()) return std::nullopt;
  return common;
}

bool CanImplicitlyCast(const SqlType& from, const SqlType& to) {
  if (from.is_null() || from.EqualsIgnoringNullability(to)) return true;
  if (from.is_integer() && to.is_integer()) return from.kind() <= to.kind();
  if (from.is_integer()) return to.is_numeric();
  if (from.kind() == TypeKind::kDecimal)
    return to.kind() == TypeKind::kDecimal || to.is_approximate();
  if (from.kind() == TypeKind::kFloat) return to.is_approximate();
  if (from.is_string() && to.is_string()) return true;
  if (from.is_binary() && to.is_binary()) return true;
  if (from.kind() == TypeKind::kDate) return to.is_timestamp();
  if (from.kind() == TypeKind::kTime) return to.kind() == TypeKind::kTime;
  if (from.is_timestamp()) return to.is_timestamp();
  if (from.is_nested() && from.kind() == to.kind()) return AllFields(from, to, CanImplicitlyCast);
  return false;
}

bool CanCast(const SqlType& from, const SqlType& to) {
  if (from.is_null() || from.EqualsIgnoringNullability(to)) return true;
  if (to.is_string()) return true;
  if (from.is_string()) {
    return to.is_numeric() || to.is_temporal() || to.is_binary() || to.kind() == TypeKind::kBoolean;
  }
  if (from.is_binary()) return to.is_binary();
  if (from.kind() == TypeKind::kBoolean) return to.is_numeric();
  if (from.is_numeric()) {
    if (to.kind() == TypeKind::kBoolean) return true;
    return to.is_numeric() || (from.is_integer() && to.is_interval());
  }
  if (from.is_interval()) return from.kind() == to.kind() || to.is_integer();
  if (from.kind() == TypeKind::kDate) return to.is_timestamp();
  if (from.kind() == TypeKind::kTime) return to.kind() == TypeKind::kTime || to.is_timestamp();
  if (from.is_timestamp()) return to.is_temporal();
  if (from.is_nested() && from.kind() == to.kind()) return AllFields(from, to, CanCast);
  return false;
}

SqlType AsDecimal(const SqlType& exact) {
  switch (exact.kind()) {
    case TypeKind::kTinyInt:
      return SqlType::Decimal(3, 0);
    case TypeKind::kSmallInt:
      return SqlType::Decimal(5, 0);
    case TypeKind::kInt:
      return SqlType::Decimal(10, 0);
    case TypeKind::kBigInt:
      return SqlType::Decimal(19, 0);
    default:
      return exact.AsNullable();
  }
}

SqlType DecimalSumType(const SqlType& a, const SqlType& b) {
  const int scale = std::max(a.scale(), b.scale());
  return AdjustedDecimal(std::max(Whole(a), Whole(b)) + scale + 1, scale);
}

SqlType DecimalProductType(const SqlType& a, const SqlType& b) {
  return AdjustedDecimal(a.precision() + b.precision() + 1, a.scale() + b.scale());
}

SqlType DecimalQuotientType(const SqlType& a, const SqlType& b) {
  const int scale = std::max(kMinimumAdjustedScale, a.scale() + b.precision() + 1);
  return AdjustedDecimal(Whole(a) + b.scale() + scale, scale);
}

SqlType DecimalRemainderType(const SqlType& a, const SqlType& b) {
  const int scale = std::max(a.scale(), b.scale());
  return AdjustedDecimal(std::min(Whole(a), Whole(b)) + scale, scale);
}

SqlType DecimalRoundType(const SqlType& type, int digits) {
  if (digits >= type.scale()) return SqlType::Decimal(type.precision(), type.scale());
  if (digits < 0) {
    return SqlType::Decimal(std::min(SqlType::kMaxDecimalPrecision, 1 + Whole(type)), 0);
  }
  return SqlType::Decimal(1 + Whole(type) + digits, digits);
}

SqlType SumType(const SqlType& type) {
  if (type.kind() == TypeKind::kDecimal)
    return SqlType::Decimal(SqlType::kMaxDecimalPrecision, type.scale());
  return type.AsNullable();
}

SqlType AvgType(const SqlType& type) {
  if (type.kind() == TypeKind::kDecimal) {
    return DecimalQuotientType(SqlType::Decimal(38, type.scale()), SqlType::Decimal(20, 0));
  }
  return type.AsNullable();
}

}  // namespace millrace

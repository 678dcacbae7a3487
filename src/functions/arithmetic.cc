#include "expr/decimal.h"
#include "expr/row_kernel.h"
#include "expr/temporal.h"
#include "expr/type_rules.h"
#include "functions/declare.h"
#include "functions/families.h"
#include "functions/temporal_kernels.h"
#include "spi/services.h"

namespace millrace::functions {
namespace {

constexpr const char* kDivisionByZero = "division by zero";

using DecimalRule = SqlType (*)(const SqlType&, const SqlType&);
using DecimalOp = std::optional<Int128> (*)(Int128, int, Int128, int, decimal::Shape);

struct Operation {
  std::string sign;
  DecimalRule rule;
  DecimalOp decimals;
  bool divides;
};

BoundFunction Decimals(const Operation& op, const SqlType& a, const SqlType& b) {
  // Nullable, since an overflow is NULL.
  const SqlType result = op.rule(a, b);
  const decimal::Shape shape{result.precision(), result.scale()};
  auto kernel = RowKernel<Int128, Int128, Int128>(
      result,
      [shape, decimals = op.decimals, divides = op.divides, as = a.scale(), bs = b.scale()](
          RowScope& row, Int128 x, Int128 y) -> std::optional<Int128> {
        if (divides && y == 0) return row.Fail(kDivisionByZero);
        return decimals(x, as, y, bs, shape);
      });
  return WithKernel(result, {a, b}, std::move(kernel), op.divides);
}

template <class T>
ScalarKernel IntegerDivision(const SqlType& type, bool remainder) {
  return RowKernel<T, T, T>(type, [remainder](RowScope& row, T x, T y) -> std::optional<T> {
    if (y == 0) return row.Fail(kDivisionByZero);
    // Java wraps the one quotient that does not fit.
    if (y == -1)
      return remainder ? T{0} : static_cast<T>(0 - static_cast<std::make_unsigned_t<T>>(x));
    return static_cast<T>(remainder ? x % y : x / y);
  });
}

BoundFunction Integers(const Operation& op, const SqlType& type, Literals literals) {
  if (!op.divides) return BuiltIn(type, {type, type});
  const auto* divisor =
      literals[1] == nullptr ? nullptr : std::get_if<int64_t>(&literals[1]->literal);
  const bool safe = divisor != nullptr && *divisor != 0;
  const bool remainder = op.sign == "%";
  ScalarKernel kernel;
  switch (type.kind()) {
    case TypeKind::kTinyInt:
      kernel = IntegerDivision<int8_t>(type, remainder);
      break;
    case TypeKind::kSmallInt:
      kernel = IntegerDivision<int16_t>(type, remainder);
      break;
    case TypeKind::kInt:
      kernel = IntegerDivision<int32_t>(type, remainder);
      break;
    default:
      kernel = IntegerDivision<int64_t>(type, remainder);
      break;
  }
  return WithKernel(type, {type, type}, std::move(kernel), !safe);
}

Result<BoundFunction> BindNumbers(const Operation& op, Types types, Literals literals) {
  ARROW_ASSIGN_OR_RAISE(const SqlType common, CommonOf(op.sign, types));
  if (!common.is_numeric()) {
    for (size_t i = 0; i < types.size(); ++i) {
      if (!types[i].is_numeric()) {
        return WrongArgument(op.sign, i, "", "a number", types[i], SqlType::Double());
      }
    }
  }
  if (common.kind() == TypeKind::kDecimal) {
    const auto as_decimal = [&](const SqlType& type) {
      return type.is_null() ? common : AsDecimal(type);
    };
    return Decimals(op, as_decimal(types[0]), as_decimal(types[1]));
  }
  if (common.is_integer()) return Integers(op, common, literals);
  return BuiltIn(common, {common, common});
}

ScalarFunctionSpec Arithmetic(Operation op, std::string syntax, std::string doc,
                              FunctionExample example, std::vector<std::string> aliases = {}) {
  ScalarFunctionSpec spec{op.sign,           std::move(aliases), FunctionFamily::kArithmetic,
                          std::move(syntax), std::move(doc),     {std::move(example)}};
  spec.bind = [op](Types types, Literals literals) -> Result<BoundFunction> {
    ARROW_RETURN_NOT_OK(CheckCount(op.sign, types.size(), 2, 2));
    if (auto temporal = BindTemporalArithmetic(op.sign, types)) return *temporal;
    return BindNumbers(op, types, literals);
  };
  return spec;
}

/// NEGATE, ABS, SIGN, FLOOR, CEIL of one number: `of_decimal` gives the digits of the result, or
/// the type's own.
template <class OfDecimal>
ScalarFunctionSpec OneNumber(const std::string& name, std::vector<std::string> aliases,
                             std::string syntax, std::string doc, FunctionExample example,
                             bool to_whole, OfDecimal of_decimal) {
  ScalarFunctionSpec spec{
      name,           std::move(aliases),  FunctionFamily::kArithmetic, std::move(syntax),
      std::move(doc), {std::move(example)}};
  spec.bind = [=](Types types, Literals literals) -> Result<BoundFunction> {
    const bool rounds = name == "FLOOR" || name == "CEIL";
    ARROW_RETURN_NOT_OK(CheckCount(name, types.size(), 1, rounds ? 2 : 1));
    if (types.size() == 2) return BindRoundToUnit(name, types, literals);
    const SqlType& type = types[0];
    if (name == "NEGATE" && type.is_interval()) return NegateInterval(type);
    if (type.is_null()) return BuiltIn(SqlType::Int(), {SqlType::Int()});
    if (!type.is_numeric()) return WrongArgument(name, 0, "", "a number", type, SqlType::Double());
    if (type.kind() != TypeKind::kDecimal) return BuiltIn(type, {type});
    SqlType result = to_whole ? DecimalRoundType(type, 0) : type;
    result = result.AsNullable(type.nullable());
    return WithKernel(
        result, {type},
        RowKernel<Int128, Int128>(result, [of_decimal, scale = type.scale()](Int128 x) {
          return of_decimal(x, decimal::PowerOfTen(scale));
        }));
  };
  return spec;
}

}  // namespace

void AddArithmetic(Registries& registries) {
  auto& to = registries.functions;
  to.Add(Arithmetic({"+", DecimalSumType, decimal::Add, false}, "a + b",
                    "The sum. Integers wrap around; a DECIMAL that overflows is NULL. Also a time "
                    "and an interval.",
                    {"1 + 2", "3"}));
  to.Add(Arithmetic({"-", DecimalSumType, decimal::Subtract, false}, "a - b",
                    "The difference. Also a time and an interval.", {"1.50 - 2", "-0.50"}));
  to.Add(Arithmetic({"*", DecimalProductType, decimal::Multiply, false}, "a * b",
                    "The product. Also an interval and a number.", {"2 * 3", "6"}));
  to.Add(Arithmetic({"/", DecimalQuotientType, decimal::Divide, true}, "a / b",
                    "The quotient; of integers without its fraction. A zero divisor of integers "
                    "and decimals is an error of the row.",
                    {"7 / 2", "3"}));
  to.Add(Arithmetic({"%", DecimalRemainderType, decimal::Remainder, true}, "a % b",
                    "The remainder, with the sign of `a`.", {"7 % 4", "3"}, {"MOD"}));
  to.Add(OneNumber("NEGATE", {}, "-a", "The opposite number or interval.", {"-(3)", "-3"}, false,
                   [](Int128 x, Int128) { return -x; }));
  to.Add(OneNumber("ABS", {}, "ABS(a)", "The absolute value.", {"ABS(-3)", "3"}, false,
                   [](Int128 x, Int128) { return x < 0 ? -x : x; }));
  to.Add(OneNumber("SIGN", {}, "SIGN(a)", "-1, 0 or 1, in the type of the argument.",
                   {"SIGN(-3)", "-1"}, false, [](Int128 x, Int128 one) {
                     return x < 0 ? -one : x > 0 ? one : Int128{0};
                   }));
  to.Add(
      OneNumber("FLOOR", {}, "FLOOR(a [TO unit])",
                "The greatest whole number that is not greater; of a time, the start of its unit.",
                {"FLOOR(-1.5)", "-2"}, true,
                [](Int128 x, Int128 one) { return x / one - (x % one < 0 ? 1 : 0); }));
  to.Add(
      OneNumber("CEIL", {"CEILING"}, "CEIL(a [TO unit])",
                "The least whole number that is not less; of a time, the start of the next unit.",
                {"CEIL(1.2)", "2"}, true,
                [](Int128 x, Int128 one) { return x / one + (x % one > 0 ? 1 : 0); }));
}

}  // namespace millrace::functions

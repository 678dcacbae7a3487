#include <cmath>
#include <numbers>

#include "expr/decimal.h"
#include "expr/row_kernel.h"
#include "expr/text_of.h"
#include "expr/type_rules.h"
#include "functions/declare.h"
#include "functions/families.h"
#include "spi/services.h"

namespace millrace::functions {
namespace {

/// Digits `x` of `scale` at `digits` after the point (negative: before it), still at `scale`.
Int128 RoundedDigits(Int128 x, int scale, int digits, bool truncate) {
  const int dropped = scale - digits;
  if (dropped <= 0) return x;
  if (dropped > decimal::kMaxPrecision) return 0;
  const Int128 step = decimal::PowerOfTen(dropped);
  Int128 whole = x / step;
  const Int128 rest = x % step;
  if (!truncate && (rest < 0 ? -rest : rest) >= step - step / 2) whole += x < 0 ? -1 : 1;
  return whole * step;
}

/// As Java's BigDecimal.valueOf(x).setScale(digits): rounds the shortest text of the number.
double RoundedDouble(double x, int digits, bool truncate) {
  if (!std::isfinite(x) || digits > 330) return x;
  std::string text;
  AppendDouble(x, &text);
  constexpr int kScale = 18;
  bool malformed = false;
  const auto exact = decimal::Parse(text, {decimal::kMaxPrecision, kScale}, &malformed);
  if (!exact || digits > kScale) return x;
  return decimal::ToDouble(RoundedDigits(*exact, kScale, digits, truncate), kScale);
}

template <class T>
ScalarKernel RoundKernel(const SqlType& type, int scale, bool truncate) {
  const int result_scale = type.scale();
  const auto round = [=](T x, int32_t digits) -> std::optional<T> {
    if constexpr (std::is_floating_point_v<T>)
      return static_cast<T>(RoundedDouble(x, digits, truncate));
    else if constexpr (std::is_same_v<T, Int128>) {
      return decimal::Rescale(RoundedDigits(x, scale, digits, truncate), scale, result_scale,
                              type.precision());
    } else {
      return static_cast<T>(RoundedDigits(x, 0, digits, truncate));
    }
  };
  return [one = RowKernel<T, T>(type, [round](T x) { return round(x, 0); }),
          two = RowKernel<T, T, int32_t>(type, round)](std::span<const ColumnValue> arguments,
                                                       int64_t rows, const EvalContext& context,
                                                       RowErrors& errors) {
    return (arguments.size() == 1 ? one : two)(arguments, rows, context, errors);
  };
}

ScalarFunctionSpec Rounding(const std::string& name, bool truncate, std::string doc,
                            FunctionExample example) {
  ScalarFunctionSpec spec =
      ArithmeticFunction(name, name + "(a [, digits])", std::move(doc), std::move(example));
  spec.bind = [name, truncate](Types types, Literals literals) -> Result<BoundFunction> {
    ARROW_RETURN_NOT_OK(CheckCount(name, types.size(), 1, 2));
    const SqlType type = types[0].is_null() ? SqlType::Double() : types[0];
    if (!type.is_numeric()) return WrongArgument(name, 0, "a", "a number", type, SqlType::Double());
    std::vector<SqlType> arguments{type};
    if (types.size() == 2) {
      if (!CanImplicitlyCast(types[1], SqlType::Int())) {
        return WrongArgument(name, 1, "digits", "INT", types[1], SqlType::Int());
      }
      arguments.push_back(SqlType::Int());
    }
    SqlType result = type;
    if (type.kind() == TypeKind::kDecimal) {
      // Digits that are known only per row keep the type's scale.
      int digits = types.size() == 1 ? 0 : type.scale();
      if (types.size() == 2 && literals[1] != nullptr) {
        if (const auto* value = std::get_if<int64_t>(&literals[1]->literal))
          digits = static_cast<int>(*value);
      }
      result = DecimalRoundType(type, digits);
    }
    result = result.AsNullable(AnyNullable(types) || result.kind() == TypeKind::kDecimal);
    const int scale = type.kind() == TypeKind::kDecimal ? type.scale() : 0;
    ScalarKernel kernel;
    switch (type.kind()) {
      case TypeKind::kTinyInt:
        kernel = RoundKernel<int8_t>(result, scale, truncate);
        break;
      case TypeKind::kSmallInt:
        kernel = RoundKernel<int16_t>(result, scale, truncate);
        break;
      case TypeKind::kInt:
        kernel = RoundKernel<int32_t>(result, scale, truncate);
        break;
      case TypeKind::kBigInt:
        kernel = RoundKernel<int64_t>(result, scale, truncate);
        break;
      case TypeKind::kFloat:
        kernel = RoundKernel<float>(result, scale, truncate);
        break;
      case TypeKind::kDouble:
        kernel = RoundKernel<double>(result, scale, truncate);
        break;
      default:
        kernel = RoundKernel<Int128>(result, scale, truncate);
        break;
    }
    return WithKernel(result, std::move(arguments), std::move(kernel));
  };
  return spec;
}

ScalarKernel Constant(double value) {
  return [value](std::span<const ColumnValue>, int64_t, const EvalContext&,
                 RowErrors&) -> Result<ColumnValue> {
    arrow::DoubleBuilder builder;
    ARROW_RETURN_NOT_OK(builder.Append(value));
    ARROW_ASSIGN_OR_RAISE(auto array, builder.Finish());
    return ColumnValue{array, true};
  };
}

double NextUnit(const EvalContext& context) {
  constexpr double kStep = 1.0 / 9007199254740992.0;  // 2^-53
  return static_cast<double>(context.random(context.random_state) >> 11) * kStep;
}

/// The same sequence for the same seed, as Java's Random.
class SeededRandom {
 public:
  explicit SeededRandom(int64_t seed)
      : state_((static_cast<uint64_t>(seed) ^ kMultiplier) & kMask) {}
  double NextDouble() {
    const uint64_t high = Next(26);
    return static_cast<double>((high << 27) + Next(27)) * 0x1.0p-53;
  }

 private:
  static constexpr uint64_t kMultiplier = 0x5DEECE66DULL;
  static constexpr uint64_t kMask = (1ULL << 48) - 1;
  uint64_t Next(int bits) {
    state_ = (state_ * kMultiplier + 0xB) & kMask;
    return state_ >> (48 - bits);
  }
  uint64_t state_;
};

Status NeedsRandom(const EvalContext& context) {
  if (context.random != nullptr) return Status::OK();
  return Error::User("random numbers cannot be used here").Hint("use a literal instead");
}

/// A value per row, also where the arguments are constant.
template <class T, class F>
ScalarKernel PerRow(const SqlType& type, F f) {
  return [type = type.ToArrow(), f](std::span<const ColumnValue> arguments, int64_t rows,
                                    const EvalContext& context, RowErrors&) -> Result<ColumnValue> {
    ARROW_RETURN_NOT_OK(NeedsRandom(context));
    const NullReader null(arguments);
    ColumnWriter<T> writer(type, rows);
    ARROW_RETURN_NOT_OK(writer.Open());
    auto next = f(arguments, context);
    for (int64_t row = 0; row < rows; ++row) {
      if (null[row])
        ARROW_RETURN_NOT_OK(writer.AppendNull());
      else
        writer.Append(next(row));
    }
    ARROW_ASSIGN_OR_RAISE(auto array, writer.Finish());
    return ColumnValue{array};
  };
}

void AddRandom(Registries& registries) {
  const auto unit = [](std::span<const ColumnValue>, const EvalContext& context) {
    return [&context](int64_t) { return NextUnit(context); };
  };
  const auto seeded = [](std::span<const ColumnValue> arguments, const EvalContext&) {
    const ColumnReader<int32_t> seed(arguments[0]);
    return [seed](int64_t row) { return SeededRandom(seed[row]).NextDouble(); };
  };
  ScalarFunctionSpec rand = ArithmeticFunction(
      "RAND", "RAND([seed])",
      "A number in [0, 1). With a seed, the first of the sequence that belongs to it.",
      {"RAND() < 1.0", "TRUE"});
  rand.deterministic = false;
  registries.functions.Add(Declare(rand, {{{"seed", SqlType::Int()}},
                                          SqlType::Double(),
                                          {PerRow<double>(SqlType::Double(), unit),
                                           PerRow<double>(SqlType::Double(), seeded)}}));
  const auto below = [](std::span<const ColumnValue> arguments, const EvalContext& context) {
    const ColumnReader<int32_t> bound(arguments[0]);
    return [bound, &context](int64_t row) {
      return static_cast<int32_t>(NextUnit(context) * bound[row]);
    };
  };
  ScalarFunctionSpec integer = ArithmeticFunction(
      "RAND_INTEGER", "RAND_INTEGER(bound)", "An integer in [0, bound).", {"RAND_INTEGER(1)", "0"});
  integer.deterministic = false;
  registries.functions.Add(Declare(
      integer,
      {{{"bound", SqlType::Int()}}, SqlType::Int(), {PerRow<int32_t>(SqlType::Int(), below)}}));
}

}  // namespace

void AddMath(Registries& registries) {
  const SqlType real = SqlType::Double();
  const auto unary = [&](const std::string& name, std::string doc, FunctionExample example) {
    registries.functions.Add(
        Declare(ArithmeticFunction(name, name + "(x)", std::move(doc), std::move(example)),
                {{{"x", real}}, real, {}}));
  };
  unary("SQRT", "The square root; NaN of a negative number.", {"SQRT(4)", "2.0"});
  unary("LN", "The natural logarithm.", {"LN(1)", "0.0"});
  unary("LOG10", "The logarithm to base 10.", {"LOG10(100)", "2.0"});
  unary("LOG2", "The logarithm to base 2.", {"LOG2(8)", "3.0"});
  unary("LOG1P", "ln(1 + x), exact also near 0. Not in Flink.", {"LOG1P(0)", "0.0"});
  unary("EXP", "e to the power of x.", {"EXP(0)", "1.0"});
  unary("SIN", "The sine of x radians.", {"SIN(0)", "0.0"});
  unary("COS", "The cosine of x radians.", {"COS(0)", "1.0"});
  unary("TAN", "The tangent of x radians.", {"TAN(0)", "0.0"});
  unary("COT", "The cotangent of x radians.", {"COT(1.0)", "0.6420926159343306"});
  unary("ASIN", "The arc sine in radians.", {"ASIN(0)", "0.0"});
  unary("ACOS", "The arc cosine in radians.", {"ACOS(1)", "0.0"});
  unary("ATAN", "The arc tangent in radians.", {"ATAN(0)", "0.0"});
  unary("SINH", "The hyperbolic sine.", {"SINH(0)", "0.0"});
  unary("COSH", "The hyperbolic cosine.", {"COSH(0)", "1.0"});
  unary("TANH", "The hyperbolic tangent.", {"TANH(0)", "0.0"});
  unary("DEGREES", "Radians to degrees.", {"DEGREES(0)", "0.0"});
  unary("RADIANS", "Degrees to radians.", {"RADIANS(0)", "0.0"});
  registries.functions.Add(
      Declare(ArithmeticFunction("POWER", "POWER(x, y)", "x to the power of y.",
                                 {"POWER(2, 10)", "1024.0"}),
              {{{"x", real}, {"y", real}}, real, {}}));
  registries.functions.Add(Declare(
      ArithmeticFunction("ATAN2", "ATAN2(y, x)", "The angle of the point (x, y) in radians.",
                         {"ATAN2(0, 1)", "0.0"}),
      {{{"y", real}, {"x", real}}, real, {}}));
  ScalarFunctionSpec log =
      ArithmeticFunction("LOG", "LOG([base, ] x)", "The logarithm; natural where there is no base.",
                         {"LOG(2, 8)", "3.0"});
  log.bind = [](Types types, Literals) -> Result<BoundFunction> {
    ARROW_RETURN_NOT_OK(CheckCount("LOG", types.size(), 1, 2));
    for (size_t i = 0; i < types.size(); ++i) {
      if (!types[i].is_numeric() && !types[i].is_null()) {
        return WrongArgument("LOG", i, "", "a number", types[i], SqlType::Double());
      }
    }
    return BuiltIn(SqlType::Double().AsNullable(AnyNullable(types)),
                   std::vector<SqlType>(types.size(), SqlType::Double()));
  };
  registries.functions.Add(std::move(log));
  registries.functions.Add(
      Rounding("ROUND", false,
               "Rounded half away from zero to `digits` after the point (0; negative: before it).",
               {"ROUND(2.345, 2)", "2.35"}));
  registries.functions.Add(Rounding("TRUNCATE", true, "Cut to `digits` after the point.",
                                    {"TRUNCATE(42.345, 2)", "42.34"}));
  registries.functions.Add(
      Declare(ArithmeticFunction("PI", "PI()", "The number pi.", {"PI()", "3.141592653589793"}),
              {{}, real, {Constant(std::numbers::pi)}}));
  registries.functions.Add(
      Declare(ArithmeticFunction("E", "E()", "Euler's number.", {"E()", "2.718281828459045"}),
              {{}, real, {Constant(std::numbers::e)}}));
  AddRandom(registries);
}

}  // namespace millrace::functions

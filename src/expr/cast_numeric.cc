#include <array>

#include "expr/block_columns.h"
#include "expr/cast_parts.h"
#include "expr/decimal.h"
#include "expr/dispatch_number.h"
#include "expr/text_of.h"

namespace millrace::cast {
namespace {

/// Numbers of fixed width and BOOLEAN: the conversions that fused programs use.
ScalarKernel BlockCast(const SqlType& from, const SqlType& to) {
  constexpr std::array<uint8_t, 1> kScalar{0};
  const auto op = expr::FindBlockOp({"CAST", std::span(&from, 1), kScalar, to});
  if (!op) return nullptr;
  auto program = std::make_shared<expr::BlockProgram>();
  const int input = program->AddInput(*expr::BlockTypeOf(from));
  program->AddOutput(program->AddStep(*op, {input}, *expr::BlockTypeOf(to)));
  program->Finish();
  return [program, type = to.ToArrow()](std::span<const ColumnValue> arguments, int64_t,
                                        const EvalContext&, RowErrors&) -> Result<ColumnValue> {
    const auto& input_column = arguments[0].array;
    ARROW_ASSIGN_OR_RAISE(
        auto columns, expr::RunOnColumns(*program, std::span(&input_column, 1), std::span(&type, 1),
                                         input_column->length()));
    return ColumnValue{columns[0], arguments[0].constant};
  };
}

ScalarKernel ToDecimal(const SqlType& from, const SqlType& to) {
  const decimal::Shape shape{to.precision(), to.scale()};
  if (from.kind() == TypeKind::kBoolean) {
    return RowKernel<Int128, bool>(to, [shape](bool x) {
      return decimal::Rescale(x ? 1 : 0, 0, shape.scale, shape.precision);
    });
  }
  const int from_scale = from.kind() == TypeKind::kDecimal ? from.scale() : 0;
  return DispatchNumber(from, [&]<class T>(T) -> ScalarKernel {
    return RowKernel<Int128, T>(to, [shape, from_scale](T x) -> std::optional<Int128> {
      if constexpr (std::is_same_v<T, double>)
        return decimal::FromDouble(x, shape);
      else if constexpr (std::is_same_v<T, float>) {
        std::string text;
        bool malformed = false;
        AppendFloat(x, &text);
        return decimal::Parse(text, shape, &malformed);
      } else {
        return decimal::Rescale(x, from_scale, shape.scale, shape.precision);
      }
    });
  });
}

ScalarKernel FromDecimal(const SqlType& from, const SqlType& to) {
  const int scale = from.scale();
  if (to.kind() == TypeKind::kBoolean) {
    return RowKernel<bool, Int128>(to, [](Int128 x) { return x != 0; });
  }
  return DispatchNumber(to, [&]<class T>(T) -> ScalarKernel {
    return RowKernel<T, Int128>(to, [scale](Int128 x) -> T {
      if constexpr (std::is_floating_point_v<T>)
        return static_cast<T>(decimal::ToDouble(x, scale));
      else
        return static_cast<T>(static_cast<int64_t>(x / decimal::PowerOfTen(scale)));
    });
  });
}

/// Intervals count months or, as Flink's, milliseconds.
ScalarKernel IntervalCast(const SqlType& from, const SqlType& to) {
  if (from.is_interval() && to.is_integer()) {
    return DispatchNumber(to, [&]<class T>(T) -> ScalarKernel {
      if (from.kind() == TypeKind::kIntervalYearMonth) {
        return RowKernel<T, int32_t>(to, [](int32_t months) { return static_cast<T>(months); });
      }
      return RowKernel<T, int64_t>(to, [](int64_t us) { return static_cast<T>(us / 1000); });
    });
  }
  if (!from.is_integer() || !to.is_interval()) return nullptr;
  return DispatchNumber(from, [&]<class T>(T) -> ScalarKernel {
    if (to.kind() == TypeKind::kIntervalYearMonth) {
      return RowKernel<int32_t, T>(to, [](T x) { return static_cast<int32_t>(x); });
    }
    return RowKernel<int64_t, T>(to, [](T x) { return static_cast<int64_t>(x) * 1000; });
  });
}

}  // namespace

ScalarKernel NumericCast(const SqlType& from, const SqlType& to) {
  if (to.kind() == TypeKind::kDecimal) return ToDecimal(from, to);
  if (from.kind() == TypeKind::kDecimal) return FromDecimal(from, to);
  if (from.is_interval() || to.is_interval()) return IntervalCast(from, to);
  return BlockCast(from, to);
}

}  // namespace millrace::cast

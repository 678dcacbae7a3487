// I18: chains of 3, 5 and 10 operators, by the evaluator and by hand-written fused loops.

#include <algorithm>
#include <cmath>
#include <random>

#include <arrow/api.h>
#include <benchmark/benchmark.h>

#include "expr/evaluator.h"
#include "spi/services.h"

namespace millrace {
namespace {

const SqlType kDouble = SqlType::Double();

ExpressionPtr Real(double value) { return Expression::Literal(value, kDouble); }
ExpressionPtr Call(std::string function, std::vector<ExpressionPtr> arguments,
                   SqlType type = kDouble) {
  return Expression::Call(std::move(function), std::move(arguments), std::move(type));
}

ExpressionPtr Operator(int number, const ExpressionPtr& v) {
  switch (number) {
    case 0:
      return Call("+", {Call("*", {v, Real(1.8)}), Real(32)});
    case 1:
      return Call("GREATEST", {Call("LEAST", {v, Real(120)}), Real(20)});
    case 2:
      return Call("-", {v, Real(60.5)});
    case 3:
      return Call("*", {Call("SIGN", {v}), Call("LOG1P", {Call("ABS", {v})})});
    case 4:
      return Call("*", {Call("FLOOR", {Call("*", {v, Real(1000)})}), Real(0.001)});
    case 5:
      return Call("*", {v, v});
    case 6:
      return Call("SQRT", {Call("+", {v, Real(1)})});
    case 7:
      return Call("CASE",
                  {Call("<", {Call("ABS", {v}), Real(1.05)}, SqlType::Boolean()), Real(0), v});
    default:
      return Call("/", {Call("-", {v, Real(1.5)}), Real(0.7)});
  }
}

ExpressionPtr Chain(int operators) {
  ExpressionPtr v = Expression::Column(0, kDouble);
  for (int i = 0; i < operators - 1; ++i) v = Operator(i, v);
  return Call("CASE", {Call(">", {v, Real(1.2)}, SqlType::Boolean()), Real(2),
                       Call(">", {v, Real(0.8)}, SqlType::Boolean()), Real(1), Real(0)});
}

template <int operators>
void FusedLoop(const double* in, double* out, int64_t rows) {
  for (int64_t i = 0; i < rows; ++i) {
    double v = in[i] * 1.8 + 32;
    v = std::max(std::min(v, 120.0), 20.0);
    if constexpr (operators > 3) {
      v = v - 60.5;
      v = (v > 0 ? 1.0 : v < 0 ? -1.0 : v) * std::log1p(std::fabs(v));
    }
    if constexpr (operators > 5) {
      v = std::floor(v * 1000) * 0.001;
      v = v * v;
      v = std::sqrt(v + 1);
      v = std::fabs(v) < 1.05 ? 0.0 : v;
      v = (v - 1.5) / 0.7;
    }
    out[i] = v > 1.2 ? 2.0 : v > 0.8 ? 1.0 : 0.0;
  }
}

std::shared_ptr<arrow::RecordBatch> Values(int64_t rows) {
  std::mt19937 random(1);
  arrow::DoubleBuilder values;
  for (int64_t i = 0; i < rows; ++i)
    (void)values.Append(static_cast<double>(random() % 10000) / 100 - 20);
  return arrow::RecordBatch::Make(arrow::schema({arrow::field("v", arrow::float64())}), rows,
                                  {*values.Finish()});
}

void Evaluated(benchmark::State& state) {
  const auto rows = Values(state.range(1));
  Schema schema;
  schema.Add("v", kDouble);
  const Registries registries;
  const auto evaluator =
      ExpressionEvaluator::Make(schema, Chain(static_cast<int>(state.range(0))), registries)
          .ValueOrDie();
  for (auto _ : state) {
    std::vector<RowError> errors;
    benchmark::DoNotOptimize(evaluator.Evaluate(*rows, {}, &errors));
  }
  state.SetItemsProcessed(state.iterations() * state.range(1));
}

void HandWritten(benchmark::State& state) {
  const auto rows = Values(state.range(1));
  const double* in = rows->column(0)->data()->GetValues<double>(1);
  std::vector<double> out(static_cast<size_t>(state.range(1)));
  for (auto _ : state) {
    switch (state.range(0)) {
      case 3:
        FusedLoop<3>(in, out.data(), state.range(1));
        break;
      case 5:
        FusedLoop<5>(in, out.data(), state.range(1));
        break;
      default:
        FusedLoop<10>(in, out.data(), state.range(1));
        break;
    }
    benchmark::DoNotOptimize(out.data());
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * state.range(1));
}

BENCHMARK(Evaluated)->ArgsProduct({{3, 5, 10}, {64, 1024, 8192}});
BENCHMARK(HandWritten)->ArgsProduct({{3, 5, 10}, {64, 1024, 8192}});

}  // namespace
}  // namespace millrace

#include "syntax/operators.h"

#include <algorithm>
#include <array>

namespace millrace::syntax {
namespace {

constexpr std::array<BinaryOperator, 18> kBinaryOperators = {{
    {BinaryOp::kOr, "OR", kOrPrecedence},
    {BinaryOp::kAnd, "AND", kAndPrecedence},
    {BinaryOp::kEqual, "=", kComparisonPrecedence},
    {BinaryOp::kNotEqual, "<>", kComparisonPrecedence},
    {BinaryOp::kNotEqual, "!=", kComparisonPrecedence},
    {BinaryOp::kLess, "<", kComparisonPrecedence},
    {BinaryOp::kLessOrEqual, "<=", kComparisonPrecedence},
    {BinaryOp::kGreater, ">", kComparisonPrecedence},
    {BinaryOp::kGreaterOrEqual, ">=", kComparisonPrecedence},
    {BinaryOp::kIsDistinctFrom, "IS DISTINCT FROM", kComparisonPrecedence},
    {BinaryOp::kIsNotDistinctFrom, "IS NOT DISTINCT FROM", kComparisonPrecedence},
    {BinaryOp::kOverlaps, "OVERLAPS", kComparisonPrecedence},
    {BinaryOp::kAdd, "+", kAdditivePrecedence},
    {BinaryOp::kSubtract, "-", kAdditivePrecedence},
    {BinaryOp::kMultiply, "*", kMultiplicativePrecedence},
    {BinaryOp::kDivide, "/", kMultiplicativePrecedence},
    {BinaryOp::kModulo, "%", kMultiplicativePrecedence},
    {BinaryOp::kConcat, "||", kMultiplicativePrecedence},
}};

constexpr std::array<IsTestWord, 9> kTests = {{
    {IsTest::kNull, "NULL"},
    {IsTest::kTrue, "TRUE"},
    {IsTest::kFalse, "FALSE"},
    {IsTest::kUnknown, "UNKNOWN"},
    {IsTest::kJsonValue, "JSON VALUE"},
    {IsTest::kJsonObject, "JSON OBJECT"},
    {IsTest::kJsonArray, "JSON ARRAY"},
    {IsTest::kJsonScalar, "JSON SCALAR"},
    {IsTest::kJson, "JSON"},
}};

}  // namespace

std::span<const BinaryOperator> BinaryOperators() { return kBinaryOperators; }

const BinaryOperator& Of(BinaryOp op) {
  return *std::find_if(kBinaryOperators.begin(), kBinaryOperators.end(),
                       [&](const BinaryOperator& candidate) { return candidate.op == op; });
}

std::span<const IsTestWord> IsTestWords() { return kTests; }

std::string_view WordOf(IsTest test) {
  return std::find_if(kTests.begin(), kTests.end(),
                      [&](const IsTestWord& candidate) { return candidate.test == test; })
      ->text;
}

}  // namespace millrace::syntax

#pragma once

#include <span>
#include <string_view>

#include "syntax/ast_expression.h"

namespace millrace::syntax {

/// How tightly an operator binds: Calcite's numbers. The parser and the printer share them.
enum Precedence : int {
  kAnyPrecedence = 0,
  kOrPrecedence = 22,
  kAndPrecedence = 24,
  kNotPrecedence = 26,
  kIsPrecedence = 28,
  kComparisonPrecedence = 30,
  kPredicatePrecedence = 32,  ///< BETWEEN, IN, LIKE, SIMILAR TO
  kAdditivePrecedence = 40,
  kMultiplicativePrecedence = 60,  ///< || too
  kAtTimeZonePrecedence = 70,
  kSignPrecedence = 80,
  kPrimaryPrecedence = 100,
};

/// Operands of BETWEEN, IN and LIKE bind more tightly than these themselves.
inline constexpr int kOperandPrecedence = kPredicatePrecedence + 1;

/// All of them associate to the left.
struct BinaryOperator {
  BinaryOp op;
  std::string_view text;  ///< a phrase for `Cursor::Is`
  Precedence precedence;
};

std::span<const BinaryOperator> BinaryOperators();
const BinaryOperator& Of(BinaryOp op);

struct IsTestWord {
  IsTest test;
  std::string_view text;  ///< behind IS [NOT]
};

/// Longer phrases before their beginnings.
std::span<const IsTestWord> IsTestWords();
std::string_view WordOf(IsTest test);

}  // namespace millrace::syntax

#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "base/error.h"
#include "types/sql_type.h"

namespace millrace {

struct Expression;
using ExpressionPtr = std::shared_ptr<const Expression>;

/// The value of a literal in the form of its type:
/// NULL monostate; BOOLEAN bool; integers, DATE (days), TIME (ms), TIMESTAMP* (µs), INTERVAL
/// (months or µs) int64; FLOAT, DOUBLE double; DECIMAL its digits as text ("-12.50"); strings and
/// binary their bytes.
using LiteralValue = std::variant<std::monostate, bool, int64_t, double, std::string>;

/// A typed expression over the columns of an input. Immutable data; shared between plans.
///
/// Calls name an entry of the function registry. The planner has inserted every implicit cast: a
/// call's arguments have exactly the types that its kernel takes. Calls known to the evaluator
/// itself, because they do not evaluate all arguments on all rows:
///   AND, OR (any number); CASE(when, then, …, else); COALESCE(a, b, …);
///   CAST(x), TRY_CAST(x): to the call's type.
struct Expression {
  enum class Kind : uint8_t { kColumn, kLiteral, kCall };

  Kind kind = Kind::kLiteral;
  SqlType type;
  Position position;     ///< in the script; for errors of rows
  int column = -1;       ///< kColumn: index into the input
  LiteralValue literal;  ///< kLiteral
  std::string function;  ///< kCall: upper case
  std::vector<ExpressionPtr> arguments;

  static ExpressionPtr Column(int index, SqlType type, Position at = {});
  static ExpressionPtr Literal(LiteralValue value, SqlType type, Position at = {});
  static ExpressionPtr Call(std::string function, std::vector<ExpressionPtr> arguments,
                            SqlType type, Position at = {});

  bool IsColumn() const { return kind == Kind::kColumn; }
  bool IsLiteral() const { return kind == Kind::kLiteral; }
  bool IsCall(std::string_view name) const { return kind == Kind::kCall && function == name; }
};

/// Same structure, types and values; positions are not compared.
bool Equal(const Expression& a, const Expression& b);
size_t HashOf(const Expression& expression);

/// For EXPLAIN: "(amount * 2) > 10", with the input's column names.
std::string ToString(const Expression& expression, const std::vector<std::string>& columns);

/// The expression with every node for which `replace` gives another (not null) put in its place,
/// outermost first; what is put in is not visited again. Shares what does not change.
ExpressionPtr Rewrite(const ExpressionPtr& expression,
                      const std::function<ExpressionPtr(const ExpressionPtr&)>& replace);

/// The input columns it reads, ascending, each once.
std::vector<int> ColumnsOf(const Expression& expression);

}  // namespace millrace

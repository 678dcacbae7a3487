#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <arrow/type_fwd.h>

#include "base/error.h"
#include "plan/expression.h"
#include "spi/function.h"
#include "spi/operator.h"
#include "types/batch.h"
#include "types/schema.h"

namespace millrace {

struct CalcConfig;
struct Registries;

namespace expr {
class Program;
}

/// Expressions over the columns of an input, compiled once: equal ones are computed once, literals
/// are folded. Immutable; thread-safe; cheap to copy.
class ExpressionEvaluator {
 public:
  /// Fails (a user error at the expression's position) on unknown functions and on arguments that a
  /// kernel cannot be made for: a malformed regular expression or time zone.
  static Result<ExpressionEvaluator> Make(const Schema& input,
                                          std::span<const ExpressionPtr> expressions,
                                          const Registries& registries);
  static Result<ExpressionEvaluator> Make(const Schema& input, const ExpressionPtr& expression,
                                          const Registries& registries);

  /// A full column per expression, of `rows`' length. A row that fails is NULL in the columns it
  /// spoils and added to `errors` once, with the first error. Columns that are only passed through
  /// are not copied.
  Result<std::vector<std::shared_ptr<arrow::Array>>> Evaluate(const arrow::RecordBatch& rows,
                                                              const EvalContext& context,
                                                              std::vector<RowError>* errors) const;
  /// As `Evaluate`, with literals as one value that stands for all rows; what aggregates and models
  /// take.
  Result<std::vector<ColumnValue>> EvaluateValues(const arrow::RecordBatch& rows,
                                                  const EvalContext& context,
                                                  std::vector<RowError>* errors) const;
  /// The first expression, a BOOLEAN: `pass` becomes 1 where it is TRUE and 0 where it is FALSE,
  /// NULL or failed.
  Status EvaluatePredicate(const arrow::RecordBatch& rows, const EvalContext& context,
                           std::vector<uint8_t>* pass, std::vector<RowError>* errors) const;

  const std::vector<SqlType>& types() const;

 private:
  explicit ExpressionEvaluator(std::shared_ptr<const expr::Program> program);

  std::shared_ptr<const expr::Program> program_;
};

/// The value of an expression without column references, NULL included; a user error where it
/// fails. For VALUES, options and folding. Calls that are not deterministic are evaluated now.
Result<ColumnValue> EvaluateConstant(const ExpressionPtr& expression, const Registries& registries,
                                     const EvalContext& context);

/// Filter and projection: the condition first, the projections only on the rows that pass.
/// Immutable; thread-safe.
class Evaluator {
 public:
  static Result<std::shared_ptr<const Evaluator>> Make(const Schema& input, const CalcConfig& calc,
                                                       const Registries& registries);

  /// The rows that pass, in order, with their kinds. Rows that fail are left out and added to
  /// `errors`, with their index in `input`.
  Result<Batch> Evaluate(const Batch& input, const EvalContext& context,
                         std::vector<RowError>* errors) const;

  const Schema& output() const { return output_; }

 private:
  Evaluator() = default;

  Schema output_;
  std::shared_ptr<arrow::Schema> arrow_output_;
  std::shared_ptr<const expr::Program> program_;
};

}  // namespace millrace

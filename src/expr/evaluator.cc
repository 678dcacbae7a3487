#include "expr/evaluator.h"

#include <utility>

#include <arrow/api.h>
#include <arrow/compute/api_vector.h>

#include "expr/program.h"
#include "plan/nodes.h"

namespace millrace {
namespace {

Result<std::shared_ptr<arrow::Array>> FullColumn(const ColumnValue& value, int64_t rows) {
  if (!value.constant) return value.array;
  ARROW_ASSIGN_OR_RAISE(auto scalar, value.array->GetScalar(0));
  return arrow::MakeArrayFromScalar(*scalar, rows);
}

/// The rows of the result (`row`-th of the selection) that have no error, or null where all have
/// none.
Result<std::shared_ptr<arrow::Int32Array>> GoodRows(int64_t input_rows,
                                                    const expr::Program::Output& output,
                                                    std::span<const RowError> errors) {
  if (errors.empty()) return nullptr;
  std::vector<uint8_t> failed(static_cast<size_t>(input_rows));
  for (const RowError& error : errors) failed[static_cast<size_t>(error.row)] = 1;
  arrow::Int32Builder good;
  for (int64_t row = 0; row < output.rows; ++row) {
    const int64_t of_input = output.selection == nullptr ? row : output.selection->Value(row);
    if (failed[static_cast<size_t>(of_input)] == 0)
      ARROW_RETURN_NOT_OK(good.Append(static_cast<int32_t>(row)));
  }
  if (good.length() == output.rows) return nullptr;
  ARROW_ASSIGN_OR_RAISE(auto rows, good.Finish());
  return std::static_pointer_cast<arrow::Int32Array>(rows);
}

}  // namespace

ExpressionEvaluator::ExpressionEvaluator(std::shared_ptr<const expr::Program> program)
    : program_(std::move(program)) {}

Result<ExpressionEvaluator> ExpressionEvaluator::Make(const Schema& input,
                                                      std::span<const ExpressionPtr> expressions,
                                                      const Registries& registries) {
  ARROW_ASSIGN_OR_RAISE(auto program,
                        expr::Program::Compile(input, {}, nullptr, expressions, registries));
  return ExpressionEvaluator(std::move(program));
}

Result<ExpressionEvaluator> ExpressionEvaluator::Make(const Schema& input,
                                                      const ExpressionPtr& expression,
                                                      const Registries& registries) {
  return Make(input, std::span(&expression, 1), registries);
}

Result<std::vector<ColumnValue>> ExpressionEvaluator::EvaluateValues(
    const arrow::RecordBatch& rows, const EvalContext& context,
    std::vector<RowError>* errors) const {
  ARROW_ASSIGN_OR_RAISE(auto output, program_->Run(rows, context, errors));
  return std::move(output.columns);
}

Result<std::vector<std::shared_ptr<arrow::Array>>> ExpressionEvaluator::Evaluate(
    const arrow::RecordBatch& rows, const EvalContext& context,
    std::vector<RowError>* errors) const {
  ARROW_ASSIGN_OR_RAISE(const auto values, EvaluateValues(rows, context, errors));
  std::vector<std::shared_ptr<arrow::Array>> columns;
  columns.reserve(values.size());
  for (const ColumnValue& value : values) {
    ARROW_ASSIGN_OR_RAISE(columns.emplace_back(), FullColumn(value, rows.num_rows()));
  }
  return columns;
}

Status ExpressionEvaluator::EvaluatePredicate(const arrow::RecordBatch& rows,
                                              const EvalContext& context,
                                              std::vector<uint8_t>* pass,
                                              std::vector<RowError>* errors) const {
  const size_t before = errors->size();
  ARROW_ASSIGN_OR_RAISE(const auto values, EvaluateValues(rows, context, errors));
  pass->assign(static_cast<size_t>(rows.num_rows()), 0);
  const ColumnValue& value = values[0];
  if (value.array->type_id() != arrow::Type::BOOL) return Status::OK();
  const auto& column = static_cast<const arrow::BooleanArray&>(*value.array);
  for (size_t row = 0; row < pass->size(); ++row) {
    const int64_t at = value.constant ? 0 : static_cast<int64_t>(row);
    (*pass)[row] = column.IsValid(at) && column.Value(at);
  }
  for (size_t i = before; i < errors->size(); ++i)
    (*pass)[static_cast<size_t>((*errors)[i].row)] = 0;
  return Status::OK();
}

const std::vector<SqlType>& ExpressionEvaluator::types() const { return program_->types(); }

Result<ColumnValue> EvaluateConstant(const ExpressionPtr& expression, const Registries& registries,
                                     const EvalContext& context) {
  ARROW_ASSIGN_OR_RAISE(const auto evaluator,
                        ExpressionEvaluator::Make(Schema(), expression, registries));
  const auto one_row = arrow::RecordBatch::Make(arrow::schema({}), 1, arrow::ArrayVector{});
  std::vector<RowError> errors;
  ARROW_ASSIGN_OR_RAISE(auto values, evaluator.EvaluateValues(*one_row, context, &errors));
  if (!errors.empty()) return Error::User(errors[0].text).At(errors[0].position);
  return ColumnValue{values[0].array, true};
}

Result<std::shared_ptr<const Evaluator>> Evaluator::Make(const Schema& input,
                                                         const CalcConfig& calc,
                                                         const Registries& registries) {
  std::shared_ptr<Evaluator> evaluator(new Evaluator());
  ARROW_ASSIGN_OR_RAISE(
      evaluator->program_,
      expr::Program::Compile(input, calc.locals, calc.condition, calc.projections, registries));
  for (size_t i = 0; i < calc.projections.size(); ++i) {
    evaluator->output_.Add(calc.names[i], calc.projections[i]->type);
  }
  evaluator->arrow_output_ = evaluator->output_.ToArrow();
  return evaluator;
}

Result<Batch> Evaluator::Evaluate(const Batch& input, const EvalContext& context,
                                  std::vector<RowError>* errors) const {
  const size_t before = errors->size();
  ARROW_ASSIGN_OR_RAISE(auto output, program_->Run(*input.rows, context, errors));
  arrow::ArrayVector columns;
  columns.reserve(output.columns.size());
  for (const ColumnValue& value : output.columns) {
    ARROW_ASSIGN_OR_RAISE(columns.emplace_back(), FullColumn(value, output.rows));
  }
  Batch result;
  result.ingest_us = input.ingest_us;
  if (output.rows == 0 && columns.empty()) {
    ARROW_ASSIGN_OR_RAISE(result.rows, arrow::RecordBatch::MakeEmpty(arrow_output_));
    return result;
  }
  result.rows = arrow::RecordBatch::Make(arrow_output_, output.rows, std::move(columns));
  result.kinds = input.kinds;
  if (result.kinds != nullptr && output.selection != nullptr) {
    ARROW_ASSIGN_OR_RAISE(auto kinds, arrow::compute::Take(*input.kinds, *output.selection));
    result.kinds = std::static_pointer_cast<arrow::Int8Array>(kinds);
  }
  ARROW_ASSIGN_OR_RAISE(const auto good,
                        GoodRows(input.num_rows(), output, std::span(*errors).subspan(before)));
  return good == nullptr ? Result<Batch>(std::move(result)) : result.Take(*good);
}

}  // namespace millrace

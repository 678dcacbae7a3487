#include "expr/evaluator.h"

#include <random>

#include <arrow/api.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "expr/literal.h"
#include "functions/register.h"
#include "plan/nodes.h"
#include "spi/services.h"

namespace millrace {
namespace {

const Registries& Functions() {
  static const Registries* const kRegistries = [] {
    auto* registries = new Registries();
    RegisterFunctions(*registries);
    return registries;
  }();
  return *kRegistries;
}

const SqlType kInt = SqlType::Int();
const SqlType kDouble = SqlType::Double();
const SqlType kBool = SqlType::Boolean();

ExpressionPtr Column(int index, SqlType type) { return Expression::Column(index, std::move(type)); }
ExpressionPtr Int(int64_t value) { return Expression::Literal(value, kInt); }
ExpressionPtr Real(double value) { return Expression::Literal(value, kDouble); }
ExpressionPtr Call(std::string function, std::vector<ExpressionPtr> arguments, SqlType type,
                   Position at = {}) {
  return Expression::Call(std::move(function), std::move(arguments), std::move(type), at);
}

Schema Input() {
  Schema schema;
  schema.Add("i", kInt);
  schema.Add("j", kInt);
  schema.Add("x", kDouble);
  schema.Add("y", kDouble);
  schema.Add("p", kBool);
  return schema;
}

/// Random columns; every `nulls`-th value on average is NULL, none where it is 0.
std::shared_ptr<arrow::RecordBatch> RandomRows(std::mt19937& random, int64_t rows, unsigned nulls) {
  arrow::Int32Builder i, j;
  arrow::DoubleBuilder x, y;
  arrow::BooleanBuilder p;
  const auto null = [&] { return nulls != 0 && random() % nulls == 0; };
  const auto append = [&](auto& builder, auto value) {
    EXPECT_TRUE((null() ? builder.AppendNull() : builder.Append(value)).ok());
  };
  for (int64_t row = 0; row < rows; ++row) {
    append(i, static_cast<int32_t>(random() % 7) - 3);
    append(j, static_cast<int32_t>(random()));
    append(x, static_cast<double>(random() % 100) / 4 - 10);
    append(y, static_cast<double>(random() % 5));
    append(p, random() % 2 == 0);
  }
  return arrow::RecordBatch::Make(
      Input().ToArrow(), rows, {*i.Finish(), *j.Finish(), *x.Finish(), *y.Finish(), *p.Finish()});
}

class RandomExpression {
 public:
  explicit RandomExpression(std::mt19937& random) : random_(random) {}

  ExpressionPtr Of(const SqlType& type, int depth) {
    if (depth == 0 || random_() % 8 == 0) return Leaf(type);
    if (random_() % 6 == 0)
      return Call("CASE", {Of(kBool, depth - 1), Of(type, depth - 1), Of(type, depth - 1)}, type);
    if (random_() % 9 == 0)
      return Call("COALESCE", {Of(type, depth - 1), Of(type, depth - 1)}, type);
    if (type == kBool) return Bool(depth);
    if (random_() % 8 == 0) {
      const SqlType from = type == kInt ? kDouble : kInt;
      return Call("CAST", {Of(from, depth - 1)}, type);
    }
    static const std::vector<std::string> kBinary{"+", "-", "*", "GREATEST", "LEAST"};
    static const std::vector<std::string> kUnary{"ABS", "SIGN", "FLOOR", "NEGATE"};
    if (random_() % 4 == 0) return Call(Pick(kUnary), {Of(type, depth - 1)}, type);
    if (type == kInt && random_() % 5 == 0)
      return Call(random_() % 2 == 0 ? "/" : "%", {Of(type, depth - 1), Of(type, depth - 1)}, type);
    return Call(Pick(kBinary), {Of(type, depth - 1), Of(type, depth - 1)}, type);
  }

 private:
  const std::string& Pick(const std::vector<std::string>& names) {
    return names[random_() % names.size()];
  }

  ExpressionPtr Leaf(const SqlType& type) {
    if (random_() % 12 == 0) return Expression::Literal({}, type);
    if (type == kBool)
      return random_() % 5 == 0 ? Expression::Literal(random_() % 2 == 0, kBool) : Column(4, kBool);
    const int which = static_cast<int>(random_() % 3);
    if (type == kInt)
      return which == 2 ? Int(static_cast<int64_t>(random_() % 5) - 2) : Column(which, kInt);
    return which == 2 ? Real(static_cast<double>(random_() % 9) / 2) : Column(2 + which, kDouble);
  }

  ExpressionPtr Bool(int depth) {
    static const std::vector<std::string> kCompare{
        "=", "<>", "<", "<=", ">", ">=", "IS DISTINCT FROM", "IS NOT DISTINCT FROM"};
    static const std::vector<std::string> kTests{"NOT",      "IS TRUE", "IS NOT TRUE",
                                                 "IS FALSE", "IS NULL", "IS NOT NULL"};
    switch (random_() % 4) {
      case 0:
        return Call(random_() % 2 == 0 ? "AND" : "OR", {Of(kBool, depth - 1), Of(kBool, depth - 1)},
                    kBool);
      case 1:
        return Call(Pick(kTests), {Of(kBool, depth - 1)}, kBool);
      default: {
        const SqlType type = random_() % 2 == 0 ? kInt : kDouble;
        return Call(Pick(kCompare), {Of(type, depth - 1), Of(type, depth - 1)}, kBool);
      }
    }
  }

  std::mt19937& random_;
};

/// One row, one operation at a time: the values in, literals as the operation sees them, no fusion,
/// no sharing and no masks. None where the row fails.
class Reference {
 public:
  explicit Reference(const arrow::RecordBatch& row) : row_(row) {}

  std::optional<std::shared_ptr<arrow::Array>> Of(const Expression& expression) {
    if (expression.IsColumn()) return row_.column(expression.column);
    if (expression.IsLiteral()) return LiteralArray(expression).ValueOrDie();
    const auto& arguments = expression.arguments;
    if (expression.IsCall("CASE")) {
      const auto when = Of(*arguments[0]);
      if (!when) return std::nullopt;
      return Of(*arguments[IsTrue(**when) ? 1 : 2]);
    }
    if (expression.IsCall("COALESCE")) {
      const auto first = Of(*arguments[0]);
      return !first || (*first)->IsValid(0) ? first : Of(*arguments[1]);
    }
    if (expression.IsCall("AND") || expression.IsCall("OR")) {
      const auto first = Of(*arguments[0]);
      if (!first) return std::nullopt;
      const bool decides = (*first)->IsValid(0) && IsTrue(**first) == expression.IsCall("OR");
      if (decides) return first;
      const auto second = Of(*arguments[1]);
      if (!second || (*first)->IsValid(0)) return second;
      const bool second_decides =
          (*second)->IsValid(0) && IsTrue(**second) == expression.IsCall("OR");
      return second_decides ? second : first;
    }
    Schema schema;
    arrow::ArrayVector columns;
    std::vector<ExpressionPtr> references;
    for (const ExpressionPtr& argument : arguments) {
      const auto value = Of(*argument);
      if (!value) return std::nullopt;
      references.push_back(Column(schema.size(), argument->type));
      schema.Add("c", argument->type);
      columns.push_back(*value);
    }
    const auto call = Call(expression.function, references, expression.type);
    const auto evaluator = ExpressionEvaluator::Make(schema, call, Functions()).ValueOrDie();
    std::vector<RowError> errors;
    auto result =
        evaluator.Evaluate(*arrow::RecordBatch::Make(schema.ToArrow(), 1, columns), {}, &errors)
            .ValueOrDie();
    if (!errors.empty()) return std::nullopt;
    return result[0];
  }

 private:
  static bool IsTrue(const arrow::Array& value) {
    return value.IsValid(0) && static_cast<const arrow::BooleanArray&>(value).Value(0);
  }
  const arrow::RecordBatch& row_;
};

TEST(Evaluator, FusedEqualsOneOperationAtATime) {
  std::mt19937 random(20240301);
  const auto options = arrow::EqualOptions::Defaults().nans_equal(true);
  int failed_rows = 0;
  for (int round = 0; round < 150; ++round) {
    const SqlType type = round % 3 == 0 ? kBool : round % 3 == 1 ? kInt : kDouble;
    const ExpressionPtr expression = RandomExpression(random).Of(type, 4);
    const auto rows = RandomRows(random, 20, round % 2 == 0 ? 4 : 0);
    const std::string text = ToString(*expression, Input().Names());
    auto evaluator = ExpressionEvaluator::Make(Input(), expression, Functions());
    ASSERT_TRUE(evaluator.ok()) << text << ": " << evaluator.status().ToString();
    std::vector<RowError> errors;
    const auto result = evaluator->Evaluate(*rows, {}, &errors).ValueOrDie()[0];
    std::vector<bool> failed(static_cast<size_t>(rows->num_rows()));
    for (const RowError& error : errors) failed[static_cast<size_t>(error.row)] = true;
    for (int64_t row = 0; row < rows->num_rows(); ++row) {
      const auto expected = Reference(*rows->Slice(row, 1)).Of(*expression);
      ASSERT_EQ(failed[static_cast<size_t>(row)], !expected.has_value()) << text << " at " << row;
      if (!expected) {
        ++failed_rows;
        continue;
      }
      ASSERT_TRUE((*expected)->Equals(*result->Slice(row, 1), options))
          << text << " at " << row << ": " << (*expected)->ToString()
          << result->Slice(row, 1)->ToString();
    }
  }
  EXPECT_GT(failed_rows, 0);  // the comparison saw errors too
}

TEST(Evaluator, LongBatchesEqualShortOnes) {
  std::mt19937 random(7);
  for (int round = 0; round < 40; ++round) {
    const ExpressionPtr expression =
        RandomExpression(random).Of(round % 2 == 0 ? kDouble : kBool, 5);
    const auto rows = RandomRows(random, 1500, round % 4 < 2 ? 5 : 0);
    const auto evaluator = ExpressionEvaluator::Make(Input(), expression, Functions()).ValueOrDie();
    std::vector<RowError> whole_errors, piece_errors;
    const auto whole = evaluator.Evaluate(*rows, {}, &whole_errors).ValueOrDie()[0];
    for (int64_t row = 0; row < rows->num_rows(); row += 77) {
      const int64_t count = std::min<int64_t>(77, rows->num_rows() - row);
      const auto piece =
          evaluator.Evaluate(*rows->Slice(row, count), {}, &piece_errors).ValueOrDie()[0];
      ASSERT_TRUE(
          piece->Equals(whole->Slice(row, count), arrow::EqualOptions::Defaults().nans_equal(true)))
          << ToString(*expression, Input().Names());
    }
    EXPECT_EQ(whole_errors.size(), piece_errors.size());
  }
}

Batch Rows(std::vector<int32_t> i, std::vector<int32_t> j) {
  Schema schema;
  schema.Add("i", kInt);
  schema.Add("j", kInt);
  arrow::Int32Builder a, b;
  EXPECT_TRUE(a.AppendValues(i).ok() && b.AppendValues(j).ok());
  return {arrow::RecordBatch::Make(schema.ToArrow(), static_cast<int64_t>(i.size()),
                                   {*a.Finish(), *b.Finish()}),
          nullptr, 0};
}

Schema TwoInts() {
  Schema schema;
  schema.Add("i", kInt);
  schema.Add("j", kInt);
  return schema;
}

TEST(Evaluator, FailedRowsAreLeftOutAndReported) {
  CalcConfig calc;
  calc.projections = {Column(0, kInt), Call("/", {Column(0, kInt), Column(1, kInt)}, kInt, {3, 8})};
  calc.names = {"i", "q"};
  const auto evaluator = Evaluator::Make(TwoInts(), calc, Functions()).ValueOrDie();
  std::vector<RowError> errors;
  const Batch out = evaluator->Evaluate(Rows({1, 2, 9}, {1, 0, 3}), {}, &errors).ValueOrDie();
  EXPECT_EQ(out.rows->column(1)->ToString(), "[\n  1,\n  3\n]");
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_EQ(errors[0].row, 1);
  EXPECT_EQ(errors[0].text, "division by zero");
  EXPECT_EQ(errors[0].position, (Position{3, 8}));
}

TEST(Evaluator, BranchesThatAreNotTakenDoNotFail) {
  const auto quotient = Call("/", {Column(0, kInt), Column(1, kInt)}, kInt);
  const auto safe =
      Call("CASE", {Call("<>", {Column(1, kInt), Int(0)}, kBool), quotient, Int(-1)}, kInt);
  const auto guarded = Call(
      "AND", {Call("<>", {Column(1, kInt), Int(0)}, kBool), Call(">", {quotient, Int(1)}, kBool)},
      kBool);
  const std::vector<ExpressionPtr> expressions{safe, guarded,
                                               Call("COALESCE", {Column(0, kInt), quotient}, kInt)};
  const auto evaluator =
      ExpressionEvaluator::Make(TwoInts(), expressions, Functions()).ValueOrDie();
  std::vector<RowError> errors;
  const auto columns = evaluator.Evaluate(*Rows({4, 4}, {2, 0}).rows, {}, &errors).ValueOrDie();
  EXPECT_TRUE(errors.empty());
  EXPECT_EQ(columns[0]->ToString(), "[\n  2,\n  -1\n]");
  EXPECT_EQ(columns[1]->ToString(), "[\n  true,\n  false\n]");
}

TEST(Evaluator, ConditionComesFirstAndKindsStay) {
  CalcConfig calc;
  calc.locals = {Call("+", {Column(0, kInt), Int(1)}, kInt)};
  calc.condition = Call("<>", {Column(1, kInt), Int(0)}, kBool);
  calc.projections = {Call("/", {Column(2, kInt), Column(1, kInt)}, kInt), Column(0, kInt)};
  calc.names = {"q", "i"};
  const auto evaluator = Evaluator::Make(TwoInts(), calc, Functions()).ValueOrDie();
  Batch input = Rows({3, 5, 7}, {2, 0, 4});
  arrow::Int8Builder kinds;
  ASSERT_TRUE(kinds.AppendValues({0, 3, 2}).ok());
  input.kinds = std::static_pointer_cast<arrow::Int8Array>(*kinds.Finish());
  std::vector<RowError> errors;
  const Batch out = evaluator->Evaluate(input, {}, &errors).ValueOrDie();
  EXPECT_TRUE(errors.empty());
  EXPECT_EQ(out.rows->column(0)->ToString(), "[\n  2,\n  2\n]");
  EXPECT_EQ(out.kinds->ToString(), "[\n  0,\n  2\n]");
}

TEST(Evaluator, PassesColumnsThroughWithoutCopy) {
  CalcConfig calc;
  calc.projections = {Column(1, kInt)};
  calc.names = {"j"};
  const auto evaluator = Evaluator::Make(TwoInts(), calc, Functions()).ValueOrDie();
  const Batch input = Rows({1}, {2});
  std::vector<RowError> errors;
  const Batch out = evaluator->Evaluate(input, {}, &errors).ValueOrDie();
  EXPECT_EQ(out.rows->column(0)->data()->buffers[1], input.rows->column(1)->data()->buffers[1]);
}

}  // namespace
}  // namespace millrace

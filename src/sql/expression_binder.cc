#include "sql/expression_binder.h"

#include <algorithm>
#include <utility>

#include "base/suggest.h"
#include "expr/type_rules.h"
#include "sql/coerce.h"
#include "sql/literal_binder.h"

namespace millrace::sql {
namespace {

using syntax::BinaryOp;
using syntax::UnaryOp;

const char* FunctionOf(BinaryOp op) {
  switch (op) {
    case BinaryOp::kOr:
      return "OR";
    case BinaryOp::kAnd:
      return "AND";
    case BinaryOp::kEqual:
      return "=";
    case BinaryOp::kNotEqual:
      return "<>";
    case BinaryOp::kLess:
      return "<";
    case BinaryOp::kLessOrEqual:
      return "<=";
    case BinaryOp::kGreater:
      return ">";
    case BinaryOp::kGreaterOrEqual:
      return ">=";
    case BinaryOp::kIsDistinctFrom:
      return "IS DISTINCT FROM";
    case BinaryOp::kIsNotDistinctFrom:
      return "IS NOT DISTINCT FROM";
    case BinaryOp::kOverlaps:
      return "OVERLAPS";
    case BinaryOp::kAdd:
      return "+";
    case BinaryOp::kSubtract:
      return "-";
    case BinaryOp::kMultiply:
      return "*";
    case BinaryOp::kDivide:
      return "/";
    case BinaryOp::kModulo:
      return "%";
    case BinaryOp::kConcat:
      return "||";
  }
  return "";
}

std::string TestName(syntax::IsTest test) {
  switch (test) {
    case syntax::IsTest::kNull:
      return "NULL";
    case syntax::IsTest::kTrue:
      return "TRUE";
    case syntax::IsTest::kFalse:
      return "FALSE";
    case syntax::IsTest::kUnknown:
      return "UNKNOWN";
    case syntax::IsTest::kJson:
      return "JSON";
    case syntax::IsTest::kJsonValue:
      return "JSON VALUE";
    case syntax::IsTest::kJsonObject:
      return "JSON OBJECT";
    case syntax::IsTest::kJsonArray:
      return "JSON ARRAY";
    case syntax::IsTest::kJsonScalar:
      return "JSON SCALAR";
  }
  return "";
}

}  // namespace

Result<ExpressionPtr> ExpressionBinder::Bind(const syntax::Expression& expression) {
  return std::visit([&](const auto& node) { return BindNode(node, expression.position); },
                    expression.node);
}

Result<ExpressionPtr> ExpressionBinder::BindCondition(const syntax::Expression& expression) {
  ARROW_ASSIGN_OR_RAISE(auto bound, Bind(expression));
  if (bound->type.kind() != TypeKind::kBoolean && !bound->type.is_null()) {
    return Error::User(clause_ + " needs a BOOLEAN, but this is " + bound->type.ToString())
        .At(expression.position)
        .Hint("compare it with something");
  }
  return CastTo(bound, SqlType::Boolean());
}

Result<ExpressionPtr> ExpressionBinder::Call(const std::string& function,
                                             std::vector<ExpressionPtr> arguments,
                                             Position position) {
  auto spec = context_.registries.functions.Get(function);
  if (!spec.ok()) return WithPlace(spec.status(), position);
  std::vector<SqlType> types;
  for (const auto& argument : arguments) types.push_back(argument->type);
  std::vector<ExpressionPtr> literals;
  for (const auto& argument : arguments)
    literals.push_back(argument->IsLiteral() ? argument : nullptr);
  auto bound = (*spec)->bind(types, literals);
  if (!bound.ok()) return WithPlace(bound.status(), position);
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (i < bound->argument_types.size())
      arguments[i] = CastTo(arguments[i], bound->argument_types[i]);
  }
  return Expression::Call((*spec)->name, std::move(arguments), bound->type, position);
}

Result<ExpressionPtr> ExpressionBinder::Negate(Result<ExpressionPtr> operand, bool negated,
                                               Position position) {
  if (!negated) return operand;
  ARROW_ASSIGN_OR_RAISE(auto value, std::move(operand));
  return Call("NOT", {std::move(value)}, position);
}

Result<ExpressionPtr> ExpressionBinder::BindNode(const syntax::Literal& literal,
                                                 Position position) {
  return BindLiteral(literal, position, context_.registries);
}

Result<ExpressionPtr> ExpressionBinder::BindNode(const syntax::IntervalLiteral& interval,
                                                 Position position) {
  const SqlType type =
      interval.is_months ? SqlType::IntervalYearMonth() : SqlType::IntervalDayTime();
  return Expression::Literal(interval.amount, type.AsNotNull(), position);
}

Result<ExpressionPtr> ExpressionBinder::BindNode(const syntax::ColumnRef& column,
                                                 Position position) {
  ARROW_ASSIGN_OR_RAISE(auto resolved, scope_.Resolve(column.path));
  if (resolved) return *resolved;
  bool found = false;
  ARROW_ASSIGN_OR_RAISE(auto value, BindAlias(column.path[0].name, &found));
  if (!found) {
    std::vector<std::string> more;
    if (aliases_ != nullptr) {
      for (const auto& item : *aliases_) {
        if (item.alias) more.push_back(item.alias->name);
      }
    }
    return WithPlace(scope_.Unknown(column.path, more), position);
  }
  for (size_t i = 1; i < column.path.size(); ++i) {
    ARROW_ASSIGN_OR_RAISE(value, FieldOf(value, column.path[i]));
  }
  return value;
}

Result<ExpressionPtr> ExpressionBinder::BindAlias(const std::string& name, bool* found) {
  *found = false;
  if (aliases_ == nullptr) return ExpressionPtr();
  if (const auto bound = bound_aliases_.find(name); bound != bound_aliases_.end()) {
    *found = true;
    return bound->second;
  }
  const auto item = std::find_if(aliases_->begin(), aliases_->end(), [&](const auto& candidate) {
    return candidate.alias && candidate.alias->name == name;
  });
  const bool in_progress = std::find(aliases_in_progress_.begin(), aliases_in_progress_.end(),
                                     name) != aliases_in_progress_.end();
  if (item == aliases_->end() || in_progress) return ExpressionPtr();
  aliases_in_progress_.push_back(name);
  auto value = Bind(item->expression);
  aliases_in_progress_.pop_back();
  ARROW_RETURN_NOT_OK(value.status());
  *found = true;
  bound_aliases_[name] = *value;
  return value;
}

Result<ExpressionPtr> ExpressionBinder::BindNode(const syntax::Unary& unary, Position position) {
  ARROW_ASSIGN_OR_RAISE(auto operand, Bind(unary.operand));
  switch (unary.op) {
    case UnaryOp::kPlus:
      return operand;
    case UnaryOp::kMinus:
      if (auto literal = NegateLiteral(operand, position)) return literal;
      return Call("NEGATE", {std::move(operand)}, position);
    case UnaryOp::kNot:
      return Call("NOT", {std::move(operand)}, position);
    default:
      return Error::User("FINAL and RUNNING belong into MATCH_RECOGNIZE").At(position);
  }
}

Result<ExpressionPtr> ExpressionBinder::BindNode(const syntax::Binary& binary, Position position) {
  ARROW_ASSIGN_OR_RAISE(auto left, Bind(binary.left));
  ARROW_ASSIGN_OR_RAISE(auto right, Bind(binary.right));
  return Call(FunctionOf(binary.op), {std::move(left), std::move(right)}, position);
}

Result<ExpressionPtr> ExpressionBinder::BindNode(const syntax::Is& is, Position position) {
  ARROW_ASSIGN_OR_RAISE(auto operand, Bind(is.operand));
  return Call((is.negated ? "IS NOT " : "IS ") + TestName(is.test), {std::move(operand)}, position);
}

Result<ExpressionPtr> ExpressionBinder::BindNode(const syntax::Between& between,
                                                 Position position) {
  ARROW_ASSIGN_OR_RAISE(auto operand, Bind(between.operand));
  ARROW_ASSIGN_OR_RAISE(auto low, Bind(between.low));
  ARROW_ASSIGN_OR_RAISE(auto high, Bind(between.high));
  const auto within = [&](const ExpressionPtr& from,
                          const ExpressionPtr& to) -> Result<ExpressionPtr> {
    ARROW_ASSIGN_OR_RAISE(auto above, Call(">=", {operand, from}, position));
    ARROW_ASSIGN_OR_RAISE(auto below, Call("<=", {operand, to}, position));
    return Call("AND", {std::move(above), std::move(below)}, position);
  };
  auto inside = within(low, high);
  if (between.symmetric) {
    ARROW_ASSIGN_OR_RAISE(auto straight, std::move(inside));
    ARROW_ASSIGN_OR_RAISE(auto reversed, within(high, low));
    inside = Call("OR", {std::move(straight), std::move(reversed)}, position);
  }
  return Negate(std::move(inside), between.negated, position);
}

Result<ExpressionPtr> ExpressionBinder::BindNode(const syntax::In& in, Position position) {
  if (in.query) return NotPlanned("IN with a query", position);
  std::vector<ExpressionPtr> arguments(1);
  ARROW_ASSIGN_OR_RAISE(arguments[0], Bind(in.operand));
  for (const auto& element : in.list) {
    ARROW_ASSIGN_OR_RAISE(auto value, Bind(element));
    arguments.push_back(std::move(value));
  }
  return Negate(Call("IN", std::move(arguments), position), in.negated, position);
}

Result<ExpressionPtr> ExpressionBinder::BindNode(const syntax::Like& like, Position position) {
  std::vector<ExpressionPtr> arguments(2);
  ARROW_ASSIGN_OR_RAISE(arguments[0], Bind(like.operand));
  ARROW_ASSIGN_OR_RAISE(arguments[1], Bind(like.pattern));
  if (like.escape) {
    ARROW_ASSIGN_OR_RAISE(auto escape, Bind(like.escape));
    arguments.push_back(std::move(escape));
  }
  const char* function = like.kind == syntax::LikeKind::kLike ? "LIKE" : "SIMILAR TO";
  return Negate(Call(function, std::move(arguments), position), like.negated, position);
}

Result<ExpressionPtr> ExpressionBinder::BindNode(const syntax::Case& node, Position position) {
  std::vector<ExpressionPtr> arguments;
  ExpressionPtr operand;
  if (node.operand) {
    ARROW_ASSIGN_OR_RAISE(operand, Bind(node.operand));
  }
  for (const auto& when : node.whens) {
    ARROW_ASSIGN_OR_RAISE(auto condition, Bind(when.condition));
    if (operand) {
      ARROW_ASSIGN_OR_RAISE(condition,
                            Call("=", {operand, std::move(condition)}, when.condition->position));
    }
    ARROW_ASSIGN_OR_RAISE(auto result, Bind(when.result));
    arguments.push_back(std::move(condition));
    arguments.push_back(std::move(result));
  }
  ExpressionPtr otherwise = Expression::Literal(std::monostate(), SqlType::Null(), position);
  if (node.otherwise) {
    ARROW_ASSIGN_OR_RAISE(otherwise, Bind(node.otherwise));
  }
  arguments.push_back(std::move(otherwise));
  return Call("CASE", std::move(arguments), position);
}

Result<ExpressionPtr> ExpressionBinder::BindNode(const syntax::Cast& cast, Position position) {
  ARROW_ASSIGN_OR_RAISE(auto operand, Bind(cast.operand));
  if (!CanCast(operand->type, cast.type)) {
    return Error::User(operand->type.AsNullable().ToString() + " cannot be cast to " +
                       cast.type.AsNullable().ToString())
        .At(position);
  }
  if (operand->type.EqualsIgnoringNullability(cast.type)) return operand;
  const bool nullable = cast.is_try || operand->type.nullable();
  return Expression::Call(cast.is_try ? "TRY_CAST" : "CAST", {std::move(operand)},
                          cast.type.AsNullable(nullable), position);
}

Result<ExpressionPtr> ExpressionBinder::BindNode(const syntax::Keyword& keyword,
                                                 Position position) {
  return Expression::Literal(
      keyword.word, SqlType::Char(static_cast<int>(keyword.word.size())).AsNotNull(), position);
}

Result<ExpressionPtr> ExpressionBinder::BindNode(const syntax::RowConstructor& row,
                                                 Position position) {
  std::vector<ExpressionPtr> values;
  for (const auto& value : row.values) {
    ARROW_ASSIGN_OR_RAISE(auto bound, Bind(value));
    values.push_back(std::move(bound));
  }
  return Call("ROW", std::move(values), position);
}

Result<ExpressionPtr> ExpressionBinder::BindNode(const syntax::ArrayConstructor& array,
                                                 Position position) {
  std::vector<ExpressionPtr> values;
  for (const auto& value : array.elements) {
    ARROW_ASSIGN_OR_RAISE(auto bound, Bind(value));
    values.push_back(std::move(bound));
  }
  return Call("ARRAY", std::move(values), position);
}

Result<ExpressionPtr> ExpressionBinder::BindNode(const syntax::MapConstructor& map,
                                                 Position position) {
  std::vector<ExpressionPtr> values;
  for (const auto& [key, value] : map.entries) {
    for (const auto& part : {key, value}) {
      ARROW_ASSIGN_OR_RAISE(auto bound, Bind(part));
      values.push_back(std::move(bound));
    }
  }
  return Call("MAP", std::move(values), position);
}

Result<ExpressionPtr> ExpressionBinder::BindNode(const syntax::ElementAccess& access,
                                                 Position position) {
  ARROW_ASSIGN_OR_RAISE(auto collection, Bind(access.collection));
  ARROW_ASSIGN_OR_RAISE(auto index, Bind(access.index));
  if (collection->type.kind() == TypeKind::kRow) {
    const auto* number = index->IsLiteral() ? std::get_if<int64_t>(&index->literal) : nullptr;
    const auto& fields = collection->type.fields();
    if (number == nullptr || *number < 1 || *number > static_cast<int64_t>(fields.size())) {
      return Error::User("a ROW takes a literal index from 1 to " + std::to_string(fields.size()))
          .At(index->position);
    }
    return FieldOf(collection, {fields[static_cast<size_t>(*number - 1)].name, position});
  }
  return Call("ITEM", {std::move(collection), std::move(index)}, position);
}

Result<ExpressionPtr> ExpressionBinder::BindNode(const syntax::FieldAccess& access, Position) {
  ARROW_ASSIGN_OR_RAISE(auto row, Bind(access.row));
  return FieldOf(row, access.field);
}

Result<ExpressionPtr> ExpressionBinder::BindNode(const syntax::AtTimeZone&, Position position) {
  return Error::User("AT TIME ZONE and AT LOCAL are not part of Flink SQL")
      .At(position)
      .Hint(
          "CAST(instant AS TIMESTAMP(3)) is the local time in 'table.local-time-zone'; "
          "CONVERT_TZ(text, 'UTC', 'Europe/Berlin') that of any zone; TO_TIMESTAMP_LTZ(number, "
          "3) makes an instant");
}

template <class Other>
Result<ExpressionPtr> ExpressionBinder::BindNode(const Other&, Position position) {
  if constexpr (std::is_same_v<Other, syntax::Star>) {
    return Error::User("'*' may stand only in a select list and in COUNT(*)").At(position);
  } else if constexpr (std::is_same_v<Other, syntax::Exists> ||
                       std::is_same_v<Other, syntax::ScalarSubquery>) {
    return NotPlanned("a query as a value", position);
  } else {
    return Error::User("a table, model, type or descriptor cannot stand as a value").At(position);
  }
}

}  // namespace millrace::sql

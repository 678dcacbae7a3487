#include "sql/expression_binder.h"

#include <algorithm>
#include <utility>

#include "base/suggest.h"
#include "expr/type_rules.h"
#include "plan/micro_batch.h"
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

bool SameList(const std::vector<ExpressionPtr>& a, const std::vector<ExpressionPtr>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const ExpressionPtr& x, const ExpressionPtr& y) { return Equal(*x, *y); });
}

/// A cast is needed where the values themselves change; lengths of strings and nullability are
/// types only.
bool NeedsCast(const SqlType& from, const SqlType& to) {
  if (from.EqualsIgnoringNullability(to)) return false;
  if (from.is_string() && to.is_string()) return to.kind() == TypeKind::kChar;
  if (from.is_binary() && to.is_binary()) return to.kind() == TypeKind::kBinary;
  if (from.kind() == to.kind() && from.is_temporal()) return from.precision() > to.precision();
  return true;
}

}  // namespace

const ModelCalls::Call* ModelCalls::Find(const Model& model,
                                         const std::vector<ExpressionPtr>& arguments) const {
  const auto same = [&](const Call& call) {
    return call.model.get() == &model && SameList(call.arguments, arguments);
  };
  const auto call = std::find_if(calls_.begin(), calls_.end(), same);
  return call == calls_.end() ? nullptr : &*call;
}

ExpressionPtr ModelCalls::ValueOf(const Call& call, Position position) const {
  std::vector<ExpressionPtr> outputs;
  std::vector<SqlField> fields;
  int column = base_ + call.first;
  const bool lists = IsMicroBatch(call.model->config.input, call.arguments);
  for (const SqlField& output : call.model->config.output.columns()) {
    const SqlType type = (lists ? SqlType::Array(output.type) : output.type).AsNullable();
    fields.push_back({output.name, type, {}});
    outputs.push_back(Expression::Column(column++, type, position));
  }
  if (outputs.size() == 1) return outputs[0];
  return Expression::Call("ROW", std::move(outputs), SqlType::Row(std::move(fields)).AsNotNull(),
                          position);
}

ExpressionPtr ModelCalls::Add(std::shared_ptr<const Model> model,
                              std::vector<ExpressionPtr> arguments, Position position) {
  if (earlier_ != nullptr) {
    if (const Call* call = earlier_->Find(*model, arguments))
      return earlier_->ValueOf(*call, position);
  }
  if (const Call* call = Find(*model, arguments)) return ValueOf(*call, position);
  const int first = outputs_;
  outputs_ += model->config.output.size();
  calls_.push_back({std::move(model), std::move(arguments), first, position});
  return ValueOf(calls_.back(), position);
}

ExpressionPtr AggregateCalls::Add(AggregateCall call, Position position) {
  const auto same = [&](const AggregateCall& other) {
    const bool same_filter = call.filter && other.filter ? Equal(*call.filter, *other.filter)
                                                         : call.filter == other.filter;
    return same_filter && other.function == call.function && other.distinct == call.distinct &&
           SameList(other.arguments, call.arguments);
  };
  auto found = std::find_if(calls_.begin(), calls_.end(), same);
  if (found == calls_.end()) {
    calls_.push_back(std::move(call));
    found = calls_.end() - 1;
  }
  return Expression::Column(kAggregateBase + static_cast<int>(found - calls_.begin()), found->type,
                            position);
}

ExpressionPtr CastTo(const ExpressionPtr& value, const SqlType& type) {
  if (!NeedsCast(value->type, type)) return value;
  if (value->IsLiteral()) {
    if (auto converted = ConvertNumber(*value, type)) return converted;
  }
  const bool nullable = value->type.nullable() || value->type.is_null();
  return Expression::Call("CAST", {value}, type.AsNullable(nullable), value->position);
}

Result<ExpressionPtr> CoerceTo(const ExpressionPtr& value, const SqlType& type,
                               const std::string& what) {
  if (CanImplicitlyCast(value->type, type)) return CastTo(value, type);
  return Error::User(what + " needs " + type.AsNullable().ToString() + ", but this is " +
                     value->type.AsNullable().ToString())
      .At(value->position)
      .Hint("write CAST(… AS " + type.AsNullable().ToString() +
            "), or TRY_CAST to get NULL for values that do not convert");
}

Result<std::vector<ExpressionPtr>> CoerceModelArguments(const Model& model,
                                                        std::vector<ExpressionPtr> arguments,
                                                        Position position) {
  const Schema& input = model.config.input;
  if (static_cast<int>(arguments.size()) != input.size()) {
    return Error::User("model '" + model.config.name + "' takes " + std::to_string(input.size()) +
                       " arguments, but " + std::to_string(arguments.size()) + " are given")
        .At(position)
        .Hint("its input is " + input.ToString());
  }
  // Arrays of what the model takes are micro-batches.
  bool lists = input.size() > 0 && !model.config.in_sequence;
  for (int i = 0; lists && i < input.size(); ++i) {
    const SqlType& type = arguments[static_cast<size_t>(i)]->type;
    const SqlType& wanted = input.column(i).type;
    lists = type.kind() == TypeKind::kArray && !CanImplicitlyCast(type, wanted) &&
            CanImplicitlyCast(type.element(), wanted);
  }
  for (int i = 0; i < input.size(); ++i) {
    auto& argument = arguments[static_cast<size_t>(i)];
    if (lists) {
      argument = CastTo(argument, SqlType::Array(input.column(i).type.AsNullable()));
      continue;
    }
    const std::string what =
        "input `" + input.column(i).name + "` of model '" + model.config.name + "'";
    ARROW_ASSIGN_OR_RAISE(argument, CoerceTo(argument, input.column(i).type, what));
  }
  return arguments;
}

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

Result<std::vector<ExpressionPtr>> ExpressionBinder::BindArguments(
    const syntax::FunctionCall& call) {
  std::vector<ExpressionPtr> arguments;
  for (const auto& argument : call.arguments) {
    if (argument.name) {
      return Error::User("'" + call.name.ToString() + "' takes its arguments by position")
          .At(argument.name->position);
    }
    ARROW_ASSIGN_OR_RAISE(auto value, Bind(argument.value));
    arguments.push_back(std::move(value));
  }
  return arguments;
}

Result<ExpressionPtr> ExpressionBinder::BindNode(const syntax::FunctionCall& call,
                                                 Position position) {
  if (call_hook_) {
    ARROW_ASSIGN_OR_RAISE(auto meant, call_hook_(call, position));
    if (meant) return meant;
  }
  const std::string& name = call.name.parts.back().name;
  if (call.over) return NotPlanned("OVER", position);
  if (!call.within_group.empty()) return NotPlanned("WITHIN GROUP", position);
  if (IsJsonCall(name) && !call.distinct && !call.filter) {
    return BindJsonCall(name, call, position);
  }
  if (!call.clauses.empty()) return NotPlanned("a clause of " + name, position);
  if (call.name.parts.size() == 1) {
    if (const auto* aggregate = context_.registries.aggregates.Find(name)) {
      return BindAggregate(*aggregate, call, position);
    }
    if (context_.registries.functions.Find(name) != nullptr) {
      if (call.distinct || call.filter) {
        return Error::User("'" + name + "' is no aggregate: DISTINCT and FILTER do not apply")
            .At(position);
      }
      ARROW_ASSIGN_OR_RAISE(auto arguments, BindArguments(call));
      return Call(name, std::move(arguments), position);
    }
  }
  ARROW_ASSIGN_OR_RAISE(const std::string object, ObjectName(call.name));
  if (auto model = context_.catalog.FindModel(object)) {
    return BindModelCall(std::move(model), call, position);
  }
  std::vector<std::string> names = context_.catalog.ModelNames();
  for (const auto* spec : context_.registries.functions.All()) names.push_back(spec->name);
  for (const auto* spec : context_.registries.aggregates.All()) names.push_back(spec->name);
  const std::string near = Nearest(name, names);
  return Error::User("no function or model '" + call.name.ToString() + "'")
      .At(position)
      .Hint(near.empty() ? "SHOW FUNCTIONS and SHOW MODELS list what there is"
                         : "did you mean '" + near + "'?");
}

Result<ExpressionPtr> ExpressionBinder::BindModelCall(std::shared_ptr<const Model> model,
                                                      const syntax::FunctionCall& call,
                                                      Position position) {
  if (models_ == nullptr) {
    return Error::User("the model '" + model->config.name + "' cannot be called in " + clause_)
        .At(position)
        .Hint("call it in the select list or WHERE of a query");
  }
  const Schema& input = model->config.input;
  std::vector<ExpressionPtr> arguments(call.arguments.size());
  std::vector<std::string> names = input.Names();
  for (size_t i = 0; i < call.arguments.size(); ++i) {
    size_t at = i;
    if (const auto& name = call.arguments[i].name) {
      const int column = input.Find(name->name);
      if (column < 0) {
        return Error::User("model '" + model->config.name + "' has no input '" + name->name + "'")
            .At(name->position)
            .Hint(Suggest(name->name, names));
      }
      at = static_cast<size_t>(column);
    }
    if (at >= arguments.size() || arguments[at] != nullptr) {
      return Error::User("the arguments of model '" + model->config.name +
                         "' do not match its input")
          .At(position)
          .Hint("its input is " + input.ToString());
    }
    ARROW_ASSIGN_OR_RAISE(arguments[at], Bind(call.arguments[i].value));
  }
  ARROW_ASSIGN_OR_RAISE(arguments, CoerceModelArguments(*model, std::move(arguments), position));
  return models_->Add(std::move(model), std::move(arguments), position);
}

Result<ExpressionPtr> ExpressionBinder::BindAggregate(const AggregateFunctionSpec& spec,
                                                      const syntax::FunctionCall& call,
                                                      Position position) {
  if (aggregates_ == nullptr) {
    return Error::User("the aggregate " + spec.name + " cannot stand in " + clause_)
        .At(position)
        .Hint(clause_ == "WHERE" ? "use HAVING, or aggregate in a subquery first" : "");
  }
  AggregateCalls* const outer = std::exchange(aggregates_, nullptr);
  ModelCalls* const outer_models = std::exchange(models_, models_inside_);
  const std::string clause = std::exchange(clause_, "an aggregate's arguments");
  AggregateCall aggregate;
  aggregate.function = spec.name;
  aggregate.distinct = call.distinct;
  const auto bind = [&]() -> Status {
    const bool star =
        call.arguments.size() == 1 && call.arguments[0].value->As<syntax::Star>() != nullptr;
    if (!star) {
      ARROW_ASSIGN_OR_RAISE(aggregate.arguments, BindArguments(call));
    }
    if (call.filter) {
      ARROW_ASSIGN_OR_RAISE(aggregate.filter, BindCondition(*call.filter));
    }
    return Status::OK();
  };
  const Status bound_arguments = bind();
  aggregates_ = outer;
  models_ = outer_models;
  clause_ = clause;
  ARROW_RETURN_NOT_OK(bound_arguments);
  std::vector<SqlType> types;
  for (const auto& argument : aggregate.arguments) types.push_back(argument->type);
  auto bound = spec.bind(types, aggregate.distinct);
  if (!bound.ok()) return WithPlace(bound.status(), position);
  for (size_t i = 0; i < aggregate.arguments.size(); ++i) {
    aggregate.arguments[i] = CastTo(aggregate.arguments[i], bound->argument_types[i]);
  }
  aggregate.type = bound->type;
  return aggregates_->Add(std::move(aggregate), position);
}

}  // namespace millrace::sql

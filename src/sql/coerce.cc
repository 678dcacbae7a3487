#include "sql/coerce.h"

#include "expr/type_rules.h"
#include "sql/literal_binder.h"

namespace millrace::sql {
namespace {

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

}  // namespace millrace::sql

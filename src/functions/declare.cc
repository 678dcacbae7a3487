#include "functions/declare.h"

#include <algorithm>

#include "expr/type_rules.h"

namespace millrace::functions {
namespace {

/// As `CanImplicitlyCast`, and any number where DOUBLE is taken.
bool Fits(const SqlType& from, const SqlType& to) {
  return CanImplicitlyCast(from, to) || (from.is_numeric() && to.kind() == TypeKind::kDouble);
}

ScalarFunctionSpec HeadOf(FunctionFamily family, std::string name, std::string syntax,
                          std::string doc, FunctionExample example,
                          std::vector<std::string> aliases = {}) {
  return {std::move(name),   std::move(aliases), family,
          std::move(syntax), std::move(doc),     {std::move(example)}};
}

}  // namespace

ScalarFunctionSpec ArithmeticFunction(std::string name, std::string syntax, std::string doc,
                                      FunctionExample example) {
  return HeadOf(FunctionFamily::kArithmetic, std::move(name), std::move(syntax), std::move(doc),
                std::move(example));
}

ScalarFunctionSpec StringFunction(std::string name, std::string syntax, std::string doc,
                                  FunctionExample example, std::vector<std::string> aliases) {
  return HeadOf(FunctionFamily::kString, std::move(name), std::move(syntax), std::move(doc),
                std::move(example), std::move(aliases));
}

ScalarFunctionSpec TemporalFunction(std::string name, std::string syntax, std::string doc,
                                    FunctionExample example) {
  return HeadOf(FunctionFamily::kTemporal, std::move(name), std::move(syntax), std::move(doc),
                std::move(example));
}

Status CheckCount(std::string_view function, size_t count, size_t least, size_t most) {
  if (count >= least && count <= most) return Status::OK();
  std::string expected = std::to_string(least);
  if (most == kAny)
    expected += " or more";
  else if (most > least)
    expected += " to " + std::to_string(most);
  return Error::User(std::string(function) + " takes " + expected +
                     (expected == "1" ? " argument" : " arguments") + ", but has " +
                     std::to_string(count));
}

Status WrongArgument(std::string_view function, size_t index, std::string_view parameter,
                     std::string_view expected, const SqlType& actual,
                     const std::optional<SqlType>& cast) {
  std::string name = parameter.empty() ? "" : " (" + std::string(parameter) + ")";
  auto error = Error::User("argument " + std::to_string(index + 1) + name + " of " +
                           std::string(function) + " must be " + std::string(expected) +
                           ", but is " + actual.AsNullable().ToString());
  if (!cast || !CanCast(actual, *cast)) return error;
  return std::move(error).Hint("write CAST(… AS " + cast->AsNullable().ToString() + ")");
}

Result<SqlType> CommonOf(std::string_view function, Types types, size_t first) {
  const Types used = types.subspan(first);
  if (auto common = CommonType(used)) return *common;
  if (std::ranges::all_of(used, [](const SqlType& type) { return type.is_null(); }))
    return SqlType::String();
  for (size_t i = 1; i < used.size(); ++i) {
    if (CommonType(used.first(i + 1))) continue;
    const std::optional<SqlType> so_far = CommonType(used.first(i));
    if (!so_far) continue;
    return WrongArgument(function, first + i, "",
                         "of a type that goes with " + so_far->AsNullable().ToString(), used[i],
                         so_far);
  }
  return Error::User("the arguments of " + std::string(function) + " have no common type");
}

bool AnyNullable(Types types) {
  return std::ranges::any_of(types, [](const SqlType& type) { return type.nullable(); });
}

Result<std::string> TextLiteral(std::string_view function, size_t index, Literals literals) {
  const ExpressionPtr& literal = literals[index];
  if (literal != nullptr) {
    if (const auto* text = std::get_if<std::string>(&literal->literal)) return *text;
  }
  return Error::User("argument " + std::to_string(index + 1) + " of " + std::string(function) +
                     " must be a text literal");
}

BoundFunction BuiltIn(SqlType type, std::vector<SqlType> arguments, bool can_fail) {
  return {std::move(type), std::move(arguments), can_fail, nullptr};
}

BoundFunction WithKernel(SqlType type, std::vector<SqlType> arguments, ScalarKernel kernel,
                         bool can_fail) {
  return {std::move(type), std::move(arguments), can_fail,
          [kernel = std::move(kernel)](Literals) -> Result<ScalarKernel> { return kernel; }};
}

ScalarFunctionSpec Declare(ScalarFunctionSpec head, Fixed fixed) {
  head.bind = [name = head.name, fixed = std::move(fixed)](Types types,
                                                           Literals) -> Result<BoundFunction> {
    const size_t most = fixed.parameters.size();
    const size_t least = fixed.kernels.empty() ? most : most + 1 - fixed.kernels.size();
    ARROW_RETURN_NOT_OK(CheckCount(name, types.size(), least, most));
    std::vector<SqlType> arguments;
    for (size_t i = 0; i < types.size(); ++i) {
      const Parameter& parameter = fixed.parameters[i];
      if (!Fits(types[i], parameter.type)) {
        return WrongArgument(name, i, parameter.name, parameter.type.ToString(), types[i],
                             parameter.type);
      }
      const bool same = types[i].kind() == parameter.type.kind() ||
                        (types[i].is_string() && parameter.type.is_string());
      arguments.push_back(same ? types[i] : parameter.type.AsNullable(types[i].nullable()));
    }
    const SqlType result = fixed.result.AsNullable(fixed.may_be_null || AnyNullable(types));
    if (fixed.kernels.empty()) return BuiltIn(result, std::move(arguments));
    return WithKernel(result, std::move(arguments), fixed.kernels[types.size() - least],
                      fixed.can_fail);
  };
  return head;
}

}  // namespace millrace::functions

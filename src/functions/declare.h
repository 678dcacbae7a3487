#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "spi/function.h"

/// How the built-ins are declared: a head for people, and either fixed parameters or a rule.
namespace millrace::functions {

using Types = std::span<const SqlType>;
using Literals = std::span<const ExpressionPtr>;

struct Parameter {
  std::string name;
  SqlType type;
};

/// A function with parameters of fixed types, the last ones optional. NULL where an argument is
/// NULL.
struct Fixed {
  std::vector<Parameter> parameters;
  SqlType result;
  std::vector<ScalarKernel>
      kernels;  ///< for the fewest arguments, one more …; empty: the evaluator's own
  bool can_fail = false;
  bool may_be_null = false;  ///< also where no argument is NULL
};

ScalarFunctionSpec Declare(ScalarFunctionSpec head, Fixed fixed);

/// The head of a function of a family.
ScalarFunctionSpec ArithmeticFunction(std::string name, std::string syntax, std::string doc,
                                      FunctionExample example);
ScalarFunctionSpec StringFunction(std::string name, std::string syntax, std::string doc,
                                  FunctionExample example, std::vector<std::string> aliases = {});
ScalarFunctionSpec TemporalFunction(std::string name, std::string syntax, std::string doc,
                                    FunctionExample example);

/// As the greatest number of arguments: no limit.
inline constexpr size_t kAny = static_cast<size_t>(-1);

/// A user error unless there are `least` to `most` arguments.
Status CheckCount(std::string_view function, size_t count, size_t least, size_t most);
/// "argument 2 (start) of SUBSTRING must be INT, but is STRING", with the cast that fits.
Status WrongArgument(std::string_view function, size_t index, std::string_view parameter,
                     std::string_view expected, const SqlType& actual,
                     const std::optional<SqlType>& cast = std::nullopt);
/// The common type of the arguments from `first` on.
Result<SqlType> CommonOf(std::string_view function, Types types, size_t first = 0);

bool AnyNullable(Types types);
/// The text of a literal argument; a user error where it is none.
Result<std::string> TextLiteral(std::string_view function, size_t index, Literals literals);

/// The evaluator has the call built in.
BoundFunction BuiltIn(SqlType type, std::vector<SqlType> arguments, bool can_fail = false);
/// A kernel that does not depend on the argument expressions.
BoundFunction WithKernel(SqlType type, std::vector<SqlType> arguments, ScalarKernel kernel,
                         bool can_fail = false);

}  // namespace millrace::functions

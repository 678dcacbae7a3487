#pragma once

#include <span>
#include <string>
#include <vector>

#include "syntax/ast.h"

namespace millrace::sql {

/// How a table function over a model is called.
struct MlFunction {
  std::string name;
  std::vector<std::string> parameters;  ///< in the order of positional arguments
  size_t required = 0;                  ///< so many of them, from the first on
  std::string example;

  /// The arguments in the order of `parameters`, given by position or by name; null where missing.
  Result<std::vector<syntax::ExpressionPtr>> Bind(const syntax::FunctionCall& call,
                                                  Position at) const;
};

/// `argument` as a T; else an error that says what `what` ("ML_PREDICT's INPUT is a table") is.
template <class T>
Result<const T*> ArgumentAs(const syntax::ExpressionPtr& argument, const std::string& what,
                            const std::string& example) {
  if (const T* given = argument->As<T>()) return given;
  return Error::User(what).At(argument->position).Hint("write " + example);
}

}  // namespace millrace::sql

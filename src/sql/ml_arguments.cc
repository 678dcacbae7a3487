#include "sql/ml_arguments.h"

#include <algorithm>

#include "syntax/text.h"

namespace millrace::sql {
namespace {

/// "INPUT, MODEL and ARGS".
std::string Listed(std::span<const std::string> names) {
  std::string text;
  for (size_t i = 0; i < names.size(); ++i) {
    if (i > 0) text += i + 1 == names.size() ? " and " : ", ";
    text += names[i];
  }
  return text;
}

}  // namespace

Result<std::vector<syntax::ExpressionPtr>> MlFunction::Bind(const syntax::FunctionCall& call,
                                                            Position at) const {
  std::vector<syntax::ExpressionPtr> out(parameters.size());
  for (size_t i = 0; i < call.arguments.size(); ++i) {
    size_t slot = i;
    if (const auto& given = call.arguments[i].name) {
      const auto it = std::find(parameters.begin(), parameters.end(), syntax::ToUpper(given->name));
      if (it == parameters.end()) {
        return Error::User(name + " has no argument '" + given->name + "'")
            .At(given->position)
            .Hint("its arguments are " + Listed(parameters));
      }
      slot = static_cast<size_t>(it - parameters.begin());
    }
    if (slot >= out.size() || out[slot]) {
      return Error::User(name + " takes " + Listed(parameters) + ", each once")
          .At(call.arguments[i].value->position);
    }
    out[slot] = call.arguments[i].value;
  }
  const auto needed = std::span(parameters).first(required);
  if (std::find(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(required), nullptr) !=
      out.begin() + static_cast<std::ptrdiff_t>(required)) {
    return Error::User(name + " needs " + Listed(needed)).At(at).Hint(example);
  }
  return out;
}

}  // namespace millrace::sql

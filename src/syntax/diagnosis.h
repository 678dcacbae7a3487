#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "syntax/expectation.h"
#include "syntax/lexer.h"

namespace millrace::syntax {

/// Where reading stopped, and what would have been accepted there.
struct Failure {
  std::span<const Token> tokens;
  size_t statement = 0;  ///< the index of the statement's first token
  size_t at = 0;         ///< the index of the token that does not fit
  std::span<const Expectation> expected;
  std::string_view after;    ///< what was read before it, such as "the select list"; may be empty
  bool after_alias = false;  ///< the token before it was taken for an alias without AS
};

/// The error for people: what stands there, what was expected, and the most likely mistake as a
/// hint.
Status Diagnose(const Failure& failure);

}  // namespace millrace::syntax

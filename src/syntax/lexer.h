#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "syntax/token.h"

namespace millrace::syntax {

/// A comment, with its marks, before the token with the index `token`.
struct Comment {
  size_t token = 0;
  std::string_view text;
  int line = 0;  ///< where it begins
};

struct Tokens {
  std::vector<Token> list;        ///< the last one is kEnd, placed right behind the last token
  std::vector<Comment> comments;  ///< in order
  bool unterminated = false;      ///< the text ends inside a string, a quoted name or a comment
};

/// Never fails: what cannot be read becomes a kInvalid token. The tokens point into `text`.
Tokens Tokenize(std::string_view text);

}  // namespace millrace::syntax

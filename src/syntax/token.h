#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace millrace::syntax {

enum class TokenKind : uint8_t {
  kWord,        ///< a keyword or a plain name
  kQuotedName,  ///< `name`
  kInteger,
  kDecimal,      ///< 1.5
  kApproximate,  ///< 1.5e3
  kString,       ///< 'text', U&'text'
  kBinary,       ///< X'00ff'
  kSymbol,       ///< an operator or a punctuation mark, also "/*+" and the "*/" that ends it
  kInvalid,      ///< what the lexer cannot read; `value` says why
  kEnd,
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string_view text;  ///< as written
  std::string value;      ///< of kQuotedName, kString, kBinary: resolved; of kInvalid: the message
  std::string hint;       ///< of kInvalid
  size_t begin = 0;       ///< byte offset of `text`
  Position position;      ///< columns count code points

  size_t end() const { return begin + text.size(); }

  /// A word, whatever its case. `word` is upper case.
  bool IsWord(std::string_view word) const;
  /// A word, or a symbol.
  bool Is(std::string_view word_or_symbol) const;
};

}  // namespace millrace::syntax

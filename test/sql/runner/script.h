#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace millrace::sql_script {

/// A directive of a script with what belongs to it: `test/sql/README.md` tells what each does.
struct Record {
  enum class Kind {
    kStatementOk,
    kStatementError,
    kQuery,
    kChangelog,
    kFile,
    kLoad,
    kLet,
    kClock,
    kTopic,
    kInput,
    kOutput,
    kStart,
    kEmits,
    kBarrier,
    kCrash,
    kRestore,
  };
  Kind kind = Kind::kStatementOk;
  int line = 0;                       ///< of the directive, from 1
  std::string argument;               ///< behind the directive's name
  std::string text;                   ///< the lines below it, up to `----`
  std::vector<std::string> expected;  ///< the lines below `----`
  size_t expected_begin = 0;          ///< their place among the script's lines, with `----`
  size_t expected_end = 0;
};

struct Script {
  std::string path;
  std::vector<std::string> lines;
  std::vector<Record> records;
};

/// A user error with the line where a directive is unknown.
Result<Script> ParseScript(std::string path, std::string_view text);

/// The script's text with other expected lines, or another pattern, for the records of these
/// numbers.
std::string WithExpected(const Script& script,
                         const std::map<size_t, std::vector<std::string>>& expected);

}  // namespace millrace::sql_script

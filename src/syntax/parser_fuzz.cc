#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "syntax/interactive.h"
#include "syntax/parser.h"
#include "syntax/printer.h"

namespace {

using namespace millrace::syntax;

void Require(bool condition, std::string_view what, std::string_view sql) {
  if (condition) return;
  std::fprintf(stderr, "%.*s\n%.*s\n", static_cast<int>(what.size()), what.data(),
               static_cast<int>(sql.size()), sql.data());
  std::abort();
}

}  // namespace

/// Whatever can be read is printed so that it reads as the same tree.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view sql(reinterpret_cast<const char*>(data), size);
  IsComplete(sql);
  ExpectedAt(sql, size);
  const auto parsed = ParseScript(sql);
  if (!parsed.ok()) {
    Require(millrace::InfoOf(parsed.status()).position.known(), "an error without a position", sql);
    return 0;
  }
  const std::string printed = PrintScript(*parsed);
  const auto again = ParseScript(printed);
  Require(again.ok(), "what was printed cannot be read", printed);
  Require(*again == *parsed, "what was printed reads as something else", printed);
  Require(PrintScript(*again) == printed, "printing is not stable", printed);
  return 0;
}

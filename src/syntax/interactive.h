#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::syntax {

// What an interactive shell asks of the grammar.

/// Whether `text` ends with a terminated statement: its last token is a ';' outside strings,
/// comments and statement sets. False for blanks and comments alone.
bool IsComplete(std::string_view text);

/// The words that may stand in `text` at the byte `offset`, where the word that ends there begins
/// with them. Sorted. "<table>", "<column>", "<model>", "<function>", "<view>", "<database>",
/// "<catalog>", "<job>" and
/// "<option>" stand for the names that the caller knows; they are listed whatever the word is.
/// What stands behind `offset` does not count.
std::vector<std::string> ExpectedAt(std::string_view text, size_t offset);

}  // namespace millrace::syntax

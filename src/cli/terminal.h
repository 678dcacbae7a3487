#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <arrow/status.h>

namespace millrace::cli {

enum class Stream { kOut, kErr };

bool IsTerminal(Stream stream);
/// On a terminal, unless NO_COLOR is set.
bool HasColor(Stream stream);
int TerminalWidth();  ///< columns; 80 where unknown

enum class Style { kError, kWarning, kDim, kBold };
/// `text` in that style, or as it is where the stream has no colours.
std::string Styled(Stream stream, Style style, std::string_view text);

/// On stdout. Failures are kept for `FlushOutput`.
void Print(std::string_view text);
/// Fails where something did not get out, as do all later calls; Cancelled where nobody reads it
/// any more.
arrow::Status FlushOutput();

void PrintError(std::string_view text);    ///< "error: …" on stderr
void PrintWarning(std::string_view text);  ///< "warning: …" on stderr
void PrintNote(std::string_view text);     ///< a line on stderr

/// Undoes what an interrupted program may have left: a half-written line, a line editor's mode.
void RestoreTerminal();
/// Remembers the terminal's mode for `RestoreTerminal`.
void RememberTerminal();

/// "1,234,567".
std::string Grouped(int64_t number);
/// "950 ms", "12.3 s", "3 min 05 s".
std::string DurationText(int64_t us);

}  // namespace millrace::cli

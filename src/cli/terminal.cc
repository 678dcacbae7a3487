#include "cli/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>

#include <termios.h>

#include "base/error.h"

namespace millrace::cli {
namespace {

std::optional<termios>& RememberedMode() {
  static std::optional<termios> mode;
  return mode;
}

int& WriteError() {
  static int error = 0;
  return error;
}

const char* CodeOf(Style style) {
  switch (style) {
    case Style::kError:
      return "\033[1;31m";
    case Style::kWarning:
      return "\033[1;33m";
    case Style::kDim:
      return "\033[2m";
    case Style::kBold:
      return "\033[1m";
  }
  return "";
}

void PrintLine(std::string_view label, Style style, std::string_view text) {
  std::fflush(stdout);
  std::string line = label.empty() ? std::string() : Styled(Stream::kErr, style, label) + " ";
  line.append(text);
  line += '\n';
  std::fwrite(line.data(), 1, line.size(), stderr);
}

}  // namespace

bool IsTerminal(Stream stream) {
  return isatty(stream == Stream::kOut ? STDOUT_FILENO : STDERR_FILENO) == 1;
}

bool HasColor(Stream stream) {
  const char* no_color = std::getenv("NO_COLOR");
  return IsTerminal(stream) && (no_color == nullptr || *no_color == '\0');
}

int TerminalWidth() {
  winsize size{};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

std::string Styled(Stream stream, Style style, std::string_view text) {
  if (!HasColor(stream)) return std::string(text);
  return CodeOf(style) + std::string(text) + "\033[0m";
}

void Print(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() && WriteError() == 0) {
    WriteError() = errno;
  }
}

Status FlushOutput() {
  if (std::fflush(stdout) != 0 && WriteError() == 0) WriteError() = errno;
  if (WriteError() == 0) return Status::OK();
  if (WriteError() == EPIPE) return Status::Cancelled("nobody reads standard output");
  return Error::Transient(std::string("cannot write to standard output: ") +
                          std::strerror(WriteError()));
}

void PrintError(std::string_view text) { PrintLine("error:", Style::kError, text); }
void PrintWarning(std::string_view text) { PrintLine("warning:", Style::kWarning, text); }
void PrintNote(std::string_view text) { PrintLine({}, Style::kDim, text); }

void RememberTerminal() {
  termios mode{};
  if (tcgetattr(STDIN_FILENO, &mode) == 0) RememberedMode() = mode;
}

void RestoreTerminal() {
  if (RememberedMode()) tcsetattr(STDIN_FILENO, TCSANOW, &*RememberedMode());
  if (IsTerminal(Stream::kErr)) std::fputc('\n', stderr);
}

std::string Grouped(int64_t number) {
  std::string text = std::to_string(number);
  const size_t first = text.front() == '-' ? 1 : 0;
  for (size_t at = text.size(); at > first + 3;) {
    at -= 3;
    text.insert(at, ",");
  }
  return text;
}

std::string DurationText(int64_t us) {
  char text[48];
  if (us < 1'000'000) {
    std::snprintf(text, sizeof(text), "%lld ms", static_cast<long long>(us / 1000));
  } else if (us < 60'000'000) {
    std::snprintf(text, sizeof(text), "%.1f s", static_cast<double>(us) / 1e6);
  } else {
    const auto seconds = static_cast<long long>(us / 1'000'000);
    std::snprintf(text, sizeof(text), "%lld min %02lld s", seconds / 60, seconds % 60);
  }
  return text;
}

}  // namespace millrace::cli

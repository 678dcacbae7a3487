#pragma once

#include <initializer_list>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"

namespace millrace {

enum class LogLevel { kDebug, kInfo, kWarn, kError, kOff };

struct LogField {
  std::string_view key;
  std::string value;
};

/// One line on the log's stream (stderr unless set): time, level, component, message, key=value
/// pairs. Thread-safe; below the component's level it costs one relaxed load and a comparison.
void Log(LogLevel level, std::string_view component, std::string_view message,
         std::initializer_list<LogField> fields = {});

/// The level of a component ("runtime", "models.triton" …), or of all that have none of their own
/// (""). A component inherits from its longest dotted prefix. May be changed while running.
void SetLogLevel(std::string_view component, LogLevel level);
bool LogEnabled(LogLevel level, std::string_view component);

/// "debug", "info", "warn", "error" or "off", in any case.
Result<LogLevel> ParseLogLevel(std::string_view text);

/// Redirects the log; null restores stderr. For tests and the shell.
void SetLogStream(std::ostream* stream);

}  // namespace millrace

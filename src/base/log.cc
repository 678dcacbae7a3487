#include "base/log.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cctype>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <iostream>
#include <map>
#include <mutex>
#include <vector>

#include "base/suggest.h"

namespace millrace {
namespace {

constexpr std::array<std::string_view, 5> kNames = {"debug", "info", "warn", "error", "off"};
constexpr std::array<const char*, 4> kLabels = {"DEBUG", "INFO ", "WARN ", "ERROR"};

struct Logger {
  std::mutex mutex;
  std::map<std::string, LogLevel, std::less<>> levels{{"", LogLevel::kInfo}};
  std::ostream* stream = nullptr;
  std::atomic<LogLevel> lowest{LogLevel::kInfo};  ///< of all components
};

/// Never destroyed: threads may log while the process ends.
Logger& TheLogger() {
  static auto* logger = new Logger;
  return *logger;
}

/// Under the lock.
LogLevel LevelOf(const Logger& logger, std::string_view component) {
  while (true) {
    if (const auto at = logger.levels.find(component); at != logger.levels.end()) return at->second;
    const size_t dot = component.rfind('.');
    component = dot == std::string_view::npos ? std::string_view() : component.substr(0, dot);
  }
}

std::string Timestamp() {
  const auto now = std::chrono::system_clock::now();
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  const auto millis =
      std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count() % 1000;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  std::array<char, 40> text{};
  const size_t n = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &utc);
  std::snprintf(text.data() + n, text.size() - n, ".%03dZ", static_cast<int>(millis));
  return text.data();
}

/// One line stays one line: a record's text cannot forge another.
void AppendEscaped(std::string_view text, bool quotes, std::string* out) {
  for (const char c : text) {
    if (c == '\n') {
      *out += "\\n";
    } else if (c == '\r') {
      *out += "\\r";
    } else if (quotes && (c == '"' || c == '\\')) {
      (*out += '\\') += c;
    } else if (static_cast<unsigned char>(c) < 0x20 && c != '\t') {
      *out += '?';
    } else {
      *out += c;
    }
  }
}

void AppendField(const LogField& field, std::string* out) {
  ((*out += ' ') += field.key) += '=';
  const bool quoted =
      field.value.empty() || field.value.find_first_of(" \t\r\n\"=") != std::string::npos;
  if (quoted) *out += '"';
  AppendEscaped(field.value, quoted, out);
  if (quoted) *out += '"';
}

}  // namespace

void Log(LogLevel level, std::string_view component, std::string_view message,
         std::initializer_list<LogField> fields) {
  if (!LogEnabled(level, component)) return;
  std::string line = Timestamp() + ' ' + kLabels[static_cast<size_t>(level)] + ' ';
  (line += component) += ": ";
  AppendEscaped(message, false, &line);
  for (const LogField& field : fields) AppendField(field, &line);
  line += '\n';
  Logger& logger = TheLogger();
  std::lock_guard lock(logger.mutex);
  (logger.stream == nullptr ? std::cerr : *logger.stream) << line << std::flush;
}

void SetLogLevel(std::string_view component, LogLevel level) {
  Logger& logger = TheLogger();
  std::lock_guard lock(logger.mutex);
  logger.levels[std::string(component)] = level;
  const auto lowest =
      std::min_element(logger.levels.begin(), logger.levels.end(),
                       [](const auto& a, const auto& b) { return a.second < b.second; });
  logger.lowest.store(lowest->second, std::memory_order_relaxed);
}

bool LogEnabled(LogLevel level, std::string_view component) {
  Logger& logger = TheLogger();
  if (level < logger.lowest.load(std::memory_order_relaxed) || level >= LogLevel::kOff)
    return false;
  std::lock_guard lock(logger.mutex);
  return level >= LevelOf(logger, component);
}

Result<LogLevel> ParseLogLevel(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  for (size_t i = 0; i < kNames.size(); ++i) {
    if (lower == kNames[i]) return static_cast<LogLevel>(i);
  }
  const std::vector<std::string> names(kNames.begin(), kNames.end());
  return Error::User("'" + std::string(text) + "' is not a log level").Hint(Suggest(text, names));
}

void SetLogStream(std::ostream* stream) {
  Logger& logger = TheLogger();
  std::lock_guard lock(logger.mutex);
  logger.stream = stream;
}

}  // namespace millrace

#include "script.h"

#include <sstream>
#include <utility>

#include "base/suggest.h"

namespace millrace::sql_script {
namespace {

constexpr std::string_view kExpected = "----";

constexpr std::pair<std::string_view, Record::Kind> kDirectives[] = {
    {"statement ok", Record::Kind::kStatementOk},
    {"statement error", Record::Kind::kStatementError},
    {"query", Record::Kind::kQuery},
    {"changelog", Record::Kind::kChangelog},
    {"file", Record::Kind::kFile},
    {"load", Record::Kind::kLoad},
    {"let", Record::Kind::kLet},
    {"clock", Record::Kind::kClock},
    {"topic", Record::Kind::kTopic},
    {"input", Record::Kind::kInput},
    {"output", Record::Kind::kOutput},
    {"start", Record::Kind::kStart},
    {"emits", Record::Kind::kEmits},
    {"barrier", Record::Kind::kBarrier},
    {"crash", Record::Kind::kCrash},
    {"restore", Record::Kind::kRestore},
};

Result<Record> ParseDirective(const std::string& path, const std::string& line, int number) {
  for (const auto& [name, kind] : kDirectives) {
    if (!line.starts_with(name)) continue;
    if (line.size() > name.size() && line[name.size()] != ' ') continue;
    Record record;
    record.kind = kind;
    record.line = number;
    if (line.size() > name.size()) record.argument = line.substr(name.size() + 1);
    return record;
  }
  std::vector<std::string> names;
  for (const auto& directive : kDirectives) names.emplace_back(directive.first);
  return Error::User("unknown directive '" + line + "'")
      .In(path + ":" + std::to_string(number))
      .Hint(Suggest(line, names));
}

}  // namespace

Result<Script> ParseScript(std::string path, std::string_view text) {
  Script script;
  script.path = std::move(path);
  std::istringstream stream{std::string(text)};
  for (std::string line; std::getline(stream, line);) script.lines.push_back(line);

  const auto& lines = script.lines;
  size_t at = 0;
  while (at < lines.size()) {
    if (lines[at].empty() || lines[at].starts_with('#')) {
      ++at;
      continue;
    }
    ARROW_ASSIGN_OR_RAISE(Record record,
                          ParseDirective(script.path, lines[at], static_cast<int>(at) + 1));
    for (++at; at < lines.size() && !lines[at].empty() && lines[at] != kExpected; ++at) {
      record.text += lines[at] + '\n';
    }
    record.expected_begin = at;
    if (at < lines.size() && lines[at] == kExpected) {
      for (++at; at < lines.size() && !lines[at].empty(); ++at)
        record.expected.push_back(lines[at]);
    }
    record.expected_end = at;
    script.records.push_back(std::move(record));
  }
  return script;
}

std::string WithExpected(const Script& script,
                         const std::map<size_t, std::vector<std::string>>& expected) {
  std::string text;
  size_t at = 0;
  const auto copy_until = [&](size_t end) {
    for (; at < end; ++at) text += script.lines[at] + '\n';
  };
  for (const auto& [number, lines] : expected) {
    const Record& record = script.records[number];
    if (record.kind == Record::Kind::kStatementError) {
      copy_until(static_cast<size_t>(record.line) - 1);
      text += "statement error " + lines.front() + '\n';
      ++at;
      continue;
    }
    copy_until(record.expected_begin);
    text += std::string(kExpected) + '\n';
    for (const std::string& line : lines) text += line + '\n';
    at = record.expected_end;
  }
  copy_until(script.lines.size());
  return text;
}

}  // namespace millrace::sql_script

#include "runner.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <regex>
#include <sstream>

#include "base/env.h"
#include "base/files.h"
#include "types/value_text.h"

namespace millrace::sql_script {
namespace {

std::string Join(const std::vector<std::string>& lines, std::string_view before) {
  std::string text;
  for (const std::string& line : lines) text += "\n" + std::string(before) + line;
  return text;
}

/// "- expected" and "+ actual" for the lines that only one of them has.
std::string Diff(std::vector<std::string> expected, std::vector<std::string> actual) {
  std::ranges::sort(expected);
  std::ranges::sort(actual);
  std::vector<std::string> missing, extra;
  std::ranges::set_difference(expected, actual, std::back_inserter(missing));
  std::ranges::set_difference(actual, expected, std::back_inserter(extra));
  if (missing.empty() && extra.empty()) return "\n  the same lines in another order";
  return Join(missing, "  - ") + Join(extra, "  + ");
}

std::vector<std::string> Sorted(std::vector<std::string> lines) {
  std::ranges::sort(lines);
  return lines;
}

constexpr std::string_view kAnyError = ".";

/// A pattern for the first line of a text.
std::string Escaped(std::string_view text) {
  std::string pattern;
  for (const char c : text.substr(0, text.find('\n'))) {
    if (std::string_view("^$\\.*+?()[]{}|").find(c) != std::string_view::npos) pattern += '\\';
    pattern += c;
  }
  return pattern;
}

class Run {
 public:
  Run(const Script& script, World& world) : script_(script), world_(world) {}

  Report Everything() {
    for (size_t i = 0; i < script_.records.size(); ++i) {
      const Record& record = script_.records[i];
      world_.site().trace.Add("line", static_cast<uint64_t>(record.line));
      if (const std::string failure = Do(i, record); !failure.empty()) {
        report_.failures.push_back(script_.path + ":" + std::to_string(record.line) + ": " +
                                   failure);
      }
    }
    Site& site = world_.site();
    for (const std::string& violation : site.models.violations()) {
      report_.failures.push_back(script_.path + ": " + violation);
    }
    report_.crashes = site.crashes;
    report_.restores = site.restores;
    report_.restarts = site.restarts;
    report_.barriers = site.barriers;
    report_.trace = std::move(site.trace);
    return std::move(report_);
  }

 private:
  /// Empty where the record is as it says.
  std::string Do(size_t number, const Record& record) {
    const std::string text = Expand(record.text);
    const std::string argument = Expand(record.argument);
    switch (record.kind) {
      case Record::Kind::kFile:
        world_.PutFile(argument, text);
        return {};
      case Record::Kind::kLoad:
        return Load(argument);
      case Record::Kind::kLet:
        return Let(argument);
      case Record::Kind::kClock:
        return SetClock(argument);
      case Record::Kind::kTopic:
        return MakeTopic(argument);
      case Record::Kind::kInput:
        return TextOf(world_.Input(argument, LinesOf(text)));
      case Record::Kind::kOutput:
        return ExpectOutput(number, record, argument);
      case Record::Kind::kStart:
        started_ = expected_ = {};
        in_order_ = true;
        return TextOf(world_.Start(text));
      case Record::Kind::kEmits:
        return ExpectEmitted(number, record);
      case Record::Kind::kBarrier:
        return OfJob([](SimulatedJob& job) { return job.Barrier(); });
      case Record::Kind::kCrash:
        return OfJob([](SimulatedJob& job) { return job.Crash(); });
      case Record::Kind::kRestore:
        return Restore(argument);
      default:
        break;
    }
    const auto answer = world_.Execute(text);
    if (record.kind == Record::Kind::kStatementError) {
      if (argument == kAnyError && !answer.ok()) {
        report_.answers[number] = {Escaped(Describe(answer.status()))};
      }
      return ExpectError(argument, answer.status());
    }
    if (!answer.ok()) return Describe(answer.status());
    if (record.kind == Record::Kind::kStatementOk) return {};
    return record.kind == Record::Kind::kQuery ? ExpectRows(number, record, *answer)
                                               : ExpectChanges(number, record, *answer);
  }

  static std::string TextOf(const Status& status) {
    return status.ok() ? std::string() : Describe(status);
  }

  std::string Expand(std::string text) const {
    for (const auto& [name, value] : variables_) {
      for (size_t at = 0; (at = text.find(name, at)) != std::string::npos; at += value.size()) {
        text.replace(at, name.size(), value);
      }
    }
    return text;
  }

  std::string Load(const std::string& path) {
    const auto env = MakeSystemEnv(1);
    const auto content = ReadFile(env->files(), path);
    if (content.ok()) world_.PutFile(path, *content);
    return TextOf(content.status());
  }

  std::string Let(const std::string& definition) {
    const size_t equals = definition.find(" = ");
    if (equals == std::string::npos) return "expected: let name = value";
    variables_["${" + definition.substr(0, equals) + "}"] = definition.substr(equals + 3);
    return {};
  }

  std::string SetClock(const std::string& text) {
    TimestampText time;
    if (!ParseTimestamp(text, &time)) {
      return "'" + text + "' is no time; expected: clock 2024-01-01 00:00:00";
    }
    return TextOf(world_.SetClock(time.us));
  }

  static std::vector<std::string> LinesOf(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) lines.push_back(line);
    return lines;
  }

  std::string MakeTopic(const std::string& argument) {
    std::istringstream words(argument);
    std::string name;
    int32_t partitions = 1;
    words >> name;
    if (!words.eof() && !(words >> partitions)) return "expected: topic NAME [PARTITIONS]";
    world_.site().kafka->CreateTopic(name, partitions);
    return {};
  }

  std::string OfJob(const std::function<Status(SimulatedJob&)>& act) {
    const auto job = world_.stream();
    return TextOf(job.ok() ? act(**job) : job.status());
  }

  std::string Restore(const std::string& argument) {
    constexpr std::string_view kParallelism = "parallelism=";
    std::optional<int> parallelism;
    if (argument.starts_with(kParallelism)) {
      parallelism = std::atoi(argument.c_str() + kParallelism.size());
    }
    if (!argument.empty() && parallelism.value_or(0) < 1) {
      return "expected: restore [parallelism=N]";
    }
    if (parallelism.value_or(1) > 1) in_order_ = false;
    return OfJob([&](SimulatedJob& job) { return job.GoOn(parallelism); });
  }

  std::string ExpectOutput(size_t number, const Record& record, const std::string& topic) {
    auto lines = world_.Output(topic);
    if (!lines.ok()) return Describe(lines.status());
    report_.answers[number] = *lines;
    return Compare(record.expected, *lines, false);
  }

  /// The changes since the last look; where batches differ, what all of them leave.
  std::string ExpectEmitted(size_t number, const Record& record) {
    const auto job = world_.stream();
    if (!job.ok()) return Describe(job.status());
    if (const Status settled = (*job)->Settle(); !settled.ok()) return Describe(settled);
    const Changes emitted = (*job)->TakeChanges();
    std::vector<std::string> lines;
    for (const Change& change : emitted.rows) lines.push_back(SignedLineOf(change));
    report_.answers[number] = lines;
    Changes expected{emitted.mode, emitted.key, {}};
    for (const std::string& line : record.expected) {
      auto change = ParseSignedLine(line);
      if (!change.ok()) return Describe(change.status());
      expected.rows.push_back(*std::move(change));
    }
    if (world_.configuration().exact()) return Compare(record.expected, lines, in_order_);
    return CompareWhatIsLeft(expected, emitted);
  }

  std::string CompareWhatIsLeft(const Changes& expected, const Changes& emitted) {
    for (auto [all, more] : {std::pair(&expected_, &expected), std::pair(&started_, &emitted)}) {
      all->mode = more->mode;
      all->key = more->key;
      all->rows.insert(all->rows.end(), more->rows.begin(), more->rows.end());
    }
    const auto left_expected = Materialize(expected_);
    const auto left = Materialize(started_);
    if (!left_expected.ok()) return Describe(left_expected.status());
    if (!left.ok()) return Describe(left.status());
    return Compare(*left_expected, *left, false);
  }

  static std::string ExpectError(const std::string& pattern, const Status& status) {
    if (status.ok()) return "expected an error like /" + pattern + "/, but it succeeded";
    const std::string text = Describe(status);
    if (std::regex_search(text, std::regex(pattern))) return {};
    return "expected an error like\n  " + pattern + "\nbut it is\n  " + text;
  }

  std::string Compare(const std::vector<std::string>& expected,
                      const std::vector<std::string>& actual, bool ordered) {
    if (ordered ? expected == actual : Sorted(expected) == Sorted(actual)) return {};
    return "the answer is not as expected (- expected, + actual)" + Diff(expected, actual);
  }

  std::string ExpectRows(size_t number, const Record& record, const Answer& answer) {
    if (answer.kind == Answer::Kind::kNothing) return "the statement has no rows";
    std::vector<std::string> lines = answer.lines;
    const bool is_query = answer.kind == Answer::Kind::kChanges;
    if (is_query) {
      auto rows = Materialize(answer.changes);
      if (!rows.ok()) return Describe(rows.status());
      lines = *std::move(rows);
    }
    report_.answers[number] = lines;
    return Compare(record.expected, lines, !is_query);
  }

  std::string ExpectChanges(size_t number, const Record& record, const Answer& answer) {
    if (answer.kind != Answer::Kind::kChanges) return "only a SELECT has a changelog";
    std::vector<std::string> lines;
    for (const Change& change : answer.changes.rows) lines.push_back(SignedLineOf(change));
    report_.answers[number] = lines;
    if (world_.configuration().exact()) return Compare(record.expected, lines, true);
    Changes expected{answer.changes.mode, answer.changes.key, {}};
    for (const std::string& line : record.expected) {
      auto change = ParseSignedLine(line);
      if (!change.ok()) return Describe(change.status());
      expected.rows.push_back(*std::move(change));
    }
    const auto left_expected = Materialize(expected);
    const auto left = Materialize(answer.changes);
    if (!left_expected.ok()) return Describe(left_expected.status());
    if (!left.ok()) return Describe(left.status());
    return Compare(*left_expected, *left, false);
  }

  const Script& script_;
  World& world_;
  std::map<std::string, std::string> variables_;
  bool in_order_ = true;  ///< the job that was started has had no subtasks beside each other
  Changes started_;       ///< of the job that was started, all that it gave
  Changes expected_;      ///< of it, all that was expected
  Report report_;
};

}  // namespace

Report RunScript(const Script& script, const Configuration& configuration) {
  auto world = World::Make(configuration);
  return Run(script, *world).Everything();
}

}  // namespace millrace::sql_script

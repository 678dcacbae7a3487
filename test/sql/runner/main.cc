// Runs the SQL scripts of a folder: each script in each configuration is a test of its own.
//
//   sql_scripts [--complete] [--seeds N [--first-seed K]] [--barriers | --barrier K]
//   [FOLDER|SCRIPT…]
//               [options of GoogleTest]
//
// --complete: instead writes what each statement answered into the scripts as what is expected.
// --seeds: instead runs each script with N seeds from K on, each of which chooses everything.
// --barriers: instead crashes each script's jobs with a checkpoint after each of their steps;
// --barrier: after the K-th.

#include <algorithm>
#include <cctype>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <optional>
#include <sstream>

#include <arrow/compute/initialize.h>
#include <gtest/gtest.h>

#include "examples.h"
#include "runner.h"
#include "seeds.h"

namespace millrace::sql_script {
namespace {

namespace fs = std::filesystem;

/// In which the expected lines are written: it shows every change.
const Configuration kExact = {.name = "rows_1_tasks_1", .batch_rows = 1};

/// All jobs take more.
constexpr int64_t kEarlyStep = 5;

std::vector<Configuration> Matrix() {
  std::vector<Configuration> matrix = {kExact};
  for (const int rows : {1, 3, 1024}) {
    for (const int tasks : {1, 4}) {
      if (rows == 1 && tasks == 1) continue;
      const std::string name = "rows_" + std::to_string(rows) + "_tasks_" + std::to_string(tasks);
      matrix.push_back({.name = name, .batch_rows = rows, .parallelism = {tasks}});
    }
  }
  matrix.push_back({.name = "json", .through_json = true});
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    matrix.push_back({.name = "crash_" + std::to_string(seed),
                      .batch_rows = seed == 1 ? 1 : 3,
                      .parallelism = {4, 3, 1, 5},
                      .seed = seed});
  }
  for (const int64_t step : {kEarlyStep, int64_t{15}, int64_t{40}}) {
    matrix.push_back(WithBarrierAt(step));
  }
  return matrix;
}

std::vector<fs::path> ScriptsIn(const std::vector<std::string>& arguments) {
  std::vector<fs::path> scripts;
  for (const fs::path argument : arguments) {
    if (!fs::is_directory(argument)) {
      scripts.push_back(argument);
      continue;
    }
    for (const auto& entry : fs::directory_iterator(argument)) {
      if (entry.path().extension() == ".slt") scripts.push_back(entry.path());
    }
  }
  std::ranges::sort(scripts);
  return scripts;
}

Script ReadScriptOrExit(const fs::path& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  auto script = ParseScript(path.string(), text.str());
  if (file && script.ok()) return *std::move(script);
  std::cerr << (file ? Describe(script.status()) : "cannot read " + path.string()) << '\n';
  std::exit(2);
}

int Complete(const std::vector<fs::path>& paths) {
  bool failed = false;
  for (const fs::path& path : paths) {
    const Script script = ReadScriptOrExit(path);
    const Report report = RunScript(script, kExact);
    for (const std::string& failure : report.failures) {
      if (failure.find("not as expected") != std::string::npos) continue;
      std::cerr << failure << '\n';
      failed = true;
    }
    std::ofstream(path) << WithExpected(script, report.answers);
  }
  return failed ? 1 : 0;
}

std::string TestName(std::string text) {
  std::ranges::replace_if(text, [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
  return text;
}

class Test final : public testing::Test {
 public:
  explicit Test(std::function<void()> body) : body_(std::move(body)) {}
  void TestBody() override { body_(); }

 private:
  const std::function<void()> body_;
};

void AddTest(const std::string& suite, const std::string& name, std::function<void()> body) {
  testing::RegisterTest(suite.c_str(), name.c_str(), nullptr, nullptr, __FILE__, __LINE__,
                        [body = std::move(body)]() -> testing::Test* { return new Test(body); });
}

void AddScripts(const std::vector<fs::path>& paths) {
  for (const fs::path& path : paths) {
    const auto script = std::make_shared<const Script>(ReadScriptOrExit(path));
    for (const Configuration& configuration : Matrix()) {
      AddTest(TestName(path.stem().string()), configuration.name, [script, configuration] {
        const Report report = RunScript(*script, configuration);
        if (configuration.barrier_at == kEarlyStep && report.barriers > 0) {
          EXPECT_GT(report.restores, 0) << "the crashes prove nothing";
        }
        for (const std::string& failure : report.failures) {
          ADD_FAILURE() << failure << "\nwith " << configuration.name;
        }
      });
    }
  }
}

void AddExamples() {
  for (const std::string& function : FunctionsWithExamples()) {
    AddTest("FunctionExamples", function, [function] {
      const auto world = World::Make({.name = "examples"});
      for (const std::string& failure : CheckExamples(function, *world)) {
        ADD_FAILURE() << failure;
      }
    });
  }
}

/// Takes "--name VALUE" or "--name=VALUE" out of the arguments; nothing where it is not there.
std::optional<uint64_t> TakeNumber(const std::string& name, std::vector<std::string>* arguments) {
  for (auto at = arguments->begin(); at != arguments->end(); ++at) {
    std::string value;
    auto end = at + 1;
    if (at->starts_with(name + "=")) {
      value = at->substr(name.size() + 1);
    } else if (*at == name && end != arguments->end()) {
      value = *end++;
    } else {
      continue;
    }
    uint64_t number = 0;
    const char* last = value.data() + value.size();
    const auto parsed = std::from_chars(value.data(), last, number);
    if (parsed.ec != std::errc() || parsed.ptr != last) {
      std::cerr << name << " takes a number, not '" << value << "'\n";
      std::exit(2);
    }
    arguments->erase(at, end);
    return number;
  }
  return std::nullopt;
}

int Main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  std::vector<std::string> arguments(argv + 1, argv + argc);
  const bool complete = std::erase(arguments, "--complete") > 0;
  const auto seeds = TakeNumber("--seeds", &arguments);
  const auto first_seed = TakeNumber("--first-seed", &arguments);
  const bool barriers = std::erase(arguments, "--barriers") > 0;
  const auto barrier = TakeNumber("--barrier", &arguments);
  const bool everything = arguments.empty();
  if (everything) arguments = {"test/sql"};
  const auto scripts = ScriptsIn(arguments);
  if (scripts.empty()) {
    std::cerr << "no scripts in " << arguments.front() << '\n';
    return 2;
  }
  if (const auto status = arrow::compute::Initialize(); !status.ok()) {
    std::cerr << status.ToString() << '\n';
    return 1;
  }
  if (complete) return Complete(scripts);
  if (seeds || barriers || barrier) {
    std::vector<Script> parsed;
    for (const fs::path& path : scripts) parsed.push_back(ReadScriptOrExit(path));
    const bool clean =
        seeds ? RunSeeds(parsed, {first_seed.value_or(1), *seeds}, argv[0], std::cout)
              : RunBarriers(parsed, static_cast<int64_t>(barrier.value_or(0)), argv[0], std::cout);
    return clean ? 0 : 1;
  }
  AddScripts(scripts);
  if (everything) AddExamples();
  return RUN_ALL_TESTS();
}

}  // namespace
}  // namespace millrace::sql_script

int main(int argc, char** argv) { return millrace::sql_script::Main(argc, argv); }

// The client of `millrace serve`: millrace job …, millrace savepoint, millrace log-level.

#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "base/env.h"
#include "base/error.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/state_folder.h"
#include "cli/terminal.h"
#include "net/http.h"

namespace millrace::cli {
namespace {

using nlohmann::json;

struct JobOptions {
  std::string server = "http://127.0.0.1:" + std::to_string(kServicePort);
  std::string name;
  std::string file;                 ///< submit
  std::vector<std::string> set;     ///< submit
  std::vector<std::string> levels;  ///< log-level: "component=level"
  std::string folder;               ///< savepoint, stop
  std::string restore_from;         ///< submit, start
};
using JobOptionsPtr = std::shared_ptr<JobOptions>;

/// The pairs of "key=value"; a user error with the `example`.
Result<json> PairsOf(const std::vector<std::string>& given, const char* example) {
  json pairs = json::object();
  for (const std::string& pair : given) {
    const size_t equals = pair.find('=');
    if (equals == std::string::npos) return Error::User("'" + pair + "' has no '='").Hint(example);
    pairs[pair.substr(0, equals)] = pair.substr(equals + 1);
  }
  return pairs;
}

/// The service's answer; its refusal as an error.
Result<json> Send(const JobOptions& options, HttpMethod method, const std::string& path,
                  const json& body) {
  HttpRequest request;
  request.method = method;
  request.url = options.server + path;
  request.timeout_us = 600'000'000;  // a savepoint may be large
  request.check_command = "millrace serve";
  const char* token = std::getenv("MILLRACE_TOKEN");
  if (token != nullptr && *token != '\0') {
    request.headers.push_back({"Authorization", "Bearer " + std::string(token)});
  }
  if (method == HttpMethod::kPost || method == HttpMethod::kPut) {
    request.headers.push_back({"Content-Type", "application/json"});
    request.body = {HttpPiece::Of(body.dump())};
  }
  const HttpResult result = SendAndWait(HttpClient::Shared(), std::move(request));
  ARROW_RETURN_NOT_OK(result.status);
  json answer = json::parse(result.response.body, nullptr, false);
  if (answer.is_discarded()) {
    return Error::User(options.server + " answered what is no JSON: is it a `millrace serve`?");
  }
  if (result.response.status < 400) return answer;
  return Error::User(answer.value("error", "the service refused"))
      .At({answer.value("line", 0), answer.value("column", 0)})
      .Hint(answer.value("hint", ""));
}

/// Of the service's jobs.
Result<json> Ask(const JobOptions& options, HttpMethod method, const std::string& path,
                 const json& body = json::object()) {
  return Send(options, method, "/v1/jobs" + path, body);
}

int Report(const Status& status, const std::string& sql = {}) {
  if (status.ok()) return kOk;
  PrintError(DescribeIn(status, sql));
  return kFailed;
}

int List(const JobOptions& options) {
  const auto answer = Ask(options, HttpMethod::kGet, "");
  if (!answer.ok()) return Report(answer.status());
  for (const json& job : (*answer)["jobs"]) {
    const std::string phase = job["phase"];
    Print(job["name"].get<std::string>() + "  " + phase + "  " +
          Grouped(job["rows_read"].get<int64_t>()) + " rows read, " +
          Grouped(job["rows_written"].get<int64_t>()) + " written\n");
  }
  return kOk;
}

int Show(const JobOptions& options) {
  const auto answer = Ask(options, HttpMethod::kGet, '/' + options.name);
  if (!answer.ok()) return Report(answer.status());
  Print(answer->dump(2) + '\n');
  return kOk;
}

int Submit(const JobOptions& options) {
  const auto env = MakeSystemEnv(1);
  const auto sql = ReadFile(env->files(), options.file);
  if (!sql.ok()) {
    PrintError(Describe(sql.status()));
    return kUsage;
  }
  const auto settings = PairsOf(options.set, "--set key=value");
  if (!settings.ok()) {
    PrintError(Describe(settings.status()));
    return kUsage;
  }
  const auto answer = Ask(options, HttpMethod::kPost, "",
                          {{"name", options.name},
                           {"sql", *sql},
                           {"settings", *settings},
                           {"restore_from", options.restore_from}});
  if (!answer.ok()) return Report(answer.status(), *sql);
  PrintNote("Job '" + options.name + "' runs.");
  return kOk;
}

int Start(const JobOptions& options) {
  const auto answer = Ask(options, HttpMethod::kPost, '/' + options.name + "/start",
                          {{"restore_from", options.restore_from}});
  if (!answer.ok()) return Report(answer.status());
  PrintNote("Job '" + options.name + "' runs.");
  return kOk;
}

/// "savepoint" or "stop": the savepoint's path on stdout.
int Save(const JobOptions& options, const std::string& action) {
  const auto answer = Ask(options, HttpMethod::kPost, '/' + options.name + '/' + action,
                          {{"folder", options.folder}});
  if (!answer.ok()) return Report(answer.status());
  Print(answer->value("savepoint", "") + '\n');
  return kOk;
}

int Cancel(const JobOptions& options) {
  return Report(Ask(options, HttpMethod::kPost, '/' + options.name + "/cancel").status());
}

int Remove(const JobOptions& options) {
  return Report(Ask(options, HttpMethod::kDelete, '/' + options.name).status());
}

int SetLevels(const JobOptions& options) {
  const auto levels = PairsOf(options.levels, "millrace log-level runtime=debug");
  if (!levels.ok()) {
    PrintError(Describe(levels.status()));
    return kUsage;
  }
  return Report(Send(options, HttpMethod::kPut, "/v1/log-levels", *levels).status());
}

/// A command with what all of them have.
CLI::App* Add(CLI::App& parent, const char* name, const char* doc, const JobOptionsPtr& options,
              Action* action, std::function<int(const JobOptions&)> work) {
  CLI::App* command = parent.add_subcommand(name, doc);
  command->add_option("--server", options->server, "Address of `millrace serve`")
      ->capture_default_str();
  command->callback([options, action, work = std::move(work)] {
    *action = [options, work] { return work(*options); };
  });
  return command;
}

void AddName(CLI::App* command, const JobOptionsPtr& options) {
  command->add_option("NAME", options->name, "The job")->required();
}

void AddFolder(CLI::App* command, const JobOptionsPtr& options) {
  command->add_option("--folder", options->folder,
                      "Folder of the savepoint, on the service's machine (default: the "
                      "service's)");
}

void AddRestore(CLI::App* command, const JobOptionsPtr& options, const char* otherwise) {
  command
      ->add_option(
          "--restore", options->restore_from,
          "Begin with this savepoint or checkpoint (default: " + std::string(otherwise) + ")")
      ->type_name("PATH");
}

}  // namespace

void AddJobCommands(CLI::App& program, Action* action) {
  const auto options = std::make_shared<JobOptions>();
  CLI::App& job = *program.add_subcommand("job", "Jobs of a service (`millrace serve`)");
  job.require_subcommand(1);
  Add(job, "list", "All jobs", options, action, List);
  CLI::App* submit = Add(job, "submit", "Keep a script's job running", options, action, Submit);
  AddName(submit, options);
  submit->add_option("FILE", options->file, "The script, with one job")->required();
  submit->add_option("--set", options->set, "A setting, as by SET before the script")
      ->type_name("KEY=VALUE");
  AddRestore(submit, options, "nothing");
  AddName(Add(job, "show", "All about a job, as JSON", options, action, Show), options);
  CLI::App* start = Add(job, "start", "Run a job that does not run", options, action, Start);
  AddName(start, options);
  AddRestore(start, options, "where it stopped");
  CLI::App* stop = Add(job, "stop", "Save a job's state, then end its run", options, action,
                       [](const JobOptions& o) { return Save(o, "stop"); });
  AddName(stop, options);
  AddFolder(stop, options);
  AddName(Add(job, "cancel", "End a job's run", options, action, Cancel), options);
  AddName(Add(job, "remove", "Forget a job that does not run", options, action, Remove), options);

  CLI::App* savepoint =
      Add(program, "savepoint", "Save the state of a service's job; prints where", options, action,
          [](const JobOptions& o) { return Save(o, "savepoint"); });
  AddName(savepoint, options);
  AddFolder(savepoint, options);

  Add(program, "log-level", "Change what a running service logs, by component", options, action,
      SetLevels)
      ->add_option("COMPONENT=LEVEL", options->levels,
                   "Such as runtime=debug; levels are debug, info, warn, error, off")
      ->required();
}

}  // namespace millrace::cli

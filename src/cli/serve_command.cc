#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include <CLI/CLI.hpp>

#include "base/log.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/interrupts.h"
#include "cli/script.h"
#include "cli/state_folder.h"
#include "cli/terminal.h"
#include "server/gateway.h"
#include "server/http_server.h"
#include "server/influx_reporter.h"
#include "server/job_service.h"
#include "session/session_impl.h"

namespace millrace::cli {
namespace {

constexpr char kTokenVariable[] = "MILLRACE_TOKEN";
constexpr char kInfluxTokenVariable[] = "MILLRACE_INFLUX_TOKEN";

struct ServeOptions {
  std::string folder;
  std::string host = "127.0.0.1";
  int port = kServicePort;
  std::string influx;
  double influx_seconds = 10;
  ScriptOptions settings;
};

bool IsLoopback(const std::string& host) {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

int Fail(const std::string& text, ExitCode code = kFailed) {
  PrintError(text);
  return code;
}

std::string VariableOrEmpty(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

int Serve(const ServeOptions& options) {
  const std::string token = VariableOrEmpty(kTokenVariable);
  if (token.empty() && !IsLoopback(options.host)) {
    return Fail("a service that others can reach needs a token\n  hint: set " +
                    std::string(kTokenVariable) + ", or listen at 127.0.0.1",
                kUsage);
  }
  const std::string folder = options.folder.empty() ? StateFolder("service") : options.folder;
  if (folder.empty()) {
    return Fail("there is no folder for the service's jobs\n  hint: name one with --data", kUsage);
  }
  ScriptSession script;  // checks --set
  if (const int code = script.Start(options.settings, false); code != kOk) return code;
  Engine& engine = script.session().impl().engine();

  auto jobs = JobService::Open(
      {std::filesystem::absolute(folder).string(), script.session().impl().settings().Written()},
      engine.env());
  if (!jobs.ok()) return Fail(Describe(jobs.status()));
  const Gateway gateway(**jobs, engine, token);
  HttpServerOptions http;
  http.name = "the service";
  http.component = "server.http";
  http.host = options.host;
  http.port = options.port;
  http.threads = 4;  // they wait for savepoints and compilations
  http.max_request_bytes = size_t{16} << 20;
  auto server = HttpServer::Start(
      std::move(http), [&gateway](const ApiRequest& request) { return gateway.Answer(request); },
      engine.env());
  if (!server.ok()) return Fail(Describe(server.status()));
  PrintNote("serve: " + std::to_string((*jobs)->List().size()) + " jobs of " + folder +
            " at http://" + options.host + ":" + std::to_string((*server)->port()) +
            "  (Ctrl-C ends it; what runs goes on when it is started again)");
  std::shared_ptr<InfluxReporter> influx;
  if (!options.influx.empty()) {
    influx = std::make_shared<InfluxReporter>(
        InfluxOptions{options.influx, VariableOrEmpty(kInfluxTokenVariable),
                      static_cast<int64_t>(options.influx_seconds * 1e6)},
        [&gateway] { return gateway.Metrics(); }, HttpClient::Shared(), engine.env());
    influx->Start();
  }
  Interrupts::Wait();
  if (influx) influx->Stop();
  (*server)->Stop();
  return kOk;
}

}  // namespace

void AddServeCommand(CLI::App& program, Action* action) {
  auto options = std::make_shared<ServeOptions>();
  CLI::App* command =
      program.add_subcommand("serve", "Keep jobs running: a REST service for jobs and metrics");
  command->add_option("--data", options->folder,
                      "Folder of jobs, checkpoints and savepoints (default: the user's state "
                      "folder)");
  command
      ->add_option("--host", options->host,
                   "Address to listen on; beyond this machine only with a token in "
                   "$MILLRACE_TOKEN")
      ->capture_default_str();
  command->add_option("--port", options->port, "Port; 0: any free one")
      ->check(CLI::Range(0, 65535))
      ->capture_default_str();
  command->add_option("--influx", options->influx,
                      "URL that takes metrics in InfluxDB's line protocol, with its query: "
                      "http://host:8086/api/v2/write?org=o&bucket=b&precision=ms; its token is "
                      "$MILLRACE_INFLUX_TOKEN");
  command->add_option("--influx-interval", options->influx_seconds, "Seconds between two sendings")
      ->check(CLI::Range(0.1, 86400.0))
      ->capture_default_str();
  AddSetOption(*command, &options->settings);
  command->callback([options, action] { *action = [options] { return Serve(*options); }; });
}

}  // namespace millrace::cli

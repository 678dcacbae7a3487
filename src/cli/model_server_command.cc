#include <memory>

#include <CLI/CLI.hpp>

#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/interrupts.h"
#include "cli/terminal.h"
#include "server/model_server.h"
#include "session/session_impl.h"
#include <millrace/session.h>

namespace millrace::cli {
namespace {

int Serve(const ModelServerOptions& options) {
  const auto session = Session::Open({});
  if (!session.ok()) {
    PrintError(Describe(session.status()));
    return kFailed;
  }
  auto server = ModelServer::Start(options, (*session)->impl().engine());
  if (!server.ok()) {
    PrintError(Describe(server.status()));
    return kFailed;
  }
  PrintNote("model-server: serving " + options.repository + " at http://" + options.host + ":" +
            std::to_string((*server)->port()) +
            ((*server)->grpc_port() < 0
                 ? ""
                 : " and grpc://" + options.host + ":" + std::to_string((*server)->grpc_port())) +
            "  (Ctrl-C ends it)");
  Interrupts::Wait();
  (*server)->Stop();
  return kOk;
}

}  // namespace

void AddModelServerCommand(CLI::App& program, Action* action) {
  auto options = std::make_shared<ModelServerOptions>();
  CLI::App* command = program.add_subcommand(
      "model-server", "Serve a folder of ONNX models by the Open Inference Protocol");
  command
      ->add_option("--repository", options->repository,
                   "Folder of models, as Triton's: NAME/VERSION/model.onnx")
      ->required();
  command->add_option("--host", options->host, "Address to listen on")->capture_default_str();
  command->add_option("--port", options->port, "Port; 0: any free one")
      ->check(CLI::Range(0, 65535))
      ->capture_default_str();
  command->add_option("--grpc-port", options->grpc_port, "Port of gRPC; 0: any free one; -1: none")
      ->check(CLI::Range(-1, 65535))
      ->capture_default_str();
  command
      ->add_option("--threads", options->threads,
                   "Threads; 0: one per core, more where requests wait to be joined")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  command->add_option("--max-request-bytes", options->max_request_bytes, "Largest request taken")
      ->transform(CLI::AsSizeValue(false))
      ->capture_default_str();
  command->callback([options, action] { *action = [options] { return Serve(*options); }; });
}

}  // namespace millrace::cli

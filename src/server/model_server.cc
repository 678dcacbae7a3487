#include "server/model_server.h"

#include <utility>

#include "base/log.h"
#include "server/http_server.h"
#include "server/inference_api.h"
#include "server/model_repository.h"

namespace millrace {
namespace {

class HttpModelServer final : public ModelServer {
 public:
  HttpModelServer(std::unique_ptr<ModelRepository> repository, size_t max_request_bytes)
      : repository_(std::move(repository)), api_(*repository_, max_request_bytes) {}

  Status Listen(const ModelServerOptions& options, Env& env) {
    HttpServerOptions http;
    http.name = "the model server";
    http.component = "server.models";
    http.host = options.host;
    http.port = options.port;
    http.threads = options.threads;
    http.max_request_bytes = options.max_request_bytes;
    return HttpServer::Start(
               std::move(http), [this](const ApiRequest& request) { return api_.Answer(request); },
               env)
        .Value(&http_);
  }

  int port() const override { return http_->port(); }
  void Stop() override { http_->Stop(); }

 private:
  const std::unique_ptr<ModelRepository> repository_;
  const InferenceApi api_;
  std::unique_ptr<HttpServer> http_;
};

}  // namespace

Result<std::unique_ptr<ModelServer>> ModelServer::Start(const ModelServerOptions& options,
                                                        Services& services) {
  ARROW_ASSIGN_OR_RAISE(auto repository, ModelRepository::Open(options.repository, services));
  auto server = std::make_unique<HttpModelServer>(std::move(repository), options.max_request_bytes);
  ARROW_RETURN_NOT_OK(server->Listen(options, services.env()));
  Log(LogLevel::kInfo, "server.models", "listening",
      {{"host", options.host}, {"port", std::to_string(server->port())}});
  return server;
}

}  // namespace millrace

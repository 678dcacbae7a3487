#include "server/model_server.h"

#include <utility>

#include <arrow/buffer.h>

#include "base/log.h"
#include "base/metrics.h"
#include "server/grpc_inference.h"
#include "server/grpc_server.h"
#include "server/http_server.h"
#include "server/inference_api.h"
#include "server/model_repository.h"
#include "server/prometheus_text.h"

namespace millrace {
namespace {

/// Where requests wait for each other: a request that waits keeps its thread.
constexpr int kWaitingThreads = 32;

class HttpModelServer final : public ModelServer {
 public:
  HttpModelServer(std::unique_ptr<ModelRepository> repository, Env& env, size_t max_request_bytes)
      : repository_(std::move(repository)), api_(*repository_, env, max_request_bytes) {}

  Status Listen(const ModelServerOptions& options, Env& env) {
    HttpServerOptions http;
    http.name = "the model server";
    http.component = "server.models";
    http.host = options.host;
    http.port = options.port;
    http.threads =
        options.threads > 0 || !repository_->batches() ? options.threads : kWaitingThreads;
    http.max_request_bytes = options.max_request_bytes;
    ARROW_RETURN_NOT_OK(
        HttpServer::Start(
            std::move(http), [this](const ApiRequest& request) { return Answer(request); }, env)
            .Value(&http_));
    if (options.grpc_port < 0) return Status::OK();
    return GrpcServer::Start(options.host, options.grpc_port, options.max_request_bytes,
                             [this](std::string_view method, std::string_view request) {
                               return AnswerGrpc(api_, method, request);
                             })
        .Value(&grpc_);
  }

  int port() const override { return http_->port(); }
  int grpc_port() const override { return grpc_ ? grpc_->port() : -1; }
  void Stop() override {
    http_->Stop();
    grpc_.reset();
  }

 private:
  ApiResponse Answer(const ApiRequest& request) const {
    if (PathSegments(request.path) != std::vector<std::string>{"metrics"}) {
      return api_.Answer(request);
    }
    ApiResponse response;
    response.content_type = "text/plain; version=0.0.4";
    response.body = {arrow::Buffer::FromString(PrometheusText(Metrics()))};
    return response;
  }

  std::vector<MetricValue> Metrics() const {
    std::vector<MetricValue> metrics;
    for (const ServedModelPtr& served : repository_->All()) {
      const MetricLabels labels = {{"model", served->name}, {"version", served->version}};
      const auto add = [&](const char* name, MetricValue::Kind kind, int64_t value) {
        metrics.push_back({name, labels, kind, value, nullptr});
      };
      const ServingStatistics& statistics = *served->statistics;
      add("served_ready", MetricValue::Kind::kGauge, served->model != nullptr);
      add("served_success", MetricValue::Kind::kCounter, statistics.success());
      add("served_failure", MetricValue::Kind::kCounter, statistics.failure());
      add("served_rows", MetricValue::Kind::kCounter, statistics.rows());
      add("served_executions", MetricValue::Kind::kCounter, statistics.executions());
      add("served_queue_us", MetricValue::Kind::kCounter, statistics.queue_us());
      add("served_compute_us", MetricValue::Kind::kCounter, statistics.compute_us());
    }
    return metrics;
  }

  const std::unique_ptr<ModelRepository> repository_;
  const InferenceApi api_;
  std::unique_ptr<HttpServer> http_;
  std::unique_ptr<GrpcServer> grpc_;
};

}  // namespace

Result<std::unique_ptr<ModelServer>> ModelServer::Start(const ModelServerOptions& options,
                                                        Services& services) {
  ARROW_ASSIGN_OR_RAISE(auto repository, ModelRepository::Open(options.repository, services));
  auto server = std::make_unique<HttpModelServer>(std::move(repository), services.env(),
                                                  options.max_request_bytes);
  ARROW_RETURN_NOT_OK(server->Listen(options, services.env()));
  Log(LogLevel::kInfo, "server.models", "listening",
      {{"host", options.host}, {"port", std::to_string(server->port())}});
  return server;
}

}  // namespace millrace

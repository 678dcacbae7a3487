#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "spi/services.h"

namespace millrace {

struct ModelServerOptions {
  std::string repository;  ///< folder of models, laid out as Triton's: NAME/VERSION/model.onnx
  std::string host = "127.0.0.1";
  int port = 8000;     ///< of HTTP; 0: any free one
  int grpc_port = -1;  ///< 0: any free one; -1: gRPC is not served
  /// That read, score and answer; 0: one per core, more where requests wait to be joined.
  int threads = 0;
  size_t max_request_bytes = size_t{256} << 20;
};

/// Serves the models of a folder by the Open Inference Protocol over HTTP and gRPC, and its metrics
/// at /metrics, on threads of its own.
class ModelServer {
 public:
  /// Loads the models and listens. Fails where there is no model or the address cannot be had.
  static Result<std::unique_ptr<ModelServer>> Start(const ModelServerOptions& options,
                                                    Services& services);

  /// Stops.
  virtual ~ModelServer() = default;
  virtual int port() const = 0;
  virtual int grpc_port() const = 0;  ///< -1: gRPC is not served
  /// Takes no more requests, answers those that are being scored, and returns when all threads have
  /// ended.
  virtual void Stop() = 0;
};

}  // namespace millrace

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "models/triton/circuit_breaker.h"
#include "net/http.h"
#include "spi/model.h"
#include "spi/services.h"

namespace millrace {

/// The options of a model on a server, read.
struct TritonSettings {
  std::string base;   ///< "http://host:port" and what stands before /v2
  std::string shown;  ///< the endpoint as people may see it
  std::string model;
  std::string version;  ///< empty: the server's choice
  int64_t timeout_us = 0;
  int64_t connect_timeout_us = 0;
  int64_t max_batch = 0;          ///< 0: the server's
  int64_t target_latency_us = 0;  ///< 0: requests are as large and as many as they can be
  bool one_dimensional = false;   ///< 'flatten-batch-dim'
  int priority = -1;              ///< -1: none is sent
  bool gzip = false;
  bool grpc = false;  ///< the scheme is grpc[s]; `base` has http[s] all the same
  std::vector<HttpHeader> headers;
  int max_retries = 0;
  int64_t first_backoff_us = 0, longest_backoff_us = 0;
  int max_connections = 0;
  std::shared_ptr<const TlsSettings> tls;
  CircuitBreakerSettings breaker;
  bool health_checks = false;
  int64_t health_interval_us = 0;
  /// The declared columns as tensors, each with a first dimension for rows: of a model of which the
  /// server names none.
  std::vector<TensorSpec> declared_inputs, declared_outputs;

  static std::vector<OptionSpec> Specs();
  static Result<TritonSettings> Read(const ModelConfig& declared, const Options& options,
                                     const SecretProvider& secrets);

  std::string ModelUrl() const;  ///< ".../v2/models/m" or ".../v2/models/m/versions/3"
  HttpRequest Get(std::string url) const;
};

/// The part of an endpoint before /v2: takes http[s]://host[:port][/prefix], with or without /v2 or
/// /v2/models, and grpc[s]://host:port.
Result<std::string> ParseEndpoint(const std::string& endpoint);

}  // namespace millrace

#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "base/env.h"
#include "base/error.h"
#include "server/api.h"

namespace millrace {

struct HttpServerOptions {
  std::string name;       ///< for errors: "the model server"
  std::string component;  ///< of its log lines
  std::string host = "127.0.0.1";
  int port = 0;     ///< 0: any free one
  int threads = 0;  ///< that read, work and answer; 0: one per core
  size_t max_request_bytes = size_t{256} << 20;
};

/// HTTP/1.1 with kept connections, on threads of its own; the handler works on them.
class HttpServer {
 public:
  /// Listens. Fails where the address cannot be had.
  static Result<std::unique_ptr<HttpServer>> Start(HttpServerOptions options, ApiHandler handler,
                                                   Env& env);

  /// Stops.
  virtual ~HttpServer() = default;
  virtual int port() const = 0;
  /// Takes no more requests, finishes those at work, and returns when all threads have ended.
  virtual void Stop() = 0;
};

}  // namespace millrace

#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"

namespace millrace {

/// What a gRPC call is answered with.
struct GrpcAnswer {
  int code = 0;       ///< gRPC's
  std::string bytes;  ///< the message, or the text of an error
};

/// Takes unary calls, on threads of its own, through libmillrace_grpc.so, which is opened on first
/// use.
class GrpcServer {
 public:
  /// `method` without the service: "ModelInfer". Called on any of the threads, several at a time.
  using Handler = std::function<GrpcAnswer(std::string_view method, std::string_view request)>;

  /// Listens; `port` 0: any free one. A user error where the library or the address cannot be had.
  static Result<std::unique_ptr<GrpcServer>> Start(const std::string& host, int port,
                                                   size_t max_request_bytes, Handler handler);

  /// Stops.
  virtual ~GrpcServer() = default;
  virtual int port() const = 0;
};

}  // namespace millrace

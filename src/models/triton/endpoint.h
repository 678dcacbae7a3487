#pragma once

#include <memory>
#include <string>

#include "base/metrics.h"
#include "models/triton/circuit_breaker.h"
#include "models/triton/transport.h"
#include "spi/services.h"

namespace millrace {

/// What all models of a process know together of one server: its circuit breaker and whether it was
/// ready when last asked (T8). Thread-safe.
class Endpoint : public std::enable_shared_from_this<Endpoint> {
 public:
  /// The one of the endpoint and the options that concern it; made, and asked for its health, by
  /// the first who wants it, and gone with the last.
  static std::shared_ptr<Endpoint> Of(const TritonSettings& settings, Services& services);

  Endpoint(const TritonSettings& settings, Services& services);

  CircuitBreaker& breaker() { return breaker_; }
  /// Asks the server now and then for as long as the object lives. Once.
  void StartHealthChecks();
  /// Shows the breaker's state in the metrics.
  void Publish();

 private:
  void Check();
  void Learn(bool ready);

  const std::string base_;
  const int64_t interval_us_;
  HttpClient& client_;
  const std::unique_ptr<Transport> transport_;
  CircuitBreaker breaker_;
  const std::shared_ptr<Gauge> ready_, state_;
  bool was_ready_ = true;  ///< on the client's thread only
};

}  // namespace millrace

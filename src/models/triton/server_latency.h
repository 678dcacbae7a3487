#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "base/env.h"
#include "base/metrics.h"
#include "models/triton/transport.h"

namespace millrace {

/// Where the time of a model's requests goes (T11): round trips as they are seen here, and what the
/// server says of its queue and its work, asked for at most every 10 s while there are requests.
/// Metrics, all in µs: the histogram `model_round_trip`, and the gauges `model_server_queue`,
/// `model_server_compute` and `model_network`, means of a request since they were last asked for.
/// Thread-safe.
class ServerLatency : public std::enable_shared_from_this<ServerLatency> {
 public:
  static constexpr int64_t kAskEveryMicros = 10'000'000;

  /// `client` outlives the object.
  ServerLatency(std::shared_ptr<const Transport> transport, HttpClient& client, Env& env,
                MetricGroup metrics);

  void Record(int64_t round_trip_us);
  /// "of 210ms a request, 180ms are the server's queue"; empty where nothing is known.
  std::string DominantPart() const;

 private:
  struct Totals {
    int64_t requests = 0, queue_ns = 0, compute_ns = 0;
  };
  struct Means {
    int64_t queue_us = 0, compute_us = 0, network_us = 0;
  };

  void Ask();
  void Learn(const nlohmann::json& statistics);

  const std::shared_ptr<const Transport> transport_;
  HttpClient& client_;
  Env& env_;
  const std::shared_ptr<Histogram> round_trip_;
  const std::shared_ptr<Gauge> queue_, compute_, network_;

  mutable std::mutex mutex_;
  int64_t ask_at_us_ = 0;
  int64_t count_ = 0, sum_us_ = 0;  ///< of the round trips since the last answer
  bool known_ = false;              ///< `before_` is
  Totals before_;
  Means means_;
};

}  // namespace millrace

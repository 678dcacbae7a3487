#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/env.h"
#include "base/metrics.h"
#include "net/http.h"

namespace millrace {

struct InfluxOptions {
  std::string url;    ///< all of it: "http://host:8086/api/v2/write?org=o&bucket=b&precision=ms"
  std::string token;  ///< empty: none is sent
  int64_t interval_us = 10'000'000;
};

/// Sends metrics to InfluxDB at an interval, from the client's thread. What cannot be sent is
/// dropped: the next values come soon. Failures are logged when they begin, and when they end.
class InfluxReporter : public std::enable_shared_from_this<InfluxReporter> {
 public:
  using Snapshot = std::function<std::vector<MetricValue>()>;

  /// `client` and `env` outlive the object.
  InfluxReporter(InfluxOptions options, Snapshot snapshot, HttpClient& client, Env& env)
      : options_(std::move(options)), snapshot_(std::move(snapshot)), client_(client), env_(env) {}

  void Start() { Send(); }
  /// `snapshot` is not called any more once this returns.
  void Stop();

 private:
  void Send();
  void Learn(const HttpResult& result);

  const InfluxOptions options_;
  const Snapshot snapshot_;
  HttpClient& client_;
  Env& env_;
  std::mutex mutex_;
  bool stopped_ = false;
  bool failing_ = false;
};

}  // namespace millrace

#include "server/influx_reporter.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "net/http_error.h"
#include "server/influx_text.h"

namespace millrace {

void InfluxReporter::Stop() {
  std::lock_guard lock(mutex_);
  stopped_ = true;
}

void InfluxReporter::Send() {
  HttpRequest request;
  {
    std::lock_guard lock(mutex_);
    if (stopped_) return;
    request.body = {HttpPiece::Of(InfluxText(snapshot_(), env_.NowMicros()))};
  }
  request.method = HttpMethod::kPost;
  request.url = options_.url;
  request.timeout_us = std::max<int64_t>(options_.interval_us, 1'000'000);
  request.headers.push_back({"Content-Type", "text/plain; charset=utf-8"});
  if (!options_.token.empty())
    request.headers.push_back({"Authorization", "Token " + options_.token});
  client_.Send(std::move(request), [weak = weak_from_this()](const HttpResult& result) {
    const auto self = weak.lock();
    if (!self) return;
    self->Learn(result);
    self->client_.After(self->options_.interval_us, [weak] {
      if (const auto again = weak.lock()) again->Send();
    });
  });
}

void InfluxReporter::Learn(const HttpResult& result) {
  const int status = result.response.status;
  const bool failed = !result.status.ok() || status < 200 || status >= 300;
  if (failed == std::exchange(failing_, failed)) return;
  const std::string where = WithoutCredentials(options_.url.substr(0, options_.url.find('?')));
  if (!failed) {
    Log(LogLevel::kInfo, "server.metrics", "InfluxDB takes metrics again", {{"url", where}});
    return;
  }
  Log(LogLevel::kWarn, "server.metrics", "InfluxDB does not take metrics",
      {{"url", where},
       {"cause", result.status.ok()
                     ? "HTTP " + std::to_string(status) + ": " + result.response.body.substr(0, 200)
                     : result.status.message()}});
}

}  // namespace millrace

#include "models/triton/endpoint.h"

#include <map>
#include <mutex>

#include "base/log.h"
#include "net/http_error.h"

namespace millrace {

std::shared_ptr<Endpoint> Endpoint::Of(const TritonSettings& settings, Services& services) {
  static std::mutex& mutex = *new std::mutex;
  static auto& endpoints = *new std::map<std::string, std::weak_ptr<Endpoint>>;
  const CircuitBreakerSettings& breaker = settings.breaker;
  std::string key = settings.shown;
  for (const int64_t part :
       {static_cast<int64_t>(breaker.enabled), breaker.open_us,
        static_cast<int64_t>(breaker.trials), static_cast<int64_t>(settings.health_checks),
        settings.health_interval_us, static_cast<int64_t>(reinterpret_cast<intptr_t>(&services))}) {
    key += ' ' + std::to_string(part);
  }
  key += ' ' + std::to_string(breaker.failure_threshold);
  std::lock_guard lock(mutex);
  std::erase_if(endpoints, [](const auto& each) { return each.second.expired(); });
  auto endpoint = endpoints[key].lock();
  if (!endpoint) {
    endpoint = std::make_shared<Endpoint>(settings, services);
    endpoints[key] = endpoint;
    if (settings.health_checks) endpoint->StartHealthChecks();
  }
  return endpoint;
}

Endpoint::Endpoint(const TritonSettings& settings, Services& services)
    : base_(settings.shown),
      interval_us_(settings.health_interval_us),
      client_(services.http()),
      transport_(MakeTransport(settings, client_)),
      breaker_(settings.breaker, services.env()),
      ready_(services.metrics().gauge("model_server_ready", {{"endpoint", base_}})),
      state_(services.metrics().gauge("model_circuit_breaker_state", {{"endpoint", base_}})) {
  ready_->Set(1);
  Publish();
}

void Endpoint::StartHealthChecks() { Check(); }

void Endpoint::Check() {
  client_.Send(transport_->MakeReady(), [weak = weak_from_this()](HttpResult result) {
    const auto self = weak.lock();
    if (!self) return;
    self->Learn(self->transport_->ReadReady(result));
    self->client_.After(self->interval_us_, [weak] {
      if (const auto again = weak.lock()) again->Check();
    });
  });
}

void Endpoint::Learn(bool ready) {
  ready_->Set(ready ? 1 : 0);
  if (ready != was_ready_) {
    Log(ready ? LogLevel::kInfo : LogLevel::kWarn, "models.triton",
        ready ? "the server is ready again" : "the server is not ready", {{"endpoint", base_}});
  }
  was_ready_ = ready;
  if (ready) {
    breaker_.Probe();
  } else {
    breaker_.Trip();
  }
  Publish();
}

void Endpoint::Publish() { state_->Set(static_cast<int64_t>(breaker_.state())); }

}  // namespace millrace

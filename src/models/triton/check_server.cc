#include "models/triton/check_server.h"

#include <utility>

#include "models/triton/settings.h"
#include "models/triton/transport.h"
#include "net/http.h"

namespace millrace {

std::vector<CheckStep> CheckServer(const ModelConfig& declared, const Options& options,
                                   Services& services) {
  std::vector<CheckStep> steps;
  const auto settings = TritonSettings::Read(declared, options, services.secrets());
  if (!settings.ok()) return {{"options", settings.status(), {}}};
  const auto transport = MakeTransport(*settings, services.http());
  Env& env = services.env();
  int64_t start_us = env.MonotonicMicros();
  const auto took = [&] {
    const int64_t now_us = env.MonotonicMicros();
    return now_us - std::exchange(start_us, now_us);
  };

  // How far one request gets tells the steps below HTTP apart.
  const HttpResult ready = SendAndWait(services.http(), transport->MakeReady());
  const bool tls = settings->base.starts_with("https");
  const bool handshake = tls && InfoOf(ready.status).error_class == ErrorClass::kUser;
  struct Below {
    const char* name;
    bool failed;
    const char* detail;
  };
  std::vector<Below> below = {
      {"DNS", ready.phase == HttpPhase::kResolve, "the host has an address"},
      {"TCP", ready.phase == HttpPhase::kConnect && !handshake, "connected"}};
  if (tls) {
    below.push_back({"TLS", handshake,
                     settings->tls && !settings->tls->verify ? "encrypted; nothing was verified"
                                                             : "the certificate is trusted"});
  }
  for (const Below& step : below) {
    const bool failed = !ready.status.ok() && step.failed;
    steps.push_back({step.name, failed ? ready.status : Status::OK(), step.detail});
    if (failed) return steps;
  }

  CheckStep server{"server ready", Status::OK(), settings->shown, took()};
  if (!ready.status.ok()) {
    server.status = ready.status;
  } else if (!transport->ReadReady(ready)) {
    server.status =
        Error::Transient("the server is not ready: HTTP " + std::to_string(ready.response.status))
            .In(settings->shown)
            .Hint("see its log: a model may still be loading or may not load at all");
  }
  steps.push_back(std::move(server));
  if (!steps.back().status.ok()) return steps;

  const auto model = transport->Describe();
  CheckStep known{"model ready", model.status(), {}, took()};
  if (model.ok()) known.detail = "version " + model->signature.version;
  steps.push_back(std::move(known));
  return steps;
}

}  // namespace millrace

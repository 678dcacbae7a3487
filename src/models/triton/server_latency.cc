#include "models/triton/server_latency.h"

#include <algorithm>
#include <array>
#include <utility>

#include <nlohmann/json.hpp>

#include "net/http_error.h"

namespace millrace {
namespace {

using nlohmann::json;

int64_t NumberAt(const json& object, const char* key) {
  const auto at = object.find(key);
  if (at == object.end()) return 0;
  // Over gRPC 64-bit numbers are texts.
  if (at->is_string()) return std::strtoll(at->get_ref<const std::string&>().c_str(), nullptr, 10);
  return at->is_number() ? at->get<int64_t>() : 0;
}

int64_t NanosOf(const json& statistics, const char* part) {
  const auto at = statistics.find(part);
  return at != statistics.end() && at->is_object() ? NumberAt(*at, "ns") : 0;
}

}  // namespace

ServerLatency::ServerLatency(std::shared_ptr<const Transport> transport, HttpClient& client,
                             Env& env, MetricGroup metrics)
    : transport_(std::move(transport)),
      client_(client),
      env_(env),
      round_trip_(metrics.histogram("model_round_trip")),
      queue_(metrics.gauge("model_server_queue")),
      compute_(metrics.gauge("model_server_compute")),
      network_(metrics.gauge("model_network")) {}

void ServerLatency::Record(int64_t round_trip_us) {
  round_trip_->Record(round_trip_us);
  {
    std::lock_guard lock(mutex_);
    ++count_;
    sum_us_ += round_trip_us;
    const int64_t now_us = env_.MonotonicMicros();
    if (now_us < ask_at_us_) return;
    ask_at_us_ = now_us + kAskEveryMicros;
  }
  Ask();
}

void ServerLatency::Ask() {
  client_.Send(transport_->MakeStatistics(), [weak = weak_from_this()](HttpResult result) {
    const auto self = weak.lock();
    if (self) self->Learn(self->transport_->ReadStatistics(result));
  });
}

void ServerLatency::Learn(const json& statistics) {
  if (!statistics.is_object() || !statistics.contains("model_stats")) return;
  Totals now;
  for (const json& version : statistics["model_stats"]) {
    const auto at = version.find("inference_stats");
    if (at == version.end() || !at->is_object()) continue;
    if (at->contains("success")) now.requests += NumberAt((*at)["success"], "count");
    now.queue_ns += NanosOf(*at, "queue");
    now.compute_ns += NanosOf(*at, "compute_input") + NanosOf(*at, "compute_infer") +
                      NanosOf(*at, "compute_output");
  }
  std::lock_guard lock(mutex_);
  const Totals before = std::exchange(before_, now);
  const int64_t requests = now.requests - before.requests;
  if (std::exchange(known_, true) && requests > 0 && count_ > 0) {
    means_.queue_us = (now.queue_ns - before.queue_ns) / requests / 1000;
    means_.compute_us = (now.compute_ns - before.compute_ns) / requests / 1000;
    means_.network_us =
        std::max<int64_t>(0, sum_us_ / count_ - means_.queue_us - means_.compute_us);
    queue_->Set(means_.queue_us);
    compute_->Set(means_.compute_us);
    network_->Set(means_.network_us);
  }
  count_ = sum_us_ = 0;
}

std::string ServerLatency::DominantPart() const {
  std::lock_guard lock(mutex_);
  const std::array<std::pair<int64_t, const char*>, 3> parts = {
      {{means_.queue_us, "the server's queue"},
       {means_.compute_us, "the model's work"},
       {means_.network_us, "the network and the server's front"}}};
  const auto largest = std::max_element(parts.begin(), parts.end());
  const int64_t all_us = means_.queue_us + means_.compute_us + means_.network_us;
  if (all_us == 0) return {};
  return "of " + DurationText(all_us) + " a request, " + DurationText(largest->first) + " are " +
         largest->second;
}

}  // namespace millrace

#include "server/model_times.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "server/influx_text.h"
#include "server/prometheus_text.h"

namespace millrace {
namespace {

TEST(ModelTimesTest, TellsWhereTheTimeGoes) {  // T11
  MetricRegistry metrics;
  MetricGroup version(metrics, {{"model", "m"}, {"version", "2"}});
  version.counter("model_requests")->Add(3);
  version.gauge("model_network")->Set(10);
  version.gauge("model_server_queue")->Set(60);
  version.gauge("model_server_compute")->Set(30);
  for (const char* node : {"a", "b"}) {
    metrics.histogram("engine_queue", {{"node", node}, {"model", "m"}, {"version", "2"}})
        ->Record(node[0] == 'a' ? 4 : 8);
  }
  MetricGroup(metrics, {{"model", "local"}, {"version", "1"}}).counter("model_requests")->Add();

  const auto times = TimesOf(metrics);
  EXPECT_FALSE(times.contains({"local", "1"}));
  EXPECT_EQ(
      times.at({"m", "2"}),
      nlohmann::json(
          {{"engine_queue", 6}, {"network", 10}, {"server_queue", 60}, {"server_compute", 30}}));

  // The same for Prometheus and InfluxDB.
  const std::string prometheus = PrometheusText(metrics.Snapshot());
  const std::string influx = InfluxText(metrics.Snapshot(), 0);
  for (const char* name : {"millrace_engine_queue", "millrace_model_network",
                           "millrace_model_server_queue", "millrace_model_server_compute"}) {
    EXPECT_NE(prometheus.find(name), std::string::npos) << name;
    EXPECT_NE(influx.find(name), std::string::npos) << name;
  }
}

}  // namespace
}  // namespace millrace

#include "server/prometheus_text.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

TEST(PrometheusTextTest, EveryKindOfMetric) {  // P7
  MetricRegistry registry;
  registry.counter("rows", {{"job", "a\"b\\"}})->Add(3);
  registry.counter("rows", {{"job", "c"}})->Add(4);
  registry.gauge("in-flight")->Set(-2);
  registry.histogram("latency")->Record(0);
  EXPECT_EQ(PrometheusText(registry.Snapshot()),
            "# TYPE millrace_in_flight gauge\n"
            "millrace_in_flight -2\n"
            "# TYPE millrace_latency summary\n"
            "millrace_latency_count 1\n"
            "millrace_latency_sum 0\n"
            "millrace_latency{quantile=\"0.5\"} 0\n"
            "millrace_latency{quantile=\"0.9\"} 0\n"
            "millrace_latency{quantile=\"0.99\"} 0\n"
            "# TYPE millrace_rows_total counter\n"
            "millrace_rows_total{job=\"a\\\"b\\\\\"} 3\n"
            "millrace_rows_total{job=\"c\"} 4\n");
}

}  // namespace
}  // namespace millrace

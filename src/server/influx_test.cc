#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/triton/fake_world.h"
#include "server/influx_reporter.h"
#include "server/influx_text.h"

namespace millrace {
namespace {

TEST(InfluxTextTest, EveryKindOfMetric) {  // T11
  MetricRegistry registry;
  registry.counter("requests", {{"model", "a b,c=d"}, {"version", ""}})->Add(3);
  registry.gauge("in-flight")->Set(-2);
  registry.histogram("latency", {{"path", "C:\\x\ny"}})->Record(7);
  EXPECT_EQ(InfluxText(registry.Snapshot(), 1'700'000'000'123'456),
            "millrace_requests,model=a\\ b\\,c\\=d value=3i 1700000000123\n"
            "millrace_in_flight value=-2i 1700000000123\n"
            "millrace_latency,path=C:/x/y count=1i,sum=7i,max=7i,p50=7i,p90=7i,p99=7i "
            "1700000000123\n");
}

TEST(InfluxReporterTest, SendsAtAnIntervalUntilItIsStopped) {  // T11
  VirtualEnv env;
  FakeHttpClient client(env);
  int64_t value = 0;
  const auto reporter = std::make_shared<InfluxReporter>(
      InfluxOptions{"http://h:8086/write?db=m", "s3cret", 10'000'000},
      [&] {
        return std::vector<MetricValue>{
            {"rows", {}, MetricValue::Kind::kCounter, ++value, nullptr}};
      },
      client, env);
  reporter->Start();
  ASSERT_EQ(client.open.size(), 1u);
  const HttpRequest& request = client.open[0].request;
  EXPECT_EQ(request.url, "http://h:8086/write?db=m");
  EXPECT_EQ(request.headers.back().value, "Token s3cret");
  EXPECT_THAT(BodyOf(request), testing::StartsWith("millrace_rows value=1i "));
  client.Answer(0, 204, "");
  client.Advance(9'999'999);
  EXPECT_TRUE(client.open.empty());
  client.Advance(1);
  ASSERT_EQ(client.open.size(), 1u);
  client.Answer(0, 500, "full");  // it goes on all the same
  client.Advance(10'000'000);
  ASSERT_EQ(client.open.size(), 1u);
  client.Lose(0, HttpPhase::kConnect);
  reporter->Stop();
  client.Advance(60'000'000);
  EXPECT_TRUE(client.open.empty());
  EXPECT_EQ(value, 3);
}

}  // namespace
}  // namespace millrace

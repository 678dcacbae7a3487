#include "server/influx_text.h"

#include <string_view>

#include "server/prometheus_text.h"

namespace millrace {
namespace {

/// A tag's key or value; the protocol has no way to write line breaks, or a backslash at the end.
std::string Escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == ',' || c == '=' || c == ' ') out += '\\';
    out += c == '\n' || c == '\r' || c == '\\' ? '/' : c;
  }
  return out;
}

std::string FieldsOf(const MetricValue& metric) {
  const auto field = [](const char* name, int64_t value) {
    return std::string(name) + '=' + std::to_string(value) + 'i';
  };
  if (metric.kind != MetricValue::Kind::kHistogram) return field("value", metric.value);
  const Histogram& values = *metric.histogram;
  return field("count", values.count()) + ',' + field("sum", values.sum()) + ',' +
         field("max", values.max()) + ',' + field("p50", values.Quantile(0.5)) + ',' +
         field("p90", values.Quantile(0.9)) + ',' + field("p99", values.Quantile(0.99));
}

}  // namespace

std::string InfluxText(const std::vector<MetricValue>& metrics, int64_t now_us) {
  const std::string time = std::to_string(now_us / 1000);
  std::string text;
  for (const MetricValue& metric : metrics) {
    text += ExportedName(metric);
    for (const auto& [key, value] : metric.labels) {
      if (!value.empty()) text += ',' + Escaped(key) + '=' + Escaped(value);
    }
    text += ' ' + FieldsOf(metric) + ' ' + time + '\n';
  }
  return text;
}

}  // namespace millrace

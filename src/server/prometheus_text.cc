#include "server/prometheus_text.h"

#include <cctype>
#include <map>
#include <sstream>

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

namespace millrace {
namespace {

constexpr double kQuantiles[] = {0.5, 0.9, 0.99};

prometheus::MetricType TypeOf(MetricValue::Kind kind) {
  switch (kind) {
    case MetricValue::Kind::kCounter:
      return prometheus::MetricType::Counter;
    case MetricValue::Kind::kGauge:
      return prometheus::MetricType::Gauge;
    case MetricValue::Kind::kHistogram:
      return prometheus::MetricType::Summary;
  }
  return prometheus::MetricType::Untyped;
}

std::string FamilyOf(const MetricValue& metric) {
  std::string name = ExportedName(metric);
  return metric.kind == MetricValue::Kind::kCounter ? name + "_total" : name;
}

prometheus::ClientMetric ValueOf(const MetricValue& metric) {
  prometheus::ClientMetric value;
  for (const auto& [key, text] : metric.labels) value.label.push_back({key, text});
  switch (metric.kind) {
    case MetricValue::Kind::kCounter:
      value.counter.value = static_cast<double>(metric.value);
      break;
    case MetricValue::Kind::kGauge:
      value.gauge.value = static_cast<double>(metric.value);
      break;
    case MetricValue::Kind::kHistogram:
      value.summary.sample_count = static_cast<uint64_t>(metric.histogram->count());
      value.summary.sample_sum = static_cast<double>(metric.histogram->sum());
      for (const double quantile : kQuantiles) {
        value.summary.quantile.push_back(
            {quantile, static_cast<double>(metric.histogram->Quantile(quantile))});
      }
      break;
  }
  return value;
}

}  // namespace

std::string ExportedName(const MetricValue& metric) {
  std::string name = "millrace_" + metric.name;
  for (char& c : name) {
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
  }
  return name;
}

std::string PrometheusText(const std::vector<MetricValue>& metrics) {
  std::map<std::string, prometheus::MetricFamily> families;
  for (const MetricValue& metric : metrics) {
    prometheus::MetricFamily& family = families[FamilyOf(metric)];
    family.name = FamilyOf(metric);
    family.type = TypeOf(metric.kind);
    family.metric.push_back(ValueOf(metric));
  }
  std::vector<prometheus::MetricFamily> sorted;
  for (auto& [name, family] : families) sorted.push_back(std::move(family));
  std::ostringstream text;
  prometheus::TextSerializer().Serialize(text, sorted);
  return std::move(text).str();
}

}  // namespace millrace

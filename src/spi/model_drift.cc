#include "spi/model_drift.h"

#include <cmath>
#include <map>
#include <tuple>
#include <utility>

namespace millrace {
namespace {

/// Metrics are whole numbers.
constexpr double kMillion = 1e6;

int64_t Millionths(double value) { return std::llround(value * kMillion); }

}  // namespace

void Publish(const ModelDrift& drift, MetricRegistry& metrics) {
  MetricGroup group(metrics, {{"model", drift.model},
                              {"version", drift.version},
                              {"side", drift.side},
                              {"column", drift.column}});
  group.gauge("model_drift_rows")->Set(drift.rows);
  group.gauge("model_drift_reference_rows")->Set(drift.reference_rows);
  group.gauge("model_drift_compared_us")->Set(drift.compared_us);
  group.gauge("model_drift_psi_millionths")->Set(Millionths(drift.shift.psi));
  group.gauge("model_drift_ks_millionths")->Set(Millionths(drift.shift.ks));
  group.counter("model_drift_windows")->Add();
}

std::vector<ModelDrift> DriftOf(const MetricRegistry& metrics) {
  std::map<std::tuple<std::string, std::string, std::string, std::string>, ModelDrift> by_column;
  for (const MetricValue& metric : metrics.Snapshot()) {
    if (!metric.name.starts_with("model_drift_")) continue;
    const auto& labels = metric.labels;
    const auto& model = labels.at("model");
    const auto& version = labels.at("version");
    const auto& side = labels.at("side");
    const auto& column = labels.at("column");
    ModelDrift& one = by_column[{model, version, side, column}];
    one.model = model;
    one.version = version;
    one.side = side;
    one.column = column;
    if (metric.name == "model_drift_rows") one.rows = metric.value;
    if (metric.name == "model_drift_reference_rows") one.reference_rows = metric.value;
    if (metric.name == "model_drift_compared_us") one.compared_us = metric.value;
    if (metric.name == "model_drift_windows") one.windows = metric.value;
    const double share = static_cast<double>(metric.value) / kMillion;
    if (metric.name == "model_drift_psi_millionths") one.shift.psi = share;
    if (metric.name == "model_drift_ks_millionths") one.shift.ks = share;
  }
  std::vector<ModelDrift> all;
  for (auto& [name, one] : by_column) all.push_back(std::move(one));
  return all;
}

Schema ModelDriftSchema() {
  Schema schema;
  for (const char* name : {"model", "version", "side", "column_name"}) {
    schema.Add(name, SqlType::String());
  }
  for (const char* name : {"psi", "ks"}) schema.Add(name, SqlType::Double());
  for (const char* name : {"rows", "reference_rows", "windows"}) {
    schema.Add(name, SqlType::BigInt());
  }
  schema.Add("compared_at", SqlType::TimestampLtz(3));
  return schema;
}

}  // namespace millrace

#include "models/pmml/comparison.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace millrace::pmml {
namespace {

using Compare = Comparison::Dimension::Compare;

const std::initializer_list<std::pair<std::string_view, Compare>> kCompares = {
    {"absDiff", Compare::kAbsDiff},
    {"gaussSim", Compare::kGaussian},
    {"delta", Compare::kDelta},
    {"equal", Compare::kEqual}};

double Distance(const Comparison::Dimension& dimension, double x, double y) {
  switch (dimension.compare) {
    case Compare::kAbsDiff:
      return std::abs(x - y);
    case Compare::kGaussian:
      return std::exp(-std::numbers::ln2 * (x - y) * (x - y) / (dimension.scale * dimension.scale));
    case Compare::kDelta:
      return x == y ? 0 : 1;
    case Compare::kEqual:
      return x == y ? 1 : 0;
  }
  return 0;
}

}  // namespace

Comparison Comparison::Read(const Element& measure) {
  Comparison comparison;
  comparison.is_similarity_ = measure.Text("kind") == "similarity";
  comparison.compare_ = measure.Choice("compareFunction", kCompares);
  for (const Element& metric : measure.Children()) {
    constexpr std::pair<std::string_view, Metric> kMetrics[] = {
        {"euclidean", Metric::kEuclidean},    {"squaredEuclidean", Metric::kSquaredEuclidean},
        {"chebychev", Metric::kChebychev},    {"cityBlock", Metric::kCityBlock},
        {"minkowski", Metric::kMinkowski},    {"simpleMatching", Metric::kSimpleMatching},
        {"jaccard", Metric::kJaccard},        {"tanimoto", Metric::kTanimoto},
        {"binarySimilarity", Metric::kBinary}};
    for (const auto& [name, value] : kMetrics) {
      if (!metric.Is(name)) continue;
      comparison.metric_ = value;
      if (value == Metric::kMinkowski) comparison.power_ = metric.Number("p-parameter");
      if (value == Metric::kBinary) {
        const char* const c[] = {"c11-parameter", "c10-parameter", "c01-parameter",
                                 "c00-parameter"};
        const char* const d[] = {"d11-parameter", "d10-parameter", "d01-parameter",
                                 "d00-parameter"};
        for (size_t i = 0; i < 4; ++i) {
          comparison.c_[i] = metric.Number(c[i]);
          comparison.d_[i] = metric.Number(d[i]);
        }
      }
      return comparison;
    }
  }
  measure.Fail("has no measure that is known",
               "one of: euclidean, squaredEuclidean, chebychev, cityBlock, minkowski, "
               "simpleMatching, jaccard, tanimoto, binarySimilarity");
}

Comparison::Dimension Comparison::ReadDimension(const Element& field, const char* weight_attribute,
                                                Slot slot) const {
  Dimension dimension{slot, field.Number(weight_attribute, 1), compare_, 1};
  if (field.Has("compareFunction")) dimension.compare = field.Choice("compareFunction", kCompares);
  if (dimension.compare == Compare::kGaussian) dimension.scale = field.Number("similarityScale", 1);
  return dimension;
}

void Comparison::Measure(const Frame& frame, const std::vector<Dimension>& dimensions,
                         const std::vector<double>& point, const std::vector<double>& adjust,
                         double* out) const {
  const int n = frame.rows();
  double all = 0;
  for (const double weight : adjust) all += weight;
  std::array<double, 4> counts;
  for (int i = 0; i < n; ++i) {
    double sum = 0, present = 0;
    counts.fill(0);
    for (size_t d = 0; d < dimensions.size(); ++d) {
      const double x = frame.Read(dimensions[d].slot)[i];
      if (IsMissing(x)) continue;
      present += adjust[d];
      const double c = Distance(dimensions[d], x, point[d]), weight = dimensions[d].weight;
      switch (metric_) {
        case Metric::kEuclidean:
        case Metric::kSquaredEuclidean:
          sum += weight * c * c;
          break;
        case Metric::kChebychev:
          sum = std::max(sum, weight * c);
          break;
        case Metric::kCityBlock:
          sum += weight * c;
          break;
        case Metric::kMinkowski:
          sum += weight * std::pow(c, power_);
          break;
        default:
          counts[(x != 0 ? 0u : 2u) + (point[d] != 0 ? 0u : 1u)] += 1;
      }
    }
    const double factor = present > 0 ? all / present : kMissing;
    const auto& [a11, a10, a01, a00] = counts;
    switch (metric_) {
      case Metric::kEuclidean:
        out[i] = std::sqrt(sum * factor);
        break;
      case Metric::kMinkowski:
        out[i] = std::pow(sum * factor, 1 / power_);
        break;
      case Metric::kSquaredEuclidean:
      case Metric::kChebychev:
      case Metric::kCityBlock:
        out[i] = sum * factor;
        break;
      case Metric::kSimpleMatching:
        out[i] = (a11 + a00) / (a11 + a10 + a01 + a00);
        break;
      case Metric::kJaccard:
        out[i] = a11 / (a11 + a10 + a01);
        break;
      case Metric::kTanimoto:
        out[i] = (a11 + a00) / (a11 + 2 * (a10 + a01) + a00);
        break;
      case Metric::kBinary: {
        double above = 0, below = 0;
        for (size_t k = 0; k < 4; ++k) {
          above += c_[k] * counts[k];
          below += d_[k] * counts[k];
        }
        out[i] = above / below;
        break;
      }
    }
  }
}

}  // namespace millrace::pmml

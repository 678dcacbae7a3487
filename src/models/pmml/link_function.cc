#include "models/pmml/link_function.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace millrace::pmml {
double NormalCdf(double x) { return 0.5 * std::erfc(-x / std::numbers::sqrt2); }

void InverseLink(Link link, double parameter, double* values, int n) {
  switch (link) {
    case Link::kIdentity:
      return;
    case Link::kLog:
      return ApplyToEach(values, n, [](double x) { return std::exp(x); });
    case Link::kLogit:
      return ApplyToEach(values, n, [](double x) { return 1 / (1 + std::exp(-x)); });
    case Link::kProbit:
      return ApplyToEach(values, n, NormalCdf);
    case Link::kCloglog:
      return ApplyToEach(values, n, [](double x) { return 1 - std::exp(-std::exp(x)); });
    case Link::kLoglog:
      return ApplyToEach(values, n, [](double x) { return std::exp(-std::exp(-x)); });
    case Link::kCauchit:
      return ApplyToEach(values, n, [](double x) { return 0.5 + std::atan(x) / std::numbers::pi; });
    case Link::kLogc:
      return ApplyToEach(values, n, [](double x) { return 1 - std::exp(x); });
    case Link::kNegativeBinomial:
      return ApplyToEach(values, n, [=](double x) { return 1 / (parameter * (std::exp(-x) - 1)); });
    case Link::kOddsPower:
      if (parameter == 0) return InverseLink(Link::kLogit, 0, values, n);
      return ApplyToEach(values, n, [=](double x) {
        return 1 / (1 + std::pow(1 + parameter * x, -1 / parameter));
      });
    case Link::kPower:
      if (parameter == 0) return InverseLink(Link::kLog, 0, values, n);
      return ApplyToEach(values, n, [=](double x) { return std::pow(x, 1 / parameter); });
  }
}

void SoftMax(const std::vector<double*>& columns, int n) {
  for (int i = 0; i < n; ++i) {
    double most = columns[0][i];
    for (const double* column : columns) most = std::max(most, column[i]);
    double sum = 0;
    for (double* column : columns) sum += column[i] = std::exp(column[i] - most);
    for (double* column : columns) column[i] /= sum;
  }
}

void SimpleMax(const std::vector<double*>& columns, int n) {
  for (int i = 0; i < n; ++i) {
    double sum = 0;
    for (const double* column : columns) sum += column[i];
    for (double* column : columns) column[i] /= sum;
  }
}

}  // namespace millrace::pmml

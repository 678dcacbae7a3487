#pragma once

#include <cstdint>
#include <vector>

namespace millrace::pmml {

enum class Link : uint8_t {
  kIdentity,
  kLog,
  kLogit,
  kProbit,
  kCloglog,
  kLoglog,
  kCauchit,
  kLogc,
  kNegativeBinomial,  ///< parameter: 1 / theta
  kOddsPower,         ///< parameter: the power
  kPower,             ///< parameter: the power
};

/// Replaces each of `n` values by what the function makes of it.
template <class Function>
void ApplyToEach(double* values, int n, Function function) {
  for (int i = 0; i < n; ++i) values[i] = function(values[i]);
}

/// Replaces each of `n` values by what the link function maps to it. A missing value stays.
void InverseLink(Link link, double parameter, double* values, int n);

/// Rows of columns to shares: exp(x) and x, divided by their sums.
void SoftMax(const std::vector<double*>& columns, int n);
void SimpleMax(const std::vector<double*>& columns, int n);

double NormalCdf(double x);

}  // namespace millrace::pmml

#pragma once

#include <utility>
#include <vector>

#include "models/pmml/document.h"

namespace millrace::pmml {

/// How a network's output stands for a number: by itself, or normalized by pieces of lines.
class NumericOutput {
 public:
  static NumericOutput Read(const Element& expression) {
    NumericOutput output;
    if (expression.Is("FieldRef")) return output;
    if (!expression.Is("NormContinuous"))
      expression.FailUnsupported("an output of a regression", "FieldRef, NormContinuous");
    for (const Element& point : expression.Children("LinearNorm"))
      output.points_.emplace_back(point.Number("orig"), point.Number("norm"));
    if (output.points_.size() < 2) expression.Fail("needs two <LinearNorm> at the least");
    return output;
  }

  /// Normalized values to what they stand for.
  void Invert(double* values, int n) const {
    if (points_.empty()) return;
    for (int i = 0; i < n; ++i) {
      size_t at = 1;
      while (at + 1 < points_.size() && values[i] > points_[at].second) ++at;
      const auto& [x0, y0] = points_[at - 1];
      const auto& [x1, y1] = points_[at];
      values[i] = x0 + (values[i] - y0) / (y1 - y0) * (x1 - x0);
    }
  }

 private:
  std::vector<std::pair<double, double>> points_;
};

}  // namespace millrace::pmml

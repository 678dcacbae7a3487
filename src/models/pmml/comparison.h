#pragma once

#include <vector>

#include "models/pmml/scope.h"

namespace millrace::pmml {

/// A <ComparisonMeasure>: how far or how alike two points are.
class Comparison {
 public:
  /// A dimension of the points.
  struct Dimension {
    Slot slot;
    double weight;
    enum class Compare { kAbsDiff, kGaussian, kDelta, kEqual } compare;
    double scale;  ///< of the Gaussian
  };

  static Comparison Read(const Element& measure);
  /// A <ClusteringField> or <KNNInput> over `slot`.
  Dimension ReadDimension(const Element& field, const char* weight_attribute, Slot slot) const;

  bool is_similarity() const { return is_similarity_; }
  /// To a point, for each row: a dimension that is missing in a row is left out, and the others
  /// count for more by `adjust` (the weights of the missing values, by dimension).
  void Measure(const Frame& frame, const std::vector<Dimension>& dimensions,
               const std::vector<double>& point, const std::vector<double>& adjust,
               double* out) const;

 private:
  enum class Metric {
    kEuclidean,
    kSquaredEuclidean,
    kChebychev,
    kCityBlock,
    kMinkowski,
    kSimpleMatching,
    kJaccard,
    kTanimoto,
    kBinary
  };
  Metric metric_;
  bool is_similarity_ = false;
  Dimension::Compare compare_ = Dimension::Compare::kAbsDiff;
  double power_ = 2;
  double c_[4] = {}, d_[4] = {};  ///< of a binary similarity, for 11, 10, 01, 00
};

}  // namespace millrace::pmml

#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "base/error.h"

namespace millrace {

/// How far apart two distributions are.
struct Shift {
  double psi = 0;  ///< population stability index over ten bins of equal share of the reference
  double ks = 0;   ///< Kolmogorov-Smirnov: greatest distance of the cumulative distributions
};

/// A distribution of numbers in buckets of 1/256 relative width, from 2^-64 to 2^64 on both sides
/// of zero: memory is bounded, and the order of the values is of no matter. NaN is a bucket of its
/// own.
class ValueSketch {
 public:
  void Add(double value);
  void Merge(const ValueSketch& other);
  void Clear() { *this = {}; }
  int64_t count() const { return count_; }

  /// Pairs of a bucket and its count; `FromNumbers` reads them.
  std::vector<int64_t> Numbers() const;
  static Result<ValueSketch> FromNumbers(const std::vector<int64_t>& numbers);

  /// Zero where one of them is empty.
  static Shift Between(const ValueSketch& reference, const ValueSketch& current);

 private:
  std::map<int32_t, int64_t> buckets_;  ///< in the order of the values
  int64_t count_ = 0;
};

}  // namespace millrace

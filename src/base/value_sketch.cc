#include "base/value_sketch.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace millrace {
namespace {

constexpr int kWidthBits = 8;  ///< buckets per octave, as bits of the mantissa
constexpr int kExponents = 64;
constexpr int kBins = 10;

int32_t SketchBucketOf(double value) {
  if (std::isnan(value)) return std::numeric_limits<int32_t>::max();
  int exponent = 0;
  const double mantissa = std::frexp(std::abs(value), &exponent);  // in [0.5, 1)
  if (value == 0 || exponent < -kExponents) return 0;
  int32_t bucket = (2 * kExponents + 1) << kWidthBits;
  if (std::isfinite(value) && exponent <= kExponents) {
    bucket = ((exponent + kExponents) << kWidthBits) +
             static_cast<int32_t>((mantissa - 0.5) * (2 << kWidthBits));
  }
  return value < 0 ? -bucket - 1 : bucket + 1;
}

}  // namespace

void ValueSketch::Add(double value) {
  ++buckets_[SketchBucketOf(value)];
  ++count_;
}

void ValueSketch::Merge(const ValueSketch& other) {
  for (const auto& [bucket, count] : other.buckets_) buckets_[bucket] += count;
  count_ += other.count_;
}

std::vector<int64_t> ValueSketch::Numbers() const {
  std::vector<int64_t> numbers;
  for (const auto& [bucket, count] : buckets_) {
    numbers.push_back(bucket);
    numbers.push_back(count);
  }
  return numbers;
}

Result<ValueSketch> ValueSketch::FromNumbers(const std::vector<int64_t>& numbers) {
  ValueSketch sketch;
  if (numbers.size() % 2 != 0) return Error::Internal("a sketch has a part of a bucket");
  for (size_t i = 0; i < numbers.size(); i += 2) {
    sketch.buckets_[static_cast<int32_t>(numbers[i])] += numbers[i + 1];
    sketch.count_ += numbers[i + 1];
  }
  return sketch;
}

Shift ValueSketch::Between(const ValueSketch& reference, const ValueSketch& current) {
  Shift shift;
  if (reference.count_ == 0 || current.count_ == 0) return shift;
  const auto total = static_cast<double>(reference.count_);
  const auto current_total = static_cast<double>(current.count_);
  // A share of zero would be infinitely far away; half a row is the usual stand-in.
  const auto stability = [&](double expected, double actual) {
    expected = std::max(expected, 0.5) / total;
    actual = std::max(actual, 0.5) / current_total;
    return (actual - expected) * std::log(actual / expected);
  };
  double below = 0, current_below = 0, bin = 0, current_bin = 0;
  int bins = 1;
  auto before = reference.buckets_.begin(), now = current.buckets_.begin();
  while (before != reference.buckets_.end() || now != current.buckets_.end()) {
    const bool first = now == current.buckets_.end() ||
                       (before != reference.buckets_.end() && before->first <= now->first);
    const int32_t bucket = first ? before->first : now->first;
    if (before != reference.buckets_.end() && before->first == bucket) {
      bin += static_cast<double>(before->second);
      below += static_cast<double>(before++->second);
    }
    if (now != current.buckets_.end() && now->first == bucket) {
      current_bin += static_cast<double>(now->second);
      current_below += static_cast<double>(now++->second);
    }
    shift.ks = std::max(shift.ks, std::abs(below / total - current_below / current_total));
    if (bins >= kBins || below < total * bins / kBins) continue;
    shift.psi += stability(bin, current_bin);
    bin = current_bin = 0;
    while (below >= total * bins / kBins) ++bins;
  }
  if (bin > 0 || current_bin > 0) shift.psi += stability(bin, current_bin);
  return shift;
}

}  // namespace millrace

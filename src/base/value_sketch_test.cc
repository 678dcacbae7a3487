#include "base/value_sketch.h"

#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

namespace millrace {
namespace {

ValueSketch SketchOf(const std::vector<double>& values) {
  ValueSketch sketch;
  for (const double value : values) sketch.Add(value);
  return sketch;
}

/// n values evenly in [from, to).
std::vector<double> Evenly(int n, double from, double to) {
  std::vector<double> values;
  for (int i = 0; i < n; ++i) values.push_back(from + (to - from) * i / n);
  return values;
}

TEST(ValueSketch, EqualDistributionsAreNotApart) {  // M10
  const auto a = SketchOf(Evenly(1000, -1, 1)), b = SketchOf(Evenly(500, -1, 1));
  const Shift shift = ValueSketch::Between(a, b);
  EXPECT_LT(shift.psi, 0.01);
  EXPECT_LT(shift.ks, 0.01);
}

TEST(ValueSketch, AShareThatMovesIsSeen) {  // M10
  const auto reference = SketchOf(Evenly(1000, 0, 1));
  // Half of the values have gone into the upper half: there its share is 3/4, below it is 1/4.
  auto values = Evenly(250, 0, 0.5);
  for (const double value : Evenly(750, 0.5, 1)) values.push_back(value);
  const Shift shift = ValueSketch::Between(reference, SketchOf(values));
  EXPECT_NEAR(shift.psi, 0.25 * std::log(1.5) + 0.25 * std::log(2), 0.01);
  EXPECT_NEAR(shift.ks, 0.25, 0.01);
}

TEST(ValueSketch, TellsNeighboursOfOnePercentApart) {  // M10: temperatures in kelvin
  const Shift shift =
      ValueSketch::Between(SketchOf(Evenly(1000, 290, 300)), SketchOf(Evenly(1000, 295, 305)));
  EXPECT_GT(shift.psi, 1);
  EXPECT_NEAR(shift.ks, 0.5, 0.1);
}

TEST(ValueSketch, KeepsTheOrderOfAnyNumbers) {
  const double huge = std::numeric_limits<double>::max();
  const double inf = std::numeric_limits<double>::infinity();
  const std::vector<double> values = {-inf,  -huge, -2,   -1e-30, 0,
                                      1e-30, 2,     huge, inf,    std::nan("")};
  for (size_t i = 0; i + 1 < values.size(); ++i) {
    const Shift shift = ValueSketch::Between(SketchOf({values[i]}), SketchOf({values[i + 1]}));
    // Beyond 2^64, and below 2^-64, numbers are alike.
    const bool alike = i == 0 || (i >= 3 && i < 5) || i == 7;
    EXPECT_EQ(shift.ks, alike ? 0 : 1) << i;
  }
}

TEST(ValueSketch, SurvivesItsNumbersAndMerges) {
  auto a = SketchOf(Evenly(100, -5, 5));
  const auto decoded = ValueSketch::FromNumbers(a.Numbers());
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(decoded->Numbers(), a.Numbers());
  EXPECT_EQ(decoded->count(), 100);
  a.Merge(*decoded);
  EXPECT_EQ(a.count(), 200);
  EXPECT_EQ(ValueSketch::Between(a, *decoded).ks, 0);
  EXPECT_FALSE(ValueSketch::FromNumbers({1}).ok());
}

TEST(ValueSketch, EmptyOnesTellNothing) {
  EXPECT_EQ(ValueSketch::Between({}, SketchOf({1})).psi, 0);
  EXPECT_EQ(ValueSketch::Between(SketchOf({1}), {}).ks, 0);
}

}  // namespace
}  // namespace millrace

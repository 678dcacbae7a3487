#include "expr/decimal.h"

#include <gtest/gtest.h>

namespace millrace::decimal {
namespace {

std::string Text(std::optional<Int128> digits, int scale) {
  if (!digits) return "none";
  std::string text;
  Append(*digits, scale, &text);
  return text;
}

Int128 Digits(const char* text, int scale) {
  bool malformed = false;
  return *Parse(text, {kMaxPrecision, scale}, &malformed);
}

// Expected values are those of Python's decimal module with ROUND_HALF_UP at the result's scale.
TEST(Decimal, Arithmetic) {
  EXPECT_EQ(Text(Add(Digits("99.99", 2), 2, Digits("0.015", 3), 3, {6, 3}), 3), "100.005");
  EXPECT_EQ(Text(Add(Digits("99.99", 2), 2, Digits("0.01", 2), 2, {4, 2}), 2), "none");
  EXPECT_EQ(Text(Subtract(Digits("1", 0), 0, Digits("0.001", 3), 3, {5, 3}), 3), "0.999");
  EXPECT_EQ(Text(Multiply(Digits("12345678901234567890.12", 2), 2, Digits("98765432109.876", 3), 3,
                          {38, 5}),
                 5),
            "1219326311370211245953079713334.82512");
  EXPECT_EQ(Text(Divide(Digits("1", 0), 0, Digits("3", 0), 0, {38, 30}), 30),
            "0.333333333333333333333333333333");
  EXPECT_EQ(Text(Divide(Digits("-2", 0), 0, Digits("3", 0), 0, {10, 6}), 6), "-0.666667");
  EXPECT_EQ(Text(Divide(Digits("1", 0), 0, Digits("8", 0), 0, {10, 2}), 2), "0.13");
  EXPECT_EQ(Text(Remainder(Digits("-7.5", 1), 1, Digits("2", 0), 0, {3, 1}), 1), "-1.5");
  EXPECT_EQ(Text(Rescale(Digits("-1.45", 2), 2, 1, 5), 1), "-1.5");
  EXPECT_LT(Compare(Digits("1.10", 2), 2, Digits("1.101", 3), 3), 0);
}

// On both sides of where 128 bits hold the digits on the way.
TEST(Decimal, ArithmeticNearTheLimit) {
  const std::string nines(38, '9');
  const Int128 most = Digits(nines.c_str(), 0);
  EXPECT_EQ(Text(Add(most, 0, Digits("0.4", 1), 1, {38, 0}), 0), nines);
  EXPECT_EQ(Text(Add(most, 0, Digits("0.5", 1), 1, {38, 0}), 0), "none");
  EXPECT_EQ(Text(Multiply(most, 38, most, 38, {38, 38}), 38), "0." + std::string(37, '9') + "8");
  EXPECT_EQ(Text(Multiply(2, 38, 3, 38, {38, 0}), 0), "0");
  EXPECT_EQ(Text(Multiply(Digits("1.5", 1), 1, Digits("0.5", 1), 1, {5, 1}), 1), "0.8");
  EXPECT_EQ(Text(Multiply(Digits("-1.5", 1), 1, Digits("0.5", 1), 1, {5, 1}), 1), "-0.8");
  EXPECT_EQ(Text(Multiply(Digits("-1.4", 1), 1, Digits("0.5", 1), 1, {5, 1}), 1), "-0.7");
  EXPECT_EQ(Text(Rescale(most, 0, 1, 38), 1), "none");
  EXPECT_EQ(Text(Rescale(most, 38, 0, 38), 0), "1");
  EXPECT_GT(Compare(most, 0, Digits("0.1", 38), 38), 0);
  EXPECT_LT(Compare(-most, 0, most, 38), 0);
}

TEST(Decimal, Parsing) {
  bool malformed = false;
  EXPECT_EQ(Text(Parse("1.2345e2", {10, 1}, &malformed), 1), "123.5");
  EXPECT_EQ(Text(Parse("-.5", {3, 0}, &malformed), 0), "-1");
  EXPECT_EQ(Text(Parse("0.00049", {3, 3}, &malformed), 3), "0.000");
  EXPECT_FALSE(Parse("1000", {3, 0}, &malformed).has_value());
  EXPECT_FALSE(malformed);
  for (const char* text : {"", "-", ".", "1e", "1.2.3", "12x"}) {
    EXPECT_FALSE(Parse(text, {10, 2}, &malformed).has_value());
    EXPECT_TRUE(malformed) << text;
  }
}

TEST(Decimal, Doubles) {
  EXPECT_EQ(Text(FromDouble(0.125, {5, 2}), 2), "0.13");
  EXPECT_EQ(Text(FromDouble(1e-7, {5, 2}), 2), "0.00");
  EXPECT_EQ(ToDouble(Digits("0.1", 1), 1), 0.1);
  EXPECT_EQ(ToDouble(Digits("12345678901234567890.12345", 5), 5), 12345678901234567890.12345);
}

}  // namespace
}  // namespace millrace::decimal

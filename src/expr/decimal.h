#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace millrace {

/// Arithmetic of DECIMAL(p, s) by Java's BigDecimal with ROUND_HALF_UP. Digits are 128-bit
/// integers; what does not fit the result's precision is none (NULL in SQL).
namespace decimal {

using Int128 = __int128;

constexpr int kMaxPrecision = 38;
/// 10^exponent, 0 to 38.
Int128 PowerOfTen(int exponent);

/// `digits` where |digits| < 10^precision.
std::optional<Int128> Fit(Int128 digits, int precision);
std::optional<Int128> Rescale(Int128 digits, int from_scale, int to_scale, int precision);

struct Shape {
  int precision = 0;
  int scale = 0;
};
std::optional<Int128> Add(Int128 a, int a_scale, Int128 b, int b_scale, Shape result);
std::optional<Int128> Subtract(Int128 a, int a_scale, Int128 b, int b_scale, Shape result);
std::optional<Int128> Multiply(Int128 a, int a_scale, Int128 b, int b_scale, Shape result);
/// `b` is not 0. The remainder has the sign of `a`.
std::optional<Int128> Divide(Int128 a, int a_scale, Int128 b, int b_scale, Shape result);
std::optional<Int128> Remainder(Int128 a, int a_scale, Int128 b, int b_scale, Shape result);
int Compare(Int128 a, int a_scale, Int128 b, int b_scale);

/// A decimal number with optional sign and exponent; none where the text is no number or does not
/// fit. `malformed` tells the two apart.
std::optional<Int128> Parse(std::string_view text, Shape result, bool* malformed);
std::optional<Int128> FromDouble(double value, Shape result);
double ToDouble(Int128 digits, int scale);
void Append(Int128 digits, int scale, std::string* out);

}  // namespace decimal
}  // namespace millrace

#include "expr/decimal.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include <arrow/util/decimal.h>

namespace millrace::decimal {
namespace {

using Wide = arrow::Decimal256;

Wide Widen(Int128 value) {
  return Wide(arrow::BasicDecimal256(
      arrow::BasicDecimal128(static_cast<int64_t>(value >> 64), static_cast<uint64_t>(value))));
}

std::optional<Int128> Narrow(const Wide& value, int precision) {
  if (!value.FitsInPrecision(precision)) return std::nullopt;
  const auto& words = value.little_endian_array();
  return static_cast<Int128>((static_cast<unsigned __int128>(words[1]) << 64) | words[0]);
}

/// a / b, rounded half away from zero.
Wide DivideHalfUp(const Wide& a, const Wide& b) {
  Wide quotient, remainder;
  const auto result = a.Divide(b);
  quotient = result->first;
  remainder = result->second;
  const Wide twice = Wide::Abs(remainder) + Wide::Abs(remainder);
  if (twice < Wide::Abs(b)) return quotient;
  const bool negative = a.IsNegative() != b.IsNegative();
  return Wide(quotient + Wide(negative ? -1 : 1));
}

Wide WidePower(int exponent) { return Wide(arrow::BasicDecimal256::GetScaleMultiplier(exponent)); }

std::optional<Int128> Scaled(const Wide& value, int from_scale, Shape result) {
  if (result.scale >= from_scale) {
    return Narrow(Wide(value * WidePower(result.scale - from_scale)), result.precision);
  }
  return Narrow(DivideHalfUp(value, WidePower(from_scale - result.scale)), result.precision);
}

constexpr auto kPowers = [] {
  std::array<Int128, kMaxPrecision + 1> powers{1};
  for (size_t i = 1; i < powers.size(); ++i) powers[i] = powers[i - 1] * 10;
  return powers;
}();

}  // namespace

Int128 PowerOfTen(int exponent) { return kPowers[static_cast<size_t>(exponent)]; }

std::optional<Int128> Fit(Int128 digits, int precision) {
  const Int128 limit = PowerOfTen(precision);
  if (digits >= limit || digits <= -limit) return std::nullopt;
  return digits;
}

std::optional<Int128> Rescale(Int128 digits, int from_scale, int to_scale, int precision) {
  if (to_scale == from_scale) return Fit(digits, precision);
  return Scaled(Widen(digits), from_scale, {precision, to_scale});
}

std::optional<Int128> Add(Int128 a, int a_scale, Int128 b, int b_scale, Shape result) {
  const int scale = std::max(a_scale, b_scale);
  const Wide sum(Widen(a) * WidePower(scale - a_scale) + Widen(b) * WidePower(scale - b_scale));
  return Scaled(sum, scale, result);
}

std::optional<Int128> Subtract(Int128 a, int a_scale, Int128 b, int b_scale, Shape result) {
  return Add(a, a_scale, -b, b_scale, result);
}

std::optional<Int128> Multiply(Int128 a, int a_scale, Int128 b, int b_scale, Shape result) {
  return Scaled(Wide(Widen(a) * Widen(b)), a_scale + b_scale, result);
}

std::optional<Int128> Divide(Int128 a, int a_scale, Int128 b, int b_scale, Shape result) {
  const int shift = result.scale + b_scale - a_scale;
  const Wide dividend = shift >= 0 ? Wide(Widen(a) * WidePower(shift)) : Widen(a);
  const Wide divisor = shift >= 0 ? Widen(b) : Wide(Widen(b) * WidePower(-shift));
  return Narrow(DivideHalfUp(dividend, divisor), result.precision);
}

std::optional<Int128> Remainder(Int128 a, int a_scale, Int128 b, int b_scale, Shape result) {
  const int scale = std::max(a_scale, b_scale);
  const Wide dividend(Widen(a) * WidePower(scale - a_scale));
  const Wide divisor(Widen(b) * WidePower(scale - b_scale));
  return Scaled(dividend.Divide(divisor)->second, scale, result);
}

int Compare(Int128 a, int a_scale, Int128 b, int b_scale) {
  if (a_scale == b_scale) return a < b ? -1 : a > b ? 1 : 0;
  const int scale = std::max(a_scale, b_scale);
  const Wide x(Widen(a) * WidePower(scale - a_scale));
  const Wide y(Widen(b) * WidePower(scale - b_scale));
  return x < y ? -1 : y < x ? 1 : 0;
}

std::optional<Int128> Parse(std::string_view text, Shape result, bool* malformed) {
  *malformed = true;
  bool negative = false;
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
    negative = text[0] == '-';
    text.remove_prefix(1);
  }
  std::string digits;
  int64_t point = 0;  // digits after the point
  bool seen_point = false;
  size_t i = 0;
  size_t count = 0;
  for (; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '.' && !seen_point) {
      seen_point = true;
    } else if (c >= '0' && c <= '9') {
      ++count;
      if (!digits.empty() || c != '0') digits += c;
      if (seen_point) ++point;
    } else {
      break;
    }
  }
  if (count == 0) return std::nullopt;
  int64_t exponent = 0;
  if (i < text.size()) {
    if (text[i] != 'e' && text[i] != 'E') return std::nullopt;
    const char* first = text.data() + i + 1;
    const char* last = text.data() + text.size();
    if (first != last && *first == '+') ++first;
    int32_t parsed = 0;
    const auto [end, error] = std::from_chars(first, last, parsed);
    if (error != std::errc() || end != last || first == last) return std::nullopt;
    exponent = parsed;
  }
  *malformed = false;
  if (digits.empty()) return Int128{0};
  // The digits that stay at the result's scale, and the one after them, which rounds.
  const int64_t kept = static_cast<int64_t>(digits.size()) - point + exponent + result.scale;
  if (kept > result.precision) return std::nullopt;
  if (kept < 0) return Int128{0};
  Int128 value = 0;
  for (int64_t d = 0; d < kept; ++d) {
    const auto at = static_cast<size_t>(d);
    value = value * 10 + (at < digits.size() ? digits[at] - '0' : 0);
  }
  const auto next = static_cast<size_t>(kept);
  if (next < digits.size() && digits[next] >= '5') ++value;
  return Fit(negative ? -value : value, result.precision);
}

std::optional<Int128> FromDouble(double value, Shape result) {
  if (!std::isfinite(value)) return std::nullopt;
  std::array<char, 32> text;
  const auto end = std::to_chars(text.begin(), text.end(), value).ptr;
  bool malformed = false;
  return Parse({text.data(), static_cast<size_t>(end - text.data())}, result, &malformed);
}

double ToDouble(Int128 digits, int scale) {
  constexpr Int128 kExact = Int128{1} << 53;
  if (digits < kExact && digits > -kExact && scale <= 18) {
    return static_cast<double>(static_cast<int64_t>(digits)) /
           static_cast<double>(static_cast<int64_t>(PowerOfTen(scale)));
  }
  std::string text;
  Append(digits, scale, &text);
  double value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

void Append(Int128 digits, int scale, std::string* out) {
  const bool negative = digits < 0;
  auto rest =
      negative ? -static_cast<unsigned __int128>(digits) : static_cast<unsigned __int128>(digits);
  std::array<char, 48> text;
  auto* at = text.end();
  int written = 0;
  while (rest != 0 || written <= scale) {
    if (written == scale && scale > 0) *--at = '.';
    *--at = static_cast<char>('0' + static_cast<int>(rest % 10));
    rest /= 10;
    ++written;
  }
  if (negative) *--at = '-';
  out->append(at, text.end());
}

}  // namespace millrace::decimal

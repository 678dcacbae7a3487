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

// Most decimals are far from 38 digits: where 128 bits hold all that is needed on the way, these do
// the same without the wide type.

/// `digits` times 10^`by`, or nothing where 128 bits do not hold it.
std::optional<Int128> Up(Int128 digits, int by) {
  Int128 scaled;
  if (by > kMaxPrecision ||
      __builtin_mul_overflow(digits, kPowers[static_cast<size_t>(by)], &scaled)) {
    return std::nullopt;
  }
  return scaled;
}

/// `digits` divided by 10^`by`, by <= kMaxPrecision, rounded half away from zero.
Int128 Down(Int128 digits, int by) {
  const Int128 power = kPowers[static_cast<size_t>(by)];
  const Int128 rest = digits % power;
  const Int128 quotient = digits / power;
  if (rest >= power - rest) return quotient + 1;
  return -rest >= power + rest ? quotient - 1 : quotient;
}

/// `Scaled` of a value that 128 bits hold; `from_scale` at most kMaxPrecision above the result's.
std::optional<Int128> ScaledNarrow(Int128 value, int from_scale, Shape result) {
  if (result.scale < from_scale) {
    return Fit(Down(value, from_scale - result.scale), result.precision);
  }
  const auto scaled = Up(value, result.scale - from_scale);
  return scaled ? Fit(*scaled, result.precision) : std::nullopt;
}

}  // namespace

Int128 PowerOfTen(int exponent) { return kPowers[static_cast<size_t>(exponent)]; }

std::optional<Int128> Fit(Int128 digits, int precision) {
  const Int128 limit = PowerOfTen(precision);
  if (digits >= limit || digits <= -limit) return std::nullopt;
  return digits;
}

std::optional<Int128> Rescale(Int128 digits, int from_scale, int to_scale, int precision) {
  return ScaledNarrow(digits, from_scale, {precision, to_scale});
}

std::optional<Int128> Add(Int128 a, int a_scale, Int128 b, int b_scale, Shape result) {
  const int scale = std::max(a_scale, b_scale);
  const auto x = Up(a, scale - a_scale), y = Up(b, scale - b_scale);
  Int128 narrow;
  if (x && y && !__builtin_add_overflow(*x, *y, &narrow)) {
    return ScaledNarrow(narrow, scale, result);
  }
  const Wide sum(Widen(a) * WidePower(scale - a_scale) + Widen(b) * WidePower(scale - b_scale));
  return Scaled(sum, scale, result);
}

std::optional<Int128> Subtract(Int128 a, int a_scale, Int128 b, int b_scale, Shape result) {
  return Add(a, a_scale, -b, b_scale, result);
}

std::optional<Int128> Multiply(Int128 a, int a_scale, Int128 b, int b_scale, Shape result) {
  const int scale = a_scale + b_scale;
  Int128 narrow;
  if (scale - result.scale <= kMaxPrecision && !__builtin_mul_overflow(a, b, &narrow)) {
    return ScaledNarrow(narrow, scale, result);
  }
  return Scaled(Wide(Widen(a) * Widen(b)), scale, result);
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
  const auto narrow_a = Up(a, scale - a_scale), narrow_b = Up(b, scale - b_scale);
  if (narrow_a && narrow_b) return *narrow_a < *narrow_b ? -1 : *narrow_a > *narrow_b ? 1 : 0;
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

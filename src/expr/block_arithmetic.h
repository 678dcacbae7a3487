#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <numbers>
#include <type_traits>

/// What the operations on blocks do to one value, or two: `Op::Do`.
namespace millrace::expr {

// Java's integers wrap around; C++'s do so only when unsigned.
template <class T>
using Wrapping = typename std::conditional_t<(sizeof(T) < 4), std::type_identity<unsigned>,
                                             std::make_unsigned<T>>::type;

#define MILLRACE_ARITHMETIC(Name, op)                                                      \
  struct Name {                                                                            \
    template <class T>                                                                     \
    static T Do(T a, T b) {                                                                \
      if constexpr (std::is_integral_v<T>) {                                               \
        return static_cast<T>(static_cast<Wrapping<T>>(a) op static_cast<Wrapping<T>>(b)); \
      } else {                                                                             \
        return a op b;                                                                     \
      }                                                                                    \
    }                                                                                      \
  };
MILLRACE_ARITHMETIC(Plus, +)
MILLRACE_ARITHMETIC(Minus, -)
MILLRACE_ARITHMETIC(Times, *)
#undef MILLRACE_ARITHMETIC

struct Divide {
  template <class T>
  static T Do(T a, T b) {
    if constexpr (std::is_integral_v<T>) {
      return b == static_cast<T>(-1) ? Minus::Do(T{0}, a) : static_cast<T>(a / b);
    } else {
      return a / b;
    }
  }
};
struct Remainder {
  template <class T>
  static T Do(T a, T b) {
    if constexpr (std::is_integral_v<T>) {
      return b == static_cast<T>(-1) ? T{0} : static_cast<T>(a % b);
    } else {
      return std::fmod(a, b);
    }
  }
};

#define MILLRACE_COMPARISON(Name, op)      \
  struct Name {                            \
    template <class T>                     \
    static uint8_t Do(T a, T b) {          \
      return static_cast<uint8_t>(a op b); \
    }                                      \
  };
MILLRACE_COMPARISON(Equals, ==)
MILLRACE_COMPARISON(NotEquals, !=)
MILLRACE_COMPARISON(Less, <)
MILLRACE_COMPARISON(LessOrEquals, <=)
MILLRACE_COMPARISON(Greater, >)
MILLRACE_COMPARISON(GreaterOrEquals, >=)
#undef MILLRACE_COMPARISON

struct Greatest {
  template <class T>
  static T Do(T a, T b) {
    return a > b ? a : b;
  }
};
struct Least {
  template <class T>
  static T Do(T a, T b) {
    return a < b ? a : b;
  }
};

struct Negate {
  template <class T>
  static T Do(T a) {
    if constexpr (std::is_integral_v<T>)
      return Minus::Do(T{0}, a);
    else
      return -a;
  }
};
struct Abs {
  template <class T>
  static T Do(T a) {
    if constexpr (std::is_integral_v<T>)
      return a < 0 ? Minus::Do(T{0}, a) : a;
    else
      return std::fabs(a);
  }
};
struct Sign {
  template <class T>
  static T Do(T a) {
    if constexpr (std::is_integral_v<T>) return static_cast<T>((a > 0) - (a < 0));
    // NaN and zeros are their own sign.
    else
      return a > 0 ? T{1} : a < 0 ? T{-1} : a;
  }
};
struct Floor {
  template <class T>
  static T Do(T a) {
    if constexpr (std::is_integral_v<T>)
      return a;
    else if constexpr (std::is_same_v<T, double>)
      return __builtin_floor(a);
    else
      return __builtin_floorf(a);
  }
};
struct Ceil {
  template <class T>
  static T Do(T a) {
    if constexpr (std::is_integral_v<T>)
      return a;
    else if constexpr (std::is_same_v<T, double>)
      return __builtin_ceil(a);
    else
      return __builtin_ceilf(a);
  }
};
struct Not {
  static uint8_t Do(uint8_t a) { return a ^ 1; }
};

#define MILLRACE_MATH(Name, expression)               \
  struct Name {                                       \
    static double Do(double x) { return expression; } \
  };
MILLRACE_MATH(Sqrt, __builtin_sqrt(x))
MILLRACE_MATH(Ln, std::log(x))
MILLRACE_MATH(Log10, std::log10(x))
MILLRACE_MATH(Log2, std::log2(x))
MILLRACE_MATH(Log1p, std::log1p(x))
MILLRACE_MATH(Exp, std::exp(x))
MILLRACE_MATH(Sin, std::sin(x))
MILLRACE_MATH(Cos, std::cos(x))
MILLRACE_MATH(Tan, std::tan(x))
MILLRACE_MATH(Cot, 1.0 / std::tan(x))
MILLRACE_MATH(Asin, std::asin(x))
MILLRACE_MATH(Acos, std::acos(x))
MILLRACE_MATH(Atan, std::atan(x))
MILLRACE_MATH(Sinh, std::sinh(x))
MILLRACE_MATH(Cosh, std::cosh(x))
MILLRACE_MATH(Tanh, std::tanh(x))
MILLRACE_MATH(Degrees, x * (180.0 / std::numbers::pi))
MILLRACE_MATH(Radians, x*(std::numbers::pi / 180.0))
#undef MILLRACE_MATH

struct Power {
  static double Do(double a, double b) { return std::pow(a, b); }
};
struct Atan2 {
  static double Do(double a, double b) { return std::atan2(a, b); }
};
struct LogBase {
  static double Do(double base, double x) { return std::log(x) / std::log(base); }
};

/// Java's conversions: floats saturate at int or long and then lose their high bits; NaN is 0.
template <class From, class To>
To Convert(From x) {
  if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    using Wide = std::conditional_t<sizeof(To) == 8, int64_t, int32_t>;
    constexpr auto kLow = static_cast<From>(std::numeric_limits<Wide>::min());
    if (!(x == x)) return 0;
    if (x <= kLow) return static_cast<To>(std::numeric_limits<Wide>::min());
    if (x >= -kLow) return static_cast<To>(std::numeric_limits<Wide>::max());
    return static_cast<To>(static_cast<Wide>(x));
  } else {
    return static_cast<To>(x);
  }
}

template <class From, class To>
struct Cast {
  static To Do(From x) { return Convert<From, To>(x); }
};
template <class From>
struct CastToBool {
  static uint8_t Do(From x) { return static_cast<uint8_t>(x != From{0}); }
};

}  // namespace millrace::expr

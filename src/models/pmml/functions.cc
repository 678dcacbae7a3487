#include "models/pmml/functions.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>

#include "models/pmml/link_function.h"

namespace millrace::pmml {
namespace {

using Returns = Function::Returns;
using Evaluate = void (*)(const Arguments&, double*);

template <class F>
constexpr Evaluate Unary(F) {
  return [](const Arguments& args, double* out) {
    const double* x = args.columns[0];
    for (int i = 0; i < args.rows(); ++i) out[i] = F{}(x[i]);
  };
}

template <class F>
constexpr Evaluate Binary(F) {
  return [](const Arguments& args, double* out) {
    const double *x = args.columns[0], *y = args.columns[1];
    for (int i = 0; i < args.rows(); ++i) out[i] = F{}(x[i], y[i]);
  };
}

/// Over the arguments of a row that are not missing.
template <class F>
constexpr Evaluate Fold(F) {
  return [](const Arguments& args, double* out) {
    std::vector<double> values;
    for (int i = 0; i < args.rows(); ++i) {
      values.clear();
      for (const double* column : args.columns) {
        if (!IsMissing(column[i])) values.push_back(column[i]);
      }
      out[i] = values.empty() ? kMissing : F{}(values);
    }
  };
}

double Sum(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum;
}

double Median(std::vector<double>& values) {
  std::sort(values.begin(), values.end());
  const size_t n = values.size();
  return n % 2 == 1 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

/// Numbers compare as such, text by its bytes.
template <class F>
constexpr Evaluate Ordered(F) {
  return [](const Arguments& args, double* out) {
    const double *x = args.columns[0], *y = args.columns[1];
    const bool text = args.types[0] == DataType::kString;
    for (int i = 0; i < args.rows(); ++i) {
      if (text && !IsMissing(x[i]) && !IsMissing(y[i])) {
        const Strings& strings = args.frame.strings();
        out[i] = F{}(strings.Text(x[i]).compare(strings.Text(y[i])), 0);
      } else {
        out[i] = F{}(x[i], y[i]);
      }
    }
  };
}

void Divide(const Arguments& args, double* out) {
  const double *x = args.columns[0], *y = args.columns[1];
  const bool whole = args.types[0] == DataType::kInteger && args.types[1] == DataType::kInteger;
  for (int i = 0; i < args.rows(); ++i) {
    const double quotient = x[i] / y[i];
    out[i] = !whole ? quotient : y[i] == 0 ? kMissing : std::trunc(quotient);
  }
}

template <bool expected>
void IsIn(const Arguments& args, double* out) {
  for (int i = 0; i < args.rows(); ++i) {
    bool found = false;
    for (size_t k = 1; k < args.columns.size(); ++k)
      found = found || args.columns[k][i] == args.columns[0][i];
    out[i] = found == expected;
  }
}

/// Three-valued: a missing argument decides nothing.
template <bool decisive>
void Connect(const Arguments& args, double* out) {
  for (int i = 0; i < args.rows(); ++i) {
    bool decided = false, missing = false;
    for (const double* column : args.columns) {
      if (IsMissing(column[i]))
        missing = true;
      else
        decided = decided || (column[i] != 0) == decisive;
    }
    out[i] = decided ? decisive : missing ? kMissing : !decisive;
  }
}

void If(const Arguments& args, double* out) {
  for (int i = 0; i < args.rows(); ++i) {
    const double flag = args.columns[0][i];
    if (IsMissing(flag))
      out[i] = kMissing;
    else if (flag != 0)
      out[i] = args.columns[1][i];
    else
      out[i] = args.columns.size() > 2 ? args.columns[2][i] : kMissing;
  }
}

double Round(double x) { return std::floor(x + 0.5); }
double Modulo(double x, double y) { return x - std::floor(x / y) * y; }
double NormalDensity(double x, double mean, double deviation) {
  const double z = (x - mean) / deviation;
  return std::exp(-z * z / 2) / (deviation * std::sqrt(2 * std::numbers::pi));
}

/// Acklam's approximation, then one step of Halley's method.
double NormalQuantile(double p) {
  if (!(p > 0 && p < 1)) return p == 0 ? -INFINITY : p == 1 ? INFINITY : kMissing;
  constexpr double a[] = {-3.969683028665376e+01, 2.209460984245205e+02,  -2.759285104469687e+02,
                          1.383577518672690e+02,  -3.066479806614716e+01, 2.506628277459239e+00};
  constexpr double b[] = {-5.447609879822406e+01, 1.615858368580409e+02, -1.556989798598866e+02,
                          6.680131188771972e+01, -1.328068155288572e+01};
  constexpr double c[] = {-7.784894002430293e-03, -3.223964580411365e-01, -2.400758277161838e+00,
                          -2.549732539343734e+00, 4.374664141464968e+00,  2.938163982698783e+00};
  constexpr double d[] = {7.784695709041462e-03, 3.224671290700398e-01, 2.445134137142996e+00,
                          3.754408661907416e+00};
  constexpr double kLow = 0.02425;
  const auto tail = [&](double q) {
    return (((((c[0] * q + c[1]) * q + c[2]) * q + c[3]) * q + c[4]) * q + c[5]) /
           ((((d[0] * q + d[1]) * q + d[2]) * q + d[3]) * q + 1);
  };
  double x;
  if (p < kLow) {
    x = tail(std::sqrt(-2 * std::log(p)));
  } else if (p > 1 - kLow) {
    x = -tail(std::sqrt(-2 * std::log(1 - p)));
  } else {
    const double q = p - 0.5, r = q * q;
    x = (((((a[0] * r + a[1]) * r + a[2]) * r + a[3]) * r + a[4]) * r + a[5]) * q /
        (((((b[0] * r + b[1]) * r + b[2]) * r + b[3]) * r + b[4]) * r + 1);
  }
  for (int step = 0; step < 2; ++step) {
    const double error = NormalCdf(x) - p;
    const double u = error * std::sqrt(2 * std::numbers::pi) * std::exp(x * x / 2);
    x -= u / (1 + x * u / 2);
  }
  return x;
}

template <class F>
constexpr Evaluate Normal(F) {
  return [](const Arguments& args, double* out) {
    for (int i = 0; i < args.rows(); ++i)
      out[i] = F{}(args.columns[0][i], args.columns[1][i], args.columns[2][i]);
  };
}

const std::map<std::string_view, Function>& Functions() {
  static const auto& functions = *[] {
    std::vector<Function> all = {
        {"+", 2, 2, Returns::kNumber, false, Binary([](double x, double y) { return x + y; })},
        {"-", 2, 2, Returns::kNumber, false, Binary([](double x, double y) { return x - y; })},
        {"*", 2, 2, Returns::kNumber, false, Binary([](double x, double y) { return x * y; })},
        {"/", 2, 2, Returns::kNumber, false, Divide},
        {"min", 1, -1, Returns::kNumber, true,
         Fold([](std::vector<double>& v) { return *std::min_element(v.begin(), v.end()); })},
        {"max", 1, -1, Returns::kNumber, true,
         Fold([](std::vector<double>& v) { return *std::max_element(v.begin(), v.end()); })},
        {"sum", 1, -1, Returns::kNumber, true, Fold([](std::vector<double>& v) { return Sum(v); })},
        {"avg", 1, -1, Returns::kDouble, true,
         Fold([](std::vector<double>& v) { return Sum(v) / static_cast<double>(v.size()); })},
        {"median", 1, -1, Returns::kDouble, true,
         Fold([](std::vector<double>& v) { return Median(v); })},
        {"product", 1, -1, Returns::kNumber, true, Fold([](std::vector<double>& v) {
           double p = 1;
           for (const double x : v) p *= x;
           return p;
         })},
        {"log10", 1, 1, Returns::kDouble, false, Unary([](double x) { return std::log10(x); })},
        {"ln", 1, 1, Returns::kDouble, false, Unary([](double x) { return std::log(x); })},
        {"ln1p", 1, 1, Returns::kDouble, false, Unary([](double x) { return std::log1p(x); })},
        {"exp", 1, 1, Returns::kDouble, false, Unary([](double x) { return std::exp(x); })},
        {"expm1", 1, 1, Returns::kDouble, false, Unary([](double x) { return std::expm1(x); })},
        {"sqrt", 1, 1, Returns::kDouble, false, Unary([](double x) { return std::sqrt(x); })},
        {"abs", 1, 1, Returns::kNumber, false, Unary([](double x) { return std::abs(x); })},
        {"pow", 2, 2, Returns::kNumber, false,
         Binary([](double x, double y) { return std::pow(x, y); })},
        {"hypot", 2, 2, Returns::kDouble, false,
         Binary([](double x, double y) { return std::hypot(x, y); })},
        {"atan2", 2, 2, Returns::kDouble, false,
         Binary([](double x, double y) { return std::atan2(x, y); })},
        {"modulo", 2, 2, Returns::kNumber, false,
         Binary([](double x, double y) { return Modulo(x, y); })},
        {"threshold", 2, 2, Returns::kInteger, false,
         Binary([](double x, double y) { return x > y ? 1.0 : 0.0; })},
        {"floor", 1, 1, Returns::kInteger, false, Unary([](double x) { return std::floor(x); })},
        {"ceil", 1, 1, Returns::kInteger, false, Unary([](double x) { return std::ceil(x); })},
        {"round", 1, 1, Returns::kInteger, false, Unary([](double x) { return Round(x); })},
        {"rint", 1, 1, Returns::kDouble, false, Unary([](double x) { return std::nearbyint(x); })},
        {"sin", 1, 1, Returns::kDouble, false, Unary([](double x) { return std::sin(x); })},
        {"asin", 1, 1, Returns::kDouble, false, Unary([](double x) { return std::asin(x); })},
        {"sinh", 1, 1, Returns::kDouble, false, Unary([](double x) { return std::sinh(x); })},
        {"cos", 1, 1, Returns::kDouble, false, Unary([](double x) { return std::cos(x); })},
        {"acos", 1, 1, Returns::kDouble, false, Unary([](double x) { return std::acos(x); })},
        {"cosh", 1, 1, Returns::kDouble, false, Unary([](double x) { return std::cosh(x); })},
        {"tan", 1, 1, Returns::kDouble, false, Unary([](double x) { return std::tan(x); })},
        {"atan", 1, 1, Returns::kDouble, false, Unary([](double x) { return std::atan(x); })},
        {"tanh", 1, 1, Returns::kDouble, false, Unary([](double x) { return std::tanh(x); })},
        {"erf", 1, 1, Returns::kDouble, false, Unary([](double x) { return std::erf(x); })},
        {"normalCDF", 3, 3, Returns::kDouble, false,
         Normal([](double x, double m, double s) { return NormalCdf((x - m) / s); })},
        {"normalPDF", 3, 3, Returns::kDouble, false,
         Normal([](double x, double m, double s) { return NormalDensity(x, m, s); })},
        {"normalIDF", 3, 3, Returns::kDouble, false,
         Normal([](double p, double m, double s) { return m + s * NormalQuantile(p); })},
        {"stdNormalCDF", 1, 1, Returns::kDouble, false,
         Unary([](double x) { return NormalCdf(x); })},
        {"stdNormalPDF", 1, 1, Returns::kDouble, false,
         Unary([](double x) { return NormalDensity(x, 0, 1); })},
        {"stdNormalIDF", 1, 1, Returns::kDouble, false,
         Unary([](double p) { return NormalQuantile(p); })},
        {"isMissing", 1, 1, Returns::kBoolean, true,
         Unary([](double x) { return x != x ? 1.0 : 0.0; })},
        {"isNotMissing", 1, 1, Returns::kBoolean, true,
         Unary([](double x) { return x == x ? 1.0 : 0.0; })},
        {"isValid", 1, 1, Returns::kBoolean, true,
         Unary([](double x) { return x == x ? 1.0 : 0.0; })},
        {"isNotValid", 1, 1, Returns::kBoolean, true,
         Unary([](double x) { return x != x ? 1.0 : 0.0; })},
        {"equal", 2, 2, Returns::kBoolean, false,
         Binary([](double x, double y) { return x == y ? 1.0 : 0.0; })},
        {"notEqual", 2, 2, Returns::kBoolean, false,
         Binary([](double x, double y) { return x != y ? 1.0 : 0.0; })},
        {"lessThan", 2, 2, Returns::kBoolean, false,
         Ordered([](auto x, auto y) { return x < y ? 1.0 : 0.0; })},
        {"lessOrEqual", 2, 2, Returns::kBoolean, false,
         Ordered([](auto x, auto y) { return x <= y ? 1.0 : 0.0; })},
        {"greaterThan", 2, 2, Returns::kBoolean, false,
         Ordered([](auto x, auto y) { return x > y ? 1.0 : 0.0; })},
        {"greaterOrEqual", 2, 2, Returns::kBoolean, false,
         Ordered([](auto x, auto y) { return x >= y ? 1.0 : 0.0; })},
        {"isIn", 2, -1, Returns::kBoolean, true, IsIn<true>},
        {"isNotIn", 2, -1, Returns::kBoolean, true, IsIn<false>},
        {"and", 2, -1, Returns::kBoolean, true, Connect<false>},
        {"or", 2, -1, Returns::kBoolean, true, Connect<true>},
        {"not", 1, 1, Returns::kBoolean, false, Unary([](double x) { return x == 0 ? 1.0 : 0.0; })},
        {"if", 2, 3, Returns::kSecond, true, If},
    };
    const auto text = TextFunctions();
    all.insert(all.end(), text.begin(), text.end());
    auto* by_name = new std::map<std::string_view, Function>;
    for (const Function& function : all) by_name->emplace(function.name, function);
    return by_name;
  }();
  return functions;
}

}  // namespace

const Function* FindFunction(std::string_view name) {
  const auto at = Functions().find(name);
  return at == Functions().end() ? nullptr : &at->second;
}

std::vector<std::string> FunctionNames() {
  std::vector<std::string> names;
  for (const auto& [name, function] : Functions()) names.emplace_back(name);
  return names;
}

DataType TypeOf(const Function& function, const std::vector<DataType>& arguments) {
  switch (function.returns) {
    case Returns::kDouble:
      return DataType::kDouble;
    case Returns::kInteger:
      return DataType::kInteger;
    case Returns::kBoolean:
      return DataType::kBoolean;
    case Returns::kString:
      return DataType::kString;
    case Returns::kFirst:
      return arguments[0];
    case Returns::kSecond: {
      // The wider one of two numbers.
      DataType type = arguments[1];
      if (arguments.size() > 2 && IsNumber(type) && IsNumber(arguments[2]))
        type = std::max(type, arguments[2]);
      return type;
    }
    case Returns::kNumber:
      break;
  }
  DataType widest = DataType::kInteger;
  for (const DataType type : arguments)
    widest = std::max(widest, IsNumber(type) ? type : DataType::kDouble);
  return widest;
}

}  // namespace millrace::pmml

#include "models/pmml/expression.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "models/pmml/apply.h"
#include "models/pmml/interval.h"
#include "models/pmml/text_index.h"

namespace millrace::pmml {
namespace {

constexpr int kDeepest = 2000;  // the compiler and what it makes recurse

class ConstantExpression final : public Expression {
 public:
  ConstantExpression(double value, DataType type) : Expression(type), value_(value) {}
  void Evaluate(Frame& frame, double* out) const override {
    std::fill_n(out, frame.rows(), value_);
  }

 private:
  double value_;
};

class FieldExpression final : public Expression {
 public:
  FieldExpression(const Field& field, double if_missing)
      : Expression(field.type), slot_(field.slot), if_missing_(if_missing) {}
  void Evaluate(Frame& frame, double* out) const override {
    const double* in = frame.Read(slot_);
    for (int i = 0; i < frame.rows(); ++i) out[i] = IsMissing(in[i]) ? if_missing_ : in[i];
  }

 private:
  Slot slot_;
  double if_missing_;
};

class Conversion final : public Expression {
 public:
  Conversion(DataType type, std::unique_ptr<Expression> from)
      : Expression(type), from_(std::move(from)) {}
  void Evaluate(Frame& frame, double* out) const override {
    from_->Evaluate(frame, out);
    for (int i = 0; i < frame.rows(); ++i)
      out[i] = Convert(out[i], from_->type(), type(), frame.strings());
  }

 private:
  std::unique_ptr<Expression> from_;
};

class NormContinuous final : public Expression {
 public:
  NormContinuous(const Element& element, Scope& scope)
      : Expression(DataType::kDouble),
        slot_(scope.Require(element).slot),
        if_missing_(element.Number("mapMissingTo", kMissing)),
        outliers_(element.Choice<Outliers>(
            "outliers",
            {{"asIs", kAsIs}, {"asMissingValues", kAsMissing}, {"asExtremeValues", kAsExtreme}})) {
    for (const Element& point : element.Children("LinearNorm"))
      points_.emplace_back(point.Number("orig"), point.Number("norm"));
    if (points_.size() < 2) element.Fail("needs two <LinearNorm> at the least");
    for (size_t i = 1; i < points_.size(); ++i) {
      if (points_[i].first <= points_[i - 1].first)
        element.Fail("has <LinearNorm> whose 'orig' do not increase");
    }
  }
  void Evaluate(Frame& frame, double* out) const override {
    const double* in = frame.Read(slot_);
    for (int i = 0; i < frame.rows(); ++i) out[i] = Map(in[i]);
  }

 private:
  enum Outliers { kAsIs, kAsMissing, kAsExtreme };

  double Map(double x) const {
    if (IsMissing(x)) return if_missing_;
    if (x < points_.front().first || x > points_.back().first) {
      if (outliers_ == kAsMissing) return if_missing_;
      if (outliers_ == kAsExtreme)
        return x < points_.front().first ? points_.front().second : points_.back().second;
    }
    size_t at = 1;
    while (at + 1 < points_.size() && x > points_[at].first) ++at;
    const auto& [x0, y0] = points_[at - 1];
    const auto& [x1, y1] = points_[at];
    return y0 + (x - x0) / (x1 - x0) * (y1 - y0);
  }

  Slot slot_;
  double if_missing_;
  Outliers outliers_;
  std::vector<std::pair<double, double>> points_;
};

class NormDiscrete final : public Expression {
 public:
  NormDiscrete(const Element& element, const Field& field, double value)
      : Expression(DataType::kDouble),
        slot_(field.slot),
        value_(value),
        if_missing_(element.Number("mapMissingTo", kMissing)) {}
  void Evaluate(Frame& frame, double* out) const override {
    const double* in = frame.Read(slot_);
    for (int i = 0; i < frame.rows(); ++i)
      out[i] = IsMissing(in[i]) ? if_missing_ : (in[i] == value_ ? 1.0 : 0.0);
  }

 private:
  Slot slot_;
  double value_, if_missing_;
};

double OptionalConstant(const Element& element, const char* attribute, DataType type,
                        Scope& scope) {
  if (!element.Has(attribute)) return kMissing;
  return ParseConstant(element, element.Text(attribute), type, scope.compiler().pool);
}

class Discretize final : public Expression {
 public:
  Discretize(const Element& element, Scope& scope)
      : Expression(DataTypeOf(element, DataType::kString)),
        slot_(scope.Require(element).slot),
        if_missing_(OptionalConstant(element, "mapMissingTo", type(), scope)),
        otherwise_(OptionalConstant(element, "defaultValue", type(), scope)) {
    for (const Element& bin : element.Children("DiscretizeBin")) {
      bins_.emplace_back(
          Interval::Read(bin.Require("Interval")),
          ParseConstant(bin, bin.RequireText("binValue"), type(), scope.compiler().pool));
    }
  }
  void Evaluate(Frame& frame, double* out) const override {
    const double* in = frame.Read(slot_);
    for (int i = 0; i < frame.rows(); ++i) {
      const auto at = std::find_if(bins_.begin(), bins_.end(),
                                   [&](const auto& bin) { return bin.first.Contains(in[i]); });
      out[i] = IsMissing(in[i]) ? if_missing_ : at == bins_.end() ? otherwise_ : at->second;
    }
  }

 private:
  Slot slot_;
  double if_missing_, otherwise_;
  std::vector<std::pair<Interval, double>> bins_;
};

class MapValues final : public Expression {
 public:
  MapValues(const Element& element, Scope& scope)
      : Expression(DataTypeOf(element, DataType::kString)),
        if_missing_(OptionalConstant(element, "mapMissingTo", type(), scope)),
        otherwise_(OptionalConstant(element, "defaultValue", type(), scope)) {
    const std::string output = element.RequireText("outputColumn");
    std::vector<std::string> columns;
    std::vector<DataType> types;
    for (const Element& pair : element.Children("FieldColumnPair")) {
      const Field& field = scope.Require(pair);
      slots_.push_back(field.slot);
      types.push_back(field.type);
      columns.push_back(pair.RequireText("column"));
    }
    const Element table = element.Require("InlineTable");
    for (const Element& row : table.Children("row")) {
      std::vector<double> key;
      for (size_t i = 0; i < columns.size(); ++i) {
        const Element cell = row.Child(columns[i]);
        if (!cell) row.Fail("lacks the column '" + columns[i] + "'");
        key.push_back(ParseConstant(cell, cell.text(), types[i], scope.compiler().pool));
      }
      const Element cell = row.Child(output);
      if (!cell) row.Fail("lacks the column '" + output + "'");
      rows_.emplace(std::move(key),
                    ParseConstant(cell, cell.text(), type(), scope.compiler().pool));
    }
  }
  void Evaluate(Frame& frame, double* out) const override {
    std::vector<double> key(slots_.size());
    for (int i = 0; i < frame.rows(); ++i) {
      bool missing = false;
      for (size_t k = 0; k < key.size(); ++k) {
        key[k] = frame.Read(slots_[k])[i];
        missing = missing || IsMissing(key[k]);
      }
      const auto at = missing ? rows_.end() : rows_.find(key);
      out[i] = missing ? if_missing_ : at == rows_.end() ? otherwise_ : at->second;
    }
  }

 private:
  double if_missing_, otherwise_;
  std::vector<Slot> slots_;
  std::map<std::vector<double>, double> rows_;
};

constexpr std::string_view kExpressions[] = {
    "Constant",  "FieldRef", "NormContinuous", "NormDiscrete", "Discretize",
    "MapValues", "Apply",    "TextIndex",      "Aggregate",    "Lag"};

std::unique_ptr<Expression> CompileConstant(const Element& element, Scope& scope) {
  const std::string text(element.text());
  double number;
  const DataType natural = !ParseNumber(text, &number) ? DataType::kString
                           : text.find_first_not_of("+-0123456789") == text.npos
                               ? DataType::kInteger
                               : DataType::kDouble;
  const DataType type = DataTypeOf(element, natural);
  const double value = element.Flag("missing", false)
                           ? kMissing
                           : ParseConstant(element, text, type, scope.compiler().pool);
  return std::make_unique<ConstantExpression>(value, type);
}

}  // namespace

Element ExpressionOf(const Element& element) {
  for (const Element& child : element.Children()) {
    if (std::find(std::begin(kExpressions), std::end(kExpressions), child.name()) !=
        std::end(kExpressions)) {
      return child;
    }
  }
  return {};
}

namespace {

std::unique_ptr<Expression> CompileAny(const Element& element, Scope& scope) {
  if (element.Is("Constant")) return CompileConstant(element, scope);
  if (element.Is("FieldRef")) {
    const Field& field = scope.Require(element);
    return std::make_unique<FieldExpression>(
        field, OptionalConstant(element, "mapMissingTo", field.type, scope));
  }
  if (element.Is("NormContinuous")) return std::make_unique<NormContinuous>(element, scope);
  if (element.Is("NormDiscrete")) {
    const Field& field = scope.Require(element);
    return std::make_unique<NormDiscrete>(
        element, field,
        ParseConstant(element, element.RequireText("value"), field.type, scope.compiler().pool));
  }
  if (element.Is("Discretize")) return std::make_unique<Discretize>(element, scope);
  if (element.Is("MapValues")) return std::make_unique<MapValues>(element, scope);
  if (element.Is("Apply")) return CompileApply(element, scope);
  if (element.Is("TextIndex")) return CompileTextIndex(element, scope);
  element.FailUnsupported("this expression",
                          "Constant, FieldRef, NormContinuous, NormDiscrete, Discretize, "
                          "MapValues, Apply, TextIndex");
}

}  // namespace

std::unique_ptr<Expression> CompileExpression(const Element& element, Scope& scope) {
  Compiler& compiler = scope.compiler();
  compiler.Spend(element);
  if (++compiler.depth > kDeepest) element.Fail("lies too deep in other expressions and functions");
  auto expression = CompileAny(element, scope);
  --compiler.depth;
  return expression;
}

std::unique_ptr<Expression> CompileDerived(const Element& field, Scope& scope) {
  const Element element = ExpressionOf(field);
  if (!element) field.Fail("has no expression");
  auto expression = CompileExpression(element, scope);
  const DataType type = DataTypeOf(field, expression->type());
  return ConvertTo(type, std::move(expression));
}

std::unique_ptr<Expression> ConvertTo(DataType type, std::unique_ptr<Expression> expression) {
  if (expression->type() == type) return expression;
  return std::make_unique<Conversion>(type, std::move(expression));
}

}  // namespace millrace::pmml

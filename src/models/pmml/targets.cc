#include "models/pmml/targets.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace millrace::pmml {
namespace {

enum class Cast { kNone, kRound, kCeiling, kFloor };

class Rescale final : public Step {
 public:
  Rescale(const Element& element, Slot slot)
      : slot_(slot),
        low_(element.Number("min", -std::numeric_limits<double>::infinity())),
        high_(element.Number("max", std::numeric_limits<double>::infinity())),
        factor_(element.Number("rescaleFactor", 1)),
        constant_(element.Number("rescaleConstant", 0)) {
    if (element.Has("castInteger"))
      cast_ = element.Choice<Cast>(
          "castInteger",
          {{"round", Cast::kRound}, {"ceiling", Cast::kCeiling}, {"floor", Cast::kFloor}});
    for (const Element& value : element.Children("TargetValue")) {
      if (value.Has("defaultValue")) default_ = value.Number("defaultValue");
    }
  }

  void Run(Frame& frame, Active) const override {
    const double* in = frame.Read(slot_);
    Scratch copy(frame);
    const int n = frame.rows();
    for (int i = 0; i < n; ++i) {
      const double x = IsMissing(in[i]) ? default_ : in[i];
      copy[i] = (x < low_ ? low_ : x > high_ ? high_ : x) * factor_ + constant_;
    }
    double* out = frame.Write(slot_);
    for (int i = 0; i < n; ++i) {
      switch (cast_) {
        case Cast::kNone:
          out[i] = copy[i];
          break;
        case Cast::kRound:
          out[i] = std::floor(copy[i] + 0.5);
          break;
        case Cast::kCeiling:
          out[i] = std::ceil(copy[i]);
          break;
        case Cast::kFloor:
          out[i] = std::floor(copy[i]);
          break;
      }
    }
  }

  Cast cast() const { return cast_; }

 private:
  Slot slot_;
  double low_, high_, factor_, constant_;
  double default_ = kMissing;
  Cast cast_ = Cast::kNone;
};

/// Where a classification has no result: the categories as the targets expect them.
class Expect final : public Step {
 public:
  Expect(const ModelResult& result, std::vector<double> priors)
      : result_(result), priors_(std::move(priors)) {
    const auto best = std::max_element(priors_.begin(), priors_.end());
    value_ = result.categories[static_cast<size_t>(best - priors_.begin())].value;
  }

  void Run(Frame& frame, Active) const override {
    for (int i = 0; i < frame.rows(); ++i) {
      if (!IsMissing(frame.Read(result_.value)[i])) continue;
      frame.Write(result_.value)[i] = value_;
      for (size_t k = 0; k < priors_.size(); ++k)
        frame.Write(result_.categories[k].probability)[i] = priors_[k];
    }
  }

 private:
  ModelResult result_;
  std::vector<double> priors_;
  double value_;
};

Element TargetOf(const Element& targets, const std::string& name) {
  if (!targets) return {};
  for (const Element& target : targets.Children("Target")) {
    if (!target.Has("field") || target.Text("field") == name) return target;
  }
  return {};
}

}  // namespace

void CompileTargets(const Element& targets, Compiler& compiler, const std::string& name,
                    ModelResult* result, Steps* steps) {
  const Element target = TargetOf(targets, name);
  if (!target) return;
  if (result->function == MiningFunction::kRegression) {
    auto step = std::make_unique<Rescale>(target, result->value);
    if (step->cast() != Cast::kNone) result->type = DataType::kInteger;
    steps->push_back(std::move(step));
    return;
  }
  std::vector<double> priors(result->categories.size(), 0);
  bool any = false;
  for (const Element& value : target.Children("TargetValue")) {
    if (!value.Has("priorProbability")) continue;
    const double constant =
        ParseConstant(value, value.RequireText("value"), result->type, compiler.pool);
    for (size_t k = 0; k < priors.size(); ++k) {
      if (result->categories[k].value != constant) continue;
      priors[k] = value.Number("priorProbability");
      any = true;
    }
  }
  if (any) steps->push_back(std::make_unique<Expect>(*result, std::move(priors)));
}

std::vector<std::pair<double, double>> DisplayValues(const Element& targets,
                                                     const ModelResult& result, const Field& target,
                                                     StringPool& pool) {
  std::vector<std::pair<double, double>> texts;
  const auto read = [&](const Element& value) {
    if (!value.Has("displayValue")) return;
    texts.emplace_back(ParseConstant(value, value.RequireText("value"), result.type, pool),
                       pool.Code(value.Text("displayValue")));
  };
  if (const Element element = TargetOf(targets, target.name)) {
    for (const Element& value : element.Children("TargetValue")) read(value);
  }
  if (target.declaration) {
    for (const Element& value : target.declaration.Children("Value")) read(value);
  }
  return texts;
}

}  // namespace millrace::pmml

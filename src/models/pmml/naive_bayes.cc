#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>
#include <optional>

#include "models/pmml/expression.h"
#include "models/pmml/link_function.h"
#include "models/pmml/model.h"

namespace millrace::pmml {
namespace {

struct Distribution {
  enum class Kind { kGaussian, kPoisson } kind;
  double mean, variance;

  double LogDensity(double x) const {
    if (kind == Kind::kPoisson) return x * std::log(mean) - mean - std::lgamma(x + 1);
    return -(x - mean) * (x - mean) / (2 * variance) -
           std::log(2 * std::numbers::pi * variance) / 2;
  }
};

/// What one field says of each category.
struct Evidence {
  Slot slot = kNoSlot;
  std::unique_ptr<Expression> derived;                     ///< fills `slot`, where there is one
  std::map<double, std::vector<double>> logs;              ///< by value, then category
  std::vector<std::optional<Distribution>> distributions;  ///< by category
};

class NaiveBayes final : public Model {
 public:
  NaiveBayes(const Element& element, const ModelContext& context)
      : threshold_(std::log(element.Number("threshold"))) {
    const Element output = element.Require("BayesOutput");
    const Element counts = output.Require("TargetValueCounts");
    std::vector<double> values;
    for (const Element& count : counts.Children("TargetValueCount")) {
      values.push_back(context.TargetValue(count, count.RequireText("value")));
      priors_.push_back(std::log(count.Number("count")));
    }
    if (values.empty()) counts.Fail("has no <TargetValueCount>");
    AddCategories(context, values);
    for (const Element& input : element.Require("BayesInputs").Children("BayesInput"))
      evidence_.push_back(ReadInput(input, context));
  }

  void Run(Frame& frame, Active) const override {
    const int n = frame.rows();
    std::vector<double*> columns;
    for (size_t k = 0; k < result.categories.size(); ++k) {
      columns.push_back(frame.Write(result.categories[k].probability));
      std::fill_n(columns[k], n, priors_[k]);
    }
    for (const Evidence& evidence : evidence_) {
      if (evidence.derived != nullptr)
        evidence.derived->Evaluate(frame, frame.Write(evidence.slot));
      const double* x = frame.Read(evidence.slot);
      for (int i = 0; i < n; ++i) Add(evidence, x[i], i, columns);
    }
    SoftMax(columns, n);
    ChooseGreatest(frame);
  }

 private:
  void Add(const Evidence& evidence, double x, int row, const std::vector<double*>& columns) const {
    if (IsMissing(x)) return;
    if (!evidence.distributions.empty()) {
      for (size_t k = 0; k < columns.size(); ++k) {
        if (const auto& distribution = evidence.distributions[k])
          columns[k][row] += std::max(distribution->LogDensity(x), threshold_);
      }
      return;
    }
    const auto at = evidence.logs.find(x);
    if (at == evidence.logs.end()) return;
    for (size_t k = 0; k < columns.size(); ++k) columns[k][row] += at->second[k];
  }

  Evidence ReadInput(const Element& element, const ModelContext& context) {
    Evidence evidence;
    DataType type;
    if (const Element derived = element.Child("DerivedField")) {
      evidence.derived = CompileDerived(derived, context.scope);
      evidence.slot = context.compiler().NewSlot();
      type = evidence.derived->type();
    } else {
      const Field& field = context.scope.Require(element, "fieldName");
      evidence.slot = field.slot;
      type = field.type;
    }
    if (const Element stats = element.Child("TargetValueStats")) {
      evidence.distributions.resize(result.categories.size());
      for (const Element& stat : stats.Children("TargetValueStat"))
        evidence.distributions[CategoryOf(stat, context)] = ReadDistribution(stat);
      return evidence;
    }
    std::map<double, std::vector<double>> counts;
    std::vector<double> totals(result.categories.size(), 0);
    for (const Element& pair : element.Children("PairCounts")) {
      auto& own =
          counts[ParseConstant(pair, pair.RequireText("value"), type, context.compiler().pool)];
      own.assign(totals.size(), 0);
      for (const Element& count : pair.Require("TargetValueCounts").Children("TargetValueCount")) {
        const size_t k = CategoryOf(count, context);
        own[k] = count.Number("count");
        totals[k] += own[k];
      }
    }
    for (auto& [value, own] : counts) {
      for (size_t k = 0; k < own.size(); ++k)
        own[k] = own[k] > 0 ? std::log(own[k] / totals[k]) : threshold_;
    }
    evidence.logs = std::move(counts);
    return evidence;
  }

  size_t CategoryOf(const Element& element, const ModelContext& context) const {
    const int k = IndexOf(context.TargetValue(element, element.RequireText("value")));
    if (k < 0)
      element.Fail("names the category '" + element.Text("value") +
                   "', which the <BayesOutput> does not have");
    return static_cast<size_t>(k);
  }

  static Distribution ReadDistribution(const Element& stat) {
    if (const Element gaussian = stat.Child("GaussianDistribution"))
      return {Distribution::Kind::kGaussian, gaussian.Number("mean"), gaussian.Number("variance")};
    if (const Element poisson = stat.Child("PoissonDistribution"))
      return {Distribution::Kind::kPoisson, poisson.Number("mean"), 0};
    stat.FailUnsupported("this distribution", "GaussianDistribution, PoissonDistribution");
  }

  const double threshold_;  ///< its logarithm
  std::vector<double> priors_;
  std::vector<Evidence> evidence_;
};

}  // namespace

std::unique_ptr<Model> CompileNaiveBayes(const Element& element, const ModelContext& context) {
  return std::make_unique<NaiveBayes>(element, context);
}

}  // namespace millrace::pmml

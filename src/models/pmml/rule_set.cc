#include <algorithm>
#include <array>
#include <map>

#include "models/pmml/model.h"
#include "models/pmml/predicate.h"

namespace millrace::pmml {
namespace {

using Builder = DecisionGraphBuilder;

enum class Criterion { kFirstHit, kWeightedSum, kWeightedMax };

struct Rule {
  DecisionGraph predicate;  ///< leaf 1: it fires
  double score, entity, weight, confidence;
  int category = -1;
};

class RuleSetModel final : public Model {
 public:
  RuleSetModel(const Element& element, const ModelContext& context) {
    const Element set = element.Require("RuleSet");
    // The first method is the one that counts.
    criterion_ = set.Require("RuleSelectionMethod")
                     .Choice<Criterion>("criterion", {{"firstHit", Criterion::kFirstHit},
                                                      {"weightedSum", Criterion::kWeightedSum},
                                                      {"weightedMax", Criterion::kWeightedMax}});
    std::vector<double> values;
    if (context.target != nullptr) values = context.target->values;
    Read(set, {}, context, &values);
    if (set.Has("defaultScore")) default_ = context.TargetValue(set, set.Text("defaultScore"));
    default_confidence_ = set.Number("defaultConfidence", kMissing);
    if (!IsMissing(default_) && std::find(values.begin(), values.end(), default_) == values.end())
      values.push_back(default_);
    AddCategories(context, values);
    result.probabilities = false;
    result.confidence = context.compiler().NewResult();
    result.entity = context.compiler().NewResult();
    for (Rule& rule : rules_) rule.category = IndexOf(rule.score);
  }

  void Run(Frame& frame, Active) const override {
    const int n = frame.rows();
    std::vector<std::array<int32_t, kBlockRows>> fired(rules_.size());
    for (size_t r = 0; r < rules_.size(); ++r) rules_[r].predicate.Evaluate(frame, fired[r].data());
    double* value = frame.Write(result.value);
    double* confidence = frame.Write(result.confidence);
    double* entity = frame.Write(result.entity);
    std::vector<double*> columns;
    for (const Category& category : result.categories)
      columns.push_back(frame.Write(category.probability));
    for (int i = 0; i < n; ++i) {
      const Choice choice = Choose(fired, static_cast<size_t>(i));
      value[i] = choice.rule == nullptr ? default_ : choice.rule->score;
      entity[i] = choice.rule == nullptr ? kMissing : choice.rule->entity;
      confidence[i] = choice.confidence;
      for (size_t k = 0; k < columns.size(); ++k)
        columns[k][i] = result.categories[k].value == value[i] ? choice.confidence : 0;
    }
  }

 private:
  struct Choice {
    const Rule* rule;
    double confidence;
  };

  void Read(const Element& parent, std::vector<Element> above, const ModelContext& context,
            std::vector<double>* values) {
    for (const Element& element : parent.Children()) {
      if (!element.Is("SimpleRule") && !element.Is("CompoundRule")) continue;
      std::vector<Element> predicates = above;
      predicates.push_back(PredicateOf(element));
      if (element.Is("CompoundRule")) {
        Read(element, std::move(predicates), context, values);
        continue;
      }
      Rule rule;
      Builder builder;
      Builder::Target ahead = Builder::Leaf(1);
      for (size_t i = predicates.size(); i-- > 0;) {
        ahead = CompilePredicate(predicates[i], context.scope, builder,
                                 {ahead, Builder::Leaf(0), Builder::Leaf(0)});
      }
      rule.predicate = std::move(builder).Finish(ahead, 2);
      rule.score = context.TargetValue(element, element.RequireText("score"));
      rule.entity = element.Has("id") ? context.compiler().pool.Code(element.Text("id")) : kMissing;
      rule.weight = element.Number("weight", 1);
      rule.confidence = element.Number("confidence", 1);
      if (std::find(values->begin(), values->end(), rule.score) == values->end())
        values->push_back(rule.score);
      rules_.push_back(std::move(rule));
    }
  }

  Choice Choose(const std::vector<std::array<int32_t, kBlockRows>>& fired, size_t row) const {
    const Rule* best = nullptr;
    std::map<double, double> sums;
    double hits = 0;
    for (size_t r = 0; r < rules_.size(); ++r) {
      if (fired[r][row] != 1) continue;
      const Rule& rule = rules_[r];
      if (criterion_ == Criterion::kFirstHit) return {&rule, rule.confidence};
      if (best == nullptr || rule.weight > best->weight) best = &rule;
      sums[rule.score] += rule.weight;
      ++hits;
    }
    if (best == nullptr) return {nullptr, default_confidence_};
    if (criterion_ == Criterion::kWeightedMax) return {best, best->confidence};
    // The first rule of the score with the greatest sum stands for it.
    const Rule* winner = nullptr;
    for (size_t r = 0; r < rules_.size(); ++r) {
      if (fired[r][row] != 1) continue;
      if (winner == nullptr || sums[rules_[r].score] > sums[winner->score]) winner = &rules_[r];
    }
    return {winner, sums[winner->score] / hits};
  }

  Criterion criterion_;
  double default_ = kMissing, default_confidence_;
  std::vector<Rule> rules_;
};

}  // namespace

std::unique_ptr<Model> CompileRuleSet(const Element& element, const ModelContext& context) {
  return std::make_unique<RuleSetModel>(element, context);
}

}  // namespace millrace::pmml

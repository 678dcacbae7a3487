#include "models/pmml/output.h"

#include <algorithm>

#include "models/pmml/expression.h"
#include "models/pmml/targets.h"

namespace millrace::pmml {
namespace {

/// A column that exists already, as an expression.
class ColumnExpression final : public Expression {
 public:
  ColumnExpression(Slot slot, DataType type) : Expression(type), slot_(slot) {}
  void Evaluate(Frame& frame, double* out) const override {
    std::copy_n(frame.Read(slot_), frame.rows(), out);
  }

 private:
  Slot slot_;
};

/// The column of the category that was chosen.
class ChosenProbability final : public Expression {
 public:
  explicit ChosenProbability(const ModelResult& result)
      : Expression(DataType::kDouble), value_(result.value), categories_(result.categories) {}
  void Evaluate(Frame& frame, double* out) const override {
    const double* value = frame.Read(value_);
    std::fill_n(out, frame.rows(), kMissing);
    for (const Category& category : categories_) {
      const double* probability = frame.Read(category.probability);
      for (int i = 0; i < frame.rows(); ++i) {
        if (value[i] == category.value) out[i] = probability[i];
      }
    }
  }

 private:
  Slot value_;
  std::vector<Category> categories_;
};

/// Values by what stands for them; those without keep their own text.
class Display final : public Expression {
 public:
  Display(const ModelResult& result, std::vector<std::pair<double, double>> texts)
      : Expression(DataType::kString),
        value_(result.value),
        type_(result.type),
        texts_(std::move(texts)) {}
  void Evaluate(Frame& frame, double* out) const override {
    const double* value = frame.Read(value_);
    for (int i = 0; i < frame.rows(); ++i) {
      const auto at = std::find_if(texts_.begin(), texts_.end(),
                                   [&](const auto& text) { return text.first == value[i]; });
      out[i] = at != texts_.end() ? at->second
                                  : Convert(value[i], type_, DataType::kString, frame.strings());
    }
  }

 private:
  Slot value_;
  DataType type_;
  std::vector<std::pair<double, double>> texts_;
};

class OutputCompiler {
 public:
  OutputCompiler(Scope& scope, const Field& target, const Model& model, const Element& targets)
      : scope_(scope.compiler(), &scope), target_(target), model_(model), targets_(targets) {
    const ModelResult& result = model.result;
    if (!target.name.empty())
      scope_.Add({target.name, result.type, target.op, result.value, target.values});
  }

  Field Compile(const Element& element, Steps* steps) {
    Field field;
    field.name = element.RequireText("name");
    if (!model_.result.items.empty() && IsPrediction(element)) {
      field.type = model_.result.type;
      field.items = model_.result.items;
      return field;
    }
    auto expression = ExpressionFor(element);
    field.type = DataTypeOf(element, expression->type());
    field.op = OpTypeOf(element, field.type);
    field.slot = scope_.compiler().NewSlot();
    steps->push_back(
        std::make_unique<ComputeStep>(field.slot, ConvertTo(field.type, std::move(expression))));
    scope_.Add(field);
    return field;
  }

 private:
  static bool IsPrediction(const Element& element) {
    return !element.Has("segmentId") &&
           element.Text("feature", "predictedValue") == "predictedValue";
  }

  enum class Feature {
    kPredictedValue,
    kDisplayValue,
    kProbability,
    kTransformed,
    kEntity,
    kAffinity,
    kReasonCode,
    kConfidence
  };

  std::unique_ptr<Expression> Column(Slot slot, DataType type) {
    return std::make_unique<ColumnExpression>(slot, type);
  }

  std::unique_ptr<Expression> ExpressionFor(const Element& element) {
    const auto feature =
        element.Choice<Feature>("feature", {{"predictedValue", Feature::kPredictedValue},
                                            {"predictedDisplayValue", Feature::kDisplayValue},
                                            {"probability", Feature::kProbability},
                                            {"transformedValue", Feature::kTransformed},
                                            {"decision", Feature::kTransformed},
                                            {"clusterId", Feature::kEntity},
                                            {"entityId", Feature::kEntity},
                                            {"ruleId", Feature::kEntity},
                                            {"affinity", Feature::kAffinity},
                                            {"clusterAffinity", Feature::kAffinity},
                                            {"entityAffinity", Feature::kAffinity},
                                            {"reasonCode", Feature::kReasonCode},
                                            {"confidence", Feature::kConfidence}});
    if (feature == Feature::kTransformed) {
      if (!ExpressionOf(element)) element.Fail("has no expression");
      return CompileExpression(ExpressionOf(element), scope_);
    }
    const ModelResult& result = element.Has("segmentId") ? SegmentResult(element) : model_.result;
    switch (feature) {
      case Feature::kPredictedValue:
        return Column(result.value, result.type);
      case Feature::kDisplayValue:
        return std::make_unique<Display>(
            result, DisplayValues(targets_, result, target_, scope_.compiler().pool));
      case Feature::kProbability:
        return Probability(element, result);
      case Feature::kEntity:
        return Entity(element, result);
      case Feature::kAffinity:
        return Affinity(element, result);
      case Feature::kReasonCode:
        return Ranked(element, result);
      case Feature::kConfidence:
        if (result.confidence == kNoSlot)
          element.Fail("asks for a confidence, which the model does not give");
        return Column(result.confidence, DataType::kDouble);
      case Feature::kTransformed:
        break;
    }
    return nullptr;
  }

  const ModelResult& SegmentResult(const Element& element) {
    const std::string id = element.Text("segmentId");
    for (const auto& [name, result] : model_.segments) {
      if (name == id) return result;
    }
    element.Fail("names the segment '" + id + "', which the model does not have");
  }

  std::unique_ptr<Expression> Probability(const Element& element, const ModelResult& result) {
    if (result.categories.empty())
      element.Fail("asks for a probability, but the model is no classification");
    if (!element.Has("value")) return std::make_unique<ChosenProbability>(result);
    const double value =
        ParseConstant(element, element.Text("value"), result.type, scope_.compiler().pool);
    for (const Category& category : result.categories) {
      if (category.value == value) return Column(category.probability, DataType::kDouble);
    }
    element.Fail("asks for the probability of '" + element.Text("value") +
                 "', which is no category of the model");
  }

  std::unique_ptr<Expression> Entity(const Element& element, const ModelResult& result) {
    if (!result.ranked.empty() && element.Integer("rank", 1) > 1) return Ranked(element, result);
    if (result.entity == kNoSlot)
      element.Fail("asks for an entity, but the parts of the model have no identifiers");
    return Column(result.entity, DataType::kString);
  }

  std::unique_ptr<Expression> Affinity(const Element& element, const ModelResult& result) {
    for (const auto& [id, slot] : result.affinities) {
      if (id == element.Text("value")) return Column(slot, DataType::kDouble);
    }
    if (element.Has("value"))
      element.Fail("asks for the affinity to '" + element.Text("value") +
                   "', which the model does not have");
    if (result.affinity == kNoSlot)
      element.Fail("asks for an affinity, which the model does not give");
    return Column(result.affinity, DataType::kDouble);
  }

  std::unique_ptr<Expression> Ranked(const Element& element, const ModelResult& result) {
    const int rank = element.Integer("rank", 1);
    if (rank < 1 || rank > static_cast<int>(result.ranked.size()))
      element.Fail("asks for rank " + std::to_string(rank) + " of " +
                   std::to_string(result.ranked.size()));
    return Column(result.ranked[static_cast<size_t>(rank - 1)], DataType::kString);
  }

  Scope scope_;
  const Field& target_;
  const Model& model_;
  const Element targets_;
};

}  // namespace

void CompileOutput(const Element& output, Scope& scope, const Field& target, const Model& model,
                   std::vector<Field>* fields, std::vector<bool>* is_final, Steps* steps) {
  if (!output) return;
  OutputCompiler compiler(scope, target, model, output.Parent().Child("Targets"));
  for (const Element& element : output.Children("OutputField")) {
    fields->push_back(compiler.Compile(element, steps));
    is_final->push_back(element.Flag("isFinalResult", true));
  }
}

}  // namespace millrace::pmml

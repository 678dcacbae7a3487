#include "models/pmml/model.h"

#include <algorithm>
#include <limits>

#include "models/pmml/field_treatment.h"
#include "models/pmml/output.h"
#include "models/pmml/targets.h"

namespace millrace::pmml {
namespace {

using Compile = std::unique_ptr<Model> (*)(const Element&, const ModelContext&);

constexpr std::pair<std::string_view, Compile> kModels[] = {
    {"RegressionModel", CompileRegression},
    {"TreeModel", CompileTree},
    {"MiningModel", CompileMining},
    {"NeuralNetwork", CompileNeuralNetwork},
    {"GeneralRegressionModel", CompileGeneralRegression},
    {"ClusteringModel", CompileClustering},
    {"NaiveBayesModel", CompileNaiveBayes},
    {"SupportVectorMachineModel", CompileSupportVector},
    {"Scorecard", CompileScorecard},
    {"RuleSetModel", CompileRuleSet},
    {"NearestNeighborModel", CompileNearestNeighbor},
};

MiningFunction FunctionOf(const Element& element) {
  element.RequireText("functionName");
  return element.Choice<MiningFunction>("functionName",
                                        {{"regression", MiningFunction::kRegression},
                                         {"classification", MiningFunction::kClassification},
                                         {"clustering", MiningFunction::kClustering}});
}

std::unique_ptr<Model> CompileBody(const Element& element, const ModelContext& context) {
  std::string supported;
  for (const auto& [name, compile] : kModels) {
    if (element.Is(name)) return compile(element, context);
    supported += (supported.empty() ? "" : ", ") + std::string(name);
  }
  element.FailUnsupported("a model of this kind", supported);
}

}  // namespace

bool IsModel(const Element& element) {
  const auto name = element.name();
  return name.ends_with("Model") || name == "NeuralNetwork" || name == "Scorecard";
}

std::vector<Slot> ModelResult::Columns() const {
  std::vector<Slot> columns;
  for (const Category& category : categories) columns.push_back(category.probability);
  for (const auto& [id, slot] : affinities) columns.push_back(slot);
  for (const Slot slot : {value, confidence, entity, affinity}) {
    if (slot != kNoSlot) columns.push_back(slot);
  }
  columns.insert(columns.end(), ranked.begin(), ranked.end());
  std::sort(columns.begin(), columns.end());
  columns.erase(std::unique(columns.begin(), columns.end()), columns.end());
  return columns;
}

DataType ModelContext::ValueType() const {
  if (function == MiningFunction::kRegression) {
    return target != nullptr && target->type == DataType::kFloat ? DataType::kFloat
                                                                 : DataType::kDouble;
  }
  if (function == MiningFunction::kClustering || target == nullptr) return DataType::kString;
  return target->type;
}

double ModelContext::TargetValue(const Element& element, const std::string& text) const {
  return ParseConstant(element, text, ValueType(), compiler().pool);
}

void Model::AddCategories(const ModelContext& context, const std::vector<double>& values,
                          bool combines) {
  Compiler& compiler = context.compiler();
  const auto add = [&] { return combines ? compiler.NewSlot() : compiler.NewResult(); };
  result.function = context.function;
  result.type = context.ValueType();
  result.value = add();
  if (context.function != MiningFunction::kClassification) return;
  for (const double value : values) result.categories.push_back({value, add()});
}

int Model::IndexOf(double value) const {
  for (size_t i = 0; i < result.categories.size(); ++i) {
    if (result.categories[i].value == value) return static_cast<int>(i);
  }
  return -1;
}

void Model::ChooseGreatest(Frame& frame) const {
  const int n = frame.rows();
  double* value = frame.Write(result.value);
  Scratch most(frame);
  std::fill_n(most.get(), n, -std::numeric_limits<double>::infinity());
  std::fill_n(value, n, kMissing);
  for (const Category& category : result.categories) {
    const double* x = frame.Read(category.probability);
    for (int i = 0; i < n; ++i) {
      const bool greater = x[i] > most[i];
      value[i] = greater ? category.value : value[i];
      most[i] = greater ? x[i] : most[i];
    }
  }
}

CompiledModel::CompiledModel(const Element& element, Scope& outer, bool outermost) {
  if (!element.Flag("isScorable", true)) element.Fail("is not to be scored: isScorable is false");
  Scope scope(outer.compiler(), &outer);
  ReadMiningSchema(element, outer, scope, outermost);
  scope.AddDerived(element.Child("LocalTransformations"));
  body_ = CompileBody(element, {scope, FunctionOf(element), has_target_ ? &target_ : nullptr});
  if (const Element targets = element.Child("Targets"); targets && !body_->result.items.empty())
    targets.FailUnsupported("targets of a model that selects all", "<Targets> of its segments");
  CompileTargets(element.Child("Targets"), scope.compiler(), target_.name, &body_->result, &after_);
  outputs_ = body_->outputs;
  final_outputs_.assign(outputs_.size(), true);
  CompileOutput(element.Child("Output"), scope, target_, *body_, &outputs_, &final_outputs_,
                &after_);
  before_ = scope.TakeSteps();
}

void CompiledModel::ReadMiningSchema(const Element& element, Scope& outer, Scope& scope,
                                     bool outermost) {
  const Element schema = element.Require("MiningSchema");
  for (const Element& field : schema.Children("MiningField")) {
    const std::string name = field.RequireText("name");
    enum Usage { kActive, kTarget, kOther };
    const auto usage = field.Choice<Usage>("usageType", {{"active", kActive},
                                                         {"target", kTarget},
                                                         {"predicted", kTarget},
                                                         {"supplementary", kOther},
                                                         {"group", kOther},
                                                         {"order", kOther},
                                                         {"frequencyWeight", kOther},
                                                         {"analysisWeight", kOther}});
    if (usage == kOther) continue;
    const Field* known = outer.Find(name);
    if (usage == kTarget) {
      if (known == nullptr && outermost) outer.RequireDeclared(field, "name");
      if (known == nullptr || has_target_) continue;
      target_ = *known;
      has_target_ = true;
      continue;
    }
    Field own = outermost ? outer.RequireDeclared(field, "name") : outer.Require(field, "name");
    if (outermost) own.slot = scope.compiler().NewSlot();
    if (field.Has("optype")) own.op = OpTypeOf(field, own.type);
    if (outermost) inputs_.push_back(own);
    scope.AddLazy(own, [field, own, outermost](Scope& asked) {
      return CompileTreatment(field, own, outermost, asked);
    });
  }
  if (outermost) {
    // The dictionary's fields are derived from what this model makes of its inputs.
    scope.AddDerived(element.Parent().Child("TransformationDictionary"));
  }
}

void CompiledModel::Run(Frame& frame, Active active) const {
  for (const auto& step : before_) step->Run(frame, active);
  body_->Run(frame, active);
  for (const auto& step : after_) step->Run(frame, active);
}

}  // namespace millrace::pmml

#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "models/pmml/scope.h"

namespace millrace::pmml {

enum class MiningFunction : uint8_t { kRegression, kClassification, kClustering };

struct Category {
  double value;      ///< of the target
  Slot probability;  ///< or what stands for one
};

/// The columns that a model fills.
struct ModelResult {
  MiningFunction function = MiningFunction::kRegression;
  DataType type = DataType::kDouble;  ///< of `value`
  Slot value = kNoSlot;
  std::vector<Item> items = {};           ///< instead of `value`: those of all segments
  std::vector<Category> categories = {};  ///< in order of the target's values; of a classification
  bool probabilities = true;              ///< whether the categories' columns sum to 1
  Slot confidence = kNoSlot;              ///< of the value that was chosen, where there is one
  Slot entity = kNoSlot;                  ///< text: the node, cluster or rule
  std::vector<std::pair<std::string, Slot>> affinities = {};  ///< by entity
  Slot affinity = kNoSlot;                                    ///< to `entity`
  std::vector<Slot> ranked = {};  ///< text, best first: reason codes, neighbours

  std::vector<Slot> Columns() const;
};

/// What a model is compiled with.
struct ModelContext {
  Scope& scope;
  MiningFunction function;
  const Field* target;  ///< null where the model names none

  Compiler& compiler() const { return scope.compiler(); }
  /// The type of a value that the model gives.
  DataType ValueType() const;
  /// A constant of the target.
  double TargetValue(const Element& element, const std::string& text) const;
};

/// Fills `result` from the fields of its scope.
class Model : public Step {
 public:
  ModelResult result;
  std::vector<std::pair<std::string, ModelResult>> segments;  ///< by id, where the output names any
  std::vector<Field> outputs;  ///< what the models of a chain give, beside their results

 protected:
  /// `result` with columns for its value and, of a classification, its categories. `combines`: of
  /// a model that runs others between its writes and reads, which must not share its columns.
  void AddCategories(const ModelContext& context, const std::vector<double>& values,
                     bool combines = false);
  /// The index of a value among the categories; -1 where it is none.
  int IndexOf(double value) const;
  /// The category with the greatest column, the first of equals, becomes the value; a missing one
  /// where its columns are missing.
  void ChooseGreatest(Frame& frame) const;
};

/// A model of any kind with its mining schema, transformations, targets and output.
class CompiledModel final : public Step {
 public:
  CompiledModel(const Element& element, Scope& outer, bool outermost);

  void Run(Frame& frame, Active active) const override;

  const ModelResult& result() const { return body_->result; }
  const std::vector<Field>& inputs() const { return inputs_; }    ///< active; of the outermost
  const std::vector<Field>& outputs() const { return outputs_; }  ///< what <Output> names
  /// Those that are not final are seen by the models behind this one only.
  const std::vector<bool>& final_outputs() const { return final_outputs_; }
  const std::string& target() const { return target_.name; }

 private:
  void ReadMiningSchema(const Element& element, Scope& outer, Scope& scope, bool outermost);

  Steps before_;
  std::unique_ptr<Model> body_;
  Steps after_;
  std::vector<Field> inputs_, outputs_;
  std::vector<bool> final_outputs_;
  Field target_;
  bool has_target_ = false;
};

/// Whether the element is a model of a kind that is known.
bool IsModel(const Element& element);

std::unique_ptr<Model> CompileRegression(const Element& element, const ModelContext& context);
std::unique_ptr<Model> CompileTree(const Element& element, const ModelContext& context);
std::unique_ptr<Model> CompileMining(const Element& element, const ModelContext& context);
std::unique_ptr<Model> CompileNeuralNetwork(const Element& element, const ModelContext& context);
std::unique_ptr<Model> CompileGeneralRegression(const Element& element,
                                                const ModelContext& context);
std::unique_ptr<Model> CompileClustering(const Element& element, const ModelContext& context);
std::unique_ptr<Model> CompileNaiveBayes(const Element& element, const ModelContext& context);
std::unique_ptr<Model> CompileSupportVector(const Element& element, const ModelContext& context);
std::unique_ptr<Model> CompileScorecard(const Element& element, const ModelContext& context);
std::unique_ptr<Model> CompileRuleSet(const Element& element, const ModelContext& context);
std::unique_ptr<Model> CompileNearestNeighbor(const Element& element, const ModelContext& context);

}  // namespace millrace::pmml

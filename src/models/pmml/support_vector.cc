#include <algorithm>
#include <cmath>
#include <map>

#include "models/pmml/model.h"

namespace millrace::pmml {
namespace {

struct Kernel {
  enum class Kind { kLinear, kPolynomial, kRadial, kSigmoid } kind = Kind::kLinear;
  double gamma = 1, coef0 = 1, degree = 1;

  static Kernel Read(const Element& model) {
    for (const Element& child : model.Children()) {
      Kernel kernel;
      if (child.Is("LinearKernelType")) {
        kernel.kind = Kind::kLinear;
      } else if (child.Is("PolynomialKernelType")) {
        kernel.kind = Kind::kPolynomial;
      } else if (child.Is("RadialBasisKernelType")) {
        kernel.kind = Kind::kRadial;
      } else if (child.Is("SigmoidKernelType")) {
        kernel.kind = Kind::kSigmoid;
      } else {
        continue;
      }
      kernel.gamma = child.Number("gamma", 1);
      kernel.coef0 = child.Number("coef0", 1);
      kernel.degree = child.Number("degree", 1);
      return kernel;
    }
    model.Fail("has no kernel that is known",
               "one of: LinearKernelType, PolynomialKernelType, RadialBasisKernelType, "
               "SigmoidKernelType");
  }

  /// Of a dot product or, for the radial kind, a squared distance.
  double operator()(double x) const {
    switch (kind) {
      case Kind::kLinear:
        return x;
      case Kind::kPolynomial:
        return std::pow(gamma * x + coef0, degree);
      case Kind::kRadial:
        return std::exp(-gamma * x);
      case Kind::kSigmoid:
        return std::tanh(gamma * x + coef0);
    }
    return 0;
  }
};

/// A coordinate of the vectors: a field, or whether it has a value.
struct Coordinate {
  Slot slot;
  bool is_category = false;
  double value = 0;
};

struct Machine {
  double intercept = 0;
  std::vector<std::pair<size_t, double>> vectors;  ///< index and coefficient
  std::vector<double> coefficients;                ///< by coordinate, where there are no vectors
  int category = -1, alternate = -1;
  double threshold = 0;
};

class SupportVectorModel final : public Model {
 public:
  SupportVectorModel(const Element& element, const ModelContext& context)
      : kernel_(Kernel::Read(element)),
        one_against_one_(element.Choice<bool>("classificationMethod",
                                              {{"OneAgainstAll", false}, {"OneAgainstOne", true}})),
        most_wins_(element.Flag("maxWins", false)),
        by_vectors_(element.Choice<bool>("svmRepresentation",
                                         {{"SupportVectors", true}, {"Coefficients", false}})) {
    ReadVectors(element.Require("VectorDictionary"), context);
    std::vector<double> values;
    const auto machines = element.Children("SupportVectorMachine");
    if (context.target != nullptr) values = context.target->values;
    for (const Element& machine : machines) {
      for (const char* attribute : {"targetCategory", "alternateTargetCategory"}) {
        if (!machine.Has(attribute) || context.function != MiningFunction::kClassification)
          continue;
        const double value = context.TargetValue(machine, machine.Text(attribute));
        if (std::find(values.begin(), values.end(), value) == values.end()) values.push_back(value);
      }
    }
    AddCategories(context, values);
    result.probabilities = false;
    for (const Element& machine : machines) ReadMachine(element, machine, context);
    if (machines_.empty()) element.Fail("has no <SupportVectorMachine>");
    if (context.function == MiningFunction::kRegression && machines_.size() != 1)
      element.Fail("is a regression, but has " + std::to_string(machines_.size()) + " machines");
    // A single machine of a classification tells two categories apart.
    if (machines_.size() == 1 && machines_[0].alternate >= 0) one_against_one_ = true;
  }

  void Run(Frame& frame, Active) const override {
    const int n = frame.rows();
    Scratch value(frame);
    if (result.categories.empty()) {
      Decide(frame, machines_[0], frame.Write(result.value));
      return;
    }
    std::vector<double*> columns;
    for (const Category& category : result.categories) {
      columns.push_back(frame.Write(category.probability));
      std::fill_n(columns.back(), n, one_against_one_ ? 0.0 : kMissing);
    }
    for (const Machine& machine : machines_) {
      Decide(frame, machine, value.get());
      for (int i = 0; i < n; ++i) {
        if (!one_against_one_) {
          columns[static_cast<size_t>(machine.category)][i] = most_wins_ ? value[i] : -value[i];
        } else if (!IsMissing(value[i])) {
          const bool own = most_wins_ ? value[i] > machine.threshold : value[i] < machine.threshold;
          columns[static_cast<size_t>(own ? machine.category : machine.alternate)][i] += 1;
        }
      }
    }
    if (one_against_one_) {
      // A row without a vote has no result.
      for (int i = 0; i < n; ++i) {
        double sum = 0;
        for (const double* column : columns) sum += column[i];
        for (double* column : columns) column[i] = sum > 0 ? column[i] / sum : kMissing;
      }
    }
    ChooseGreatest(frame);
  }

 private:
  void ReadVectors(const Element& dictionary, const ModelContext& context) {
    for (const Element& field : dictionary.Require("VectorFields").Children()) {
      if (field.Is("FieldRef")) {
        coordinates_.push_back({context.scope.Require(field).slot});
      } else if (field.Is("CategoricalPredictor")) {
        const Field& own = context.scope.Require(field, "name");
        coordinates_.push_back(
            {own.slot, true,
             ParseConstant(field, field.RequireText("value"), own.type, context.compiler().pool)});
      } else {
        field.FailUnsupported("this field of vectors", "FieldRef, CategoricalPredictor");
      }
    }
    for (const Element& instance : dictionary.Children("VectorInstance")) {
      index_[instance.RequireText("id")] = vectors_.size();
      vectors_.push_back(ReadVector(instance));
    }
  }

  std::vector<double> ReadVector(const Element& instance) const {
    std::vector<double> vector;
    if (const Element dense = instance.Child("Array")) {
      vector = dense.ArrayNumbers();
    } else {
      const Element sparse = instance.Require("REAL-SparseArray");
      vector.assign(coordinates_.size(), sparse.Number("defaultValue", 0));
      const Element indices = sparse.Child("Indices");
      if (!indices) return vector;
      const auto at = indices.ArrayNumbers();
      const auto entries = sparse.Require("REAL-Entries").ArrayNumbers();
      if (at.size() != entries.size()) sparse.Fail("has not one entry for each index");
      for (size_t i = 0; i < at.size(); ++i) {
        if (!(at[i] >= 1 && at[i] <= static_cast<double>(vector.size())))
          sparse.Fail("has an index out of range");
        vector[static_cast<size_t>(at[i]) - 1] = entries[i];
      }
    }
    if (vector.size() != coordinates_.size())
      instance.Fail("has " + std::to_string(vector.size()) + " coordinates for " +
                    std::to_string(coordinates_.size()) + " fields");
    return vector;
  }

  void ReadMachine(const Element& model, const Element& element, const ModelContext& context) {
    Machine machine;
    machine.threshold = (element.Has("threshold") ? element : model).Number("threshold", 0);
    if (context.function == MiningFunction::kClassification) {
      machine.category =
          IndexOf(context.TargetValue(element, element.RequireText("targetCategory")));
      if (element.Has("alternateTargetCategory"))
        machine.alternate =
            IndexOf(context.TargetValue(element, element.Text("alternateTargetCategory")));
      else if (one_against_one_)
        element.Fail("lacks the attribute 'alternateTargetCategory'");
    }
    const Element coefficients = element.Require("Coefficients");
    machine.intercept = coefficients.Number("absoluteValue", 0);
    std::vector<double> values;
    for (const Element& coefficient : coefficients.Children("Coefficient"))
      values.push_back(coefficient.Number("value", 0));
    if (!by_vectors_) {
      if (values.size() != coordinates_.size())
        coefficients.Fail("has not one <Coefficient> for each field");
      machine.coefficients = std::move(values);
    } else {
      size_t i = 0;
      for (const Element& vector : element.Require("SupportVectors").Children("SupportVector")) {
        const auto at = index_.find(vector.RequireText("vectorId"));
        if (at == index_.end() || i >= values.size())
          vector.Fail("names a vector that is not known, or has no <Coefficient>");
        machine.vectors.emplace_back(at->second, values[i++]);
      }
    }
    machines_.push_back(std::move(machine));
  }

  double At(const Coordinate& coordinate, double x) const {
    return !coordinate.is_category || IsMissing(x) ? x : x == coordinate.value ? 1.0 : 0.0;
  }

  void Decide(Frame& frame, const Machine& machine, double* out) const {
    const int n = frame.rows();
    std::fill_n(out, n, machine.intercept);
    if (!by_vectors_) {
      for (size_t d = 0; d < coordinates_.size(); ++d) {
        const double* x = frame.Read(coordinates_[d].slot);
        for (int i = 0; i < n; ++i) out[i] += machine.coefficients[d] * At(coordinates_[d], x[i]);
      }
      return;
    }
    Scratch product(frame);
    for (const auto& [index, coefficient] : machine.vectors) {
      std::fill_n(product.get(), n, 0.0);
      for (size_t d = 0; d < coordinates_.size(); ++d) {
        const double* x = frame.Read(coordinates_[d].slot);
        const double y = vectors_[index][d];
        for (int i = 0; i < n; ++i) {
          const double own = At(coordinates_[d], x[i]);
          product[i] += kernel_.kind == Kernel::Kind::kRadial ? (own - y) * (own - y) : own * y;
        }
      }
      for (int i = 0; i < n; ++i) out[i] += coefficient * kernel_(product[i]);
    }
  }

  const Kernel kernel_;
  bool one_against_one_;
  const bool most_wins_, by_vectors_;
  std::vector<Coordinate> coordinates_;
  std::map<std::string, size_t> index_;
  std::vector<std::vector<double>> vectors_;
  std::vector<Machine> machines_;
};

}  // namespace

std::unique_ptr<Model> CompileSupportVector(const Element& element, const ModelContext& context) {
  return std::make_unique<SupportVectorModel>(element, context);
}

}  // namespace millrace::pmml

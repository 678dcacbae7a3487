#include <algorithm>
#include <cmath>
#include <map>

#include "models/pmml/link_function.h"
#include "models/pmml/model.h"

namespace millrace::pmml {
namespace {

enum class RegressionNormalization { kNone, kSimpleMax, kSoftMax, kLink };

/// Coefficients of the values of a category.
struct Lookup {
  Slot slot;
  std::vector<std::pair<double, double>> coefficients;  ///< by value, sorted
};

struct Table {
  double intercept = 0;
  double value = kMissing;  ///< of the target, of a classification
  struct Numeric {
    Slot slot;
    double coefficient, exponent;
  };
  std::vector<Numeric> numeric;
  std::vector<Lookup> lookups;
  struct Product {
    double coefficient;
    std::vector<Slot> slots;
  };
  std::vector<Product> products;
};

class RegressionModel final : public Model {
 public:
  RegressionModel(const Element& element, const ModelContext& context) {
    struct Method {
      RegressionNormalization normalization;
      Link link;
    };
    const auto method = element.Choice<Method>(
        "normalizationMethod",
        {{"none", {RegressionNormalization::kNone, Link::kIdentity}},
         {"simplemax", {RegressionNormalization::kSimpleMax, Link::kIdentity}},
         {"softmax", {RegressionNormalization::kSoftMax, Link::kLogit}},
         {"logit", {RegressionNormalization::kLink, Link::kLogit}},
         {"probit", {RegressionNormalization::kLink, Link::kProbit}},
         {"cloglog", {RegressionNormalization::kLink, Link::kCloglog}},
         {"exp", {RegressionNormalization::kLink, Link::kLog}},
         {"loglog", {RegressionNormalization::kLink, Link::kLoglog}},
         {"cauchit", {RegressionNormalization::kLink, Link::kCauchit}}});
    normalization_ = method.normalization;
    link_ = method.link;
    const bool classifies = context.function == MiningFunction::kClassification;
    for (const Element& table : element.Children("RegressionTable")) {
      tables_.push_back(ReadTable(table, context));
      if (classifies) {
        tables_.back().value = context.TargetValue(table, table.RequireText("targetCategory"));
      }
    }
    if (tables_.empty()) element.Fail("has no <RegressionTable>");
    if (!classifies && tables_.size() != 1)
      element.Fail("is a regression, but has " + std::to_string(tables_.size()) + " tables");
    if (classifies && tables_.size() < 2) element.Fail("is a classification with one table only");
    ordinal_ = classifies && context.target != nullptr && context.target->op == OpType::kOrdinal;
    std::vector<double> values;
    for (const Table& table : tables_) values.push_back(table.value);
    AddCategories(context, values);
  }

  void Run(Frame& frame, Active) const override {
    const int n = frame.rows();
    if (result.categories.empty()) {
      double* out = frame.Write(result.value);
      Sum(frame, tables_[0], out);
      if (normalization_ == RegressionNormalization::kSoftMax ||
          normalization_ == RegressionNormalization::kLink)
        InverseLink(link_, 0, out, n);
      return;
    }
    std::vector<double*> columns;
    for (const Category& category : result.categories)
      columns.push_back(frame.Write(category.probability));
    for (size_t k = 0; k < columns.size(); ++k) Sum(frame, tables_[k], columns[k]);
    if (normalization_ == RegressionNormalization::kSoftMax)
      SoftMax(columns, n);
    else if (normalization_ == RegressionNormalization::kSimpleMax)
      SimpleMax(columns, n);
    else
      ApplyLink(columns, n);
    ChooseGreatest(frame);
  }

 private:
  /// Each table through the link; the last of two, of ordered ones, and where there is no link is
  /// what the others leave.
  void ApplyLink(const std::vector<double*>& columns, int n) const {
    for (double* column : columns) InverseLink(link_, 0, column, n);
    if (columns.size() > 2 && !ordinal_ && normalization_ == RegressionNormalization::kLink)
      return SimpleMax(columns, n);
    if (ordinal_ && normalization_ == RegressionNormalization::kLink) {
      for (size_t k = columns.size() - 1; k-- > 1;) {
        for (int i = 0; i < n; ++i) columns[k][i] -= columns[k - 1][i];
      }
    }
    for (int i = 0; i < n; ++i) {
      if (columns.size() == 2 && !IsMissing(columns[0][i]))
        columns[0][i] = std::clamp(columns[0][i], 0.0, 1.0);
      double sum = 0;
      for (size_t k = 0; k + 1 < columns.size(); ++k) sum += columns[k][i];
      columns.back()[i] = 1 - sum;
    }
  }

  static Table ReadTable(const Element& element, const ModelContext& context) {
    Table table;
    table.intercept = element.Number("intercept", 0);
    std::map<Slot, Lookup> lookups;
    for (const Element& part : element.Children()) {
      if (part.Is("NumericPredictor")) {
        table.numeric.push_back({context.scope.Require(part, "name").slot,
                                 part.Number("coefficient"), part.Number("exponent", 1)});
      } else if (part.Is("CategoricalPredictor")) {
        const Field& field = context.scope.Require(part, "name");
        Lookup& lookup = lookups[field.slot];
        lookup.slot = field.slot;
        lookup.coefficients.emplace_back(
            ParseConstant(part, part.RequireText("value"), field.type, context.compiler().pool),
            part.Number("coefficient"));
      } else if (part.Is("PredictorTerm")) {
        Table::Product product{part.Number("coefficient"), {}};
        for (const Element& reference : part.Children("FieldRef"))
          product.slots.push_back(context.scope.Require(reference).slot);
        table.products.push_back(std::move(product));
      }
    }
    for (auto& [slot, lookup] : lookups) {
      std::sort(lookup.coefficients.begin(), lookup.coefficients.end());
      table.lookups.push_back(std::move(lookup));
    }
    return table;
  }

  static void Sum(const Frame& frame, const Table& table, double* out) {
    const int n = frame.rows();
    std::fill(out, out + n, 0.0);
    for (const auto& [slot, coefficient, exponent] : table.numeric) {
      const double* x = frame.Read(slot);
      if (exponent == 1) {
        for (int i = 0; i < n; ++i) out[i] += coefficient * x[i];
      } else {
        for (int i = 0; i < n; ++i) out[i] += coefficient * std::pow(x[i], exponent);
      }
    }
    for (const Lookup& lookup : table.lookups) {
      const double* x = frame.Read(lookup.slot);
      for (int i = 0; i < n; ++i) {
        // A missing value, as one that is not listed, adds nothing.
        const auto at =
            std::lower_bound(lookup.coefficients.begin(), lookup.coefficients.end(), x[i],
                             [](const auto& entry, double value) { return entry.first < value; });
        if (at != lookup.coefficients.end() && at->first == x[i]) out[i] += at->second;
      }
    }
    for (const auto& [coefficient, slots] : table.products) {
      for (int i = 0; i < n; ++i) {
        double product = coefficient;
        for (const Slot slot : slots) product *= frame.Read(slot)[i];
        out[i] += product;
      }
    }
    for (int i = 0; i < n; ++i) out[i] += table.intercept;
  }

  RegressionNormalization normalization_;
  Link link_;
  bool ordinal_ = false;
  std::vector<Table> tables_;
};

}  // namespace

std::unique_ptr<Model> CompileRegression(const Element& element, const ModelContext& context) {
  return std::make_unique<RegressionModel>(element, context);
}

}  // namespace millrace::pmml

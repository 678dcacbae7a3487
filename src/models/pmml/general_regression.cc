#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include "models/pmml/link_function.h"
#include "models/pmml/model.h"

namespace millrace::pmml {
namespace {

enum class Kind { kGeneral, kGeneralized, kMultinomial, kOrdinal, kRegression };

/// One factor of a parameter: a covariate to a power, or whether a factor has a value.
struct Cell {
  Slot slot;
  bool is_factor;
  double value;
};

struct Parameter {
  std::string name;
  std::vector<Cell> cells;
};

struct Term {
  size_t parameter;
  double beta;
};

class GeneralRegression final : public Model {
 public:
  GeneralRegression(const Element& element, const ModelContext& context) {
    element.RequireText("modelType");
    kind_ = element.Choice<Kind>("modelType", {{"generalLinear", Kind::kGeneral},
                                               {"generalizedLinear", Kind::kGeneralized},
                                               {"multinomialLogistic", Kind::kMultinomial},
                                               {"ordinalMultinomial", Kind::kOrdinal},
                                               {"regression", Kind::kRegression}});
    ReadLink(element);
    ReadOffset(element, context);
    ReadParameters(element, context);
    std::vector<double> values = ReadBetas(element, context);
    AddCategories(context, values);
    if (context.function == MiningFunction::kClassification && result.categories.size() < 2)
      element.Fail("is a classification of one category only");
  }

  void Run(Frame& frame, Active) const override {
    const int n = frame.rows();
    std::vector<std::unique_ptr<Scratch>> scratch;
    std::vector<const double*> parameters;
    for (const Parameter& parameter : parameters_) {
      scratch.push_back(std::make_unique<Scratch>(frame));
      Evaluate(parameter, frame, scratch.back()->get());
      parameters.push_back(scratch.back()->get());
    }
    if (result.categories.empty()) {
      double* out = frame.Write(result.value);
      Sum(frame, parameters, betas_.begin()->second, out);
      InverseLink(link_, link_parameter_, out, n);
      for (int i = 0; i < n; ++i) out[i] *= TrialsAt(frame, i);
    } else {
      Classify(frame, parameters);
    }
    while (!scratch.empty()) scratch.pop_back();
  }

 private:
  void ReadLink(const Element& element) {
    const char* attribute = kind_ == Kind::kOrdinal ? "cumulativeLink" : "linkFunction";
    if (kind_ == Kind::kGeneralized) element.RequireText(attribute);
    const Link otherwise =
        kind_ == Kind::kOrdinal || kind_ == Kind::kMultinomial ? Link::kLogit : Link::kIdentity;
    link_ = !element.Has(attribute)
                ? otherwise
                : element.Choice<Link>(attribute, {{"identity", Link::kIdentity},
                                                   {"log", Link::kLog},
                                                   {"logit", Link::kLogit},
                                                   {"probit", Link::kProbit},
                                                   {"cloglog", Link::kCloglog},
                                                   {"loglog", Link::kLoglog},
                                                   {"cauchit", Link::kCauchit},
                                                   {"logc", Link::kLogc},
                                                   {"negbin", Link::kNegativeBinomial},
                                                   {"oddspower", Link::kOddsPower},
                                                   {"power", Link::kPower}});
    if (link_ == Link::kNegativeBinomial) link_parameter_ = element.Number("distParameter");
    if (link_ == Link::kOddsPower || link_ == Link::kPower)
      link_parameter_ = element.Number("linkParameter");
  }

  void ReadOffset(const Element& element, const ModelContext& context) {
    offset_ = element.Number("offsetValue", 0);
    if (element.Has("offsetVariable"))
      offset_slot_ = context.scope.Require(element, "offsetVariable").slot;
    trials_ = element.Number("trialsValue", 1);
    if (element.Has("trialsVariable"))
      trials_slot_ = context.scope.Require(element, "trialsVariable").slot;
  }

  void ReadParameters(const Element& element, const ModelContext& context) {
    for (const Element& parameter : element.Require("ParameterList").Children("Parameter")) {
      index_[parameter.RequireText("name")] = parameters_.size();
      parameters_.push_back({parameter.Text("name"), {}});
    }
    std::map<std::string, bool> is_factor;
    for (const char* list : {"FactorList", "CovariateList"}) {
      const Element predictors = element.Child(list);
      if (!predictors) continue;
      for (const Element& predictor : predictors.Children("Predictor"))
        is_factor[predictor.RequireText("name")] = std::string_view(list) == "FactorList";
    }
    const Element matrix = element.Child("PPMatrix");
    if (!matrix) return;
    for (const Element& cell : matrix.Children("PPCell")) {
      const Field& field = context.scope.Require(cell, "predictorName");
      const bool factor = is_factor.contains(field.name) && is_factor[field.name];
      const DataType type = factor ? field.type : DataType::kDouble;
      ParameterOf(cell).cells.push_back(
          {field.slot, factor,
           ParseConstant(cell, cell.RequireText("value"), type, context.compiler().pool)});
    }
  }

  Parameter& ParameterOf(const Element& cell) {
    const auto at = index_.find(cell.RequireText("parameterName"));
    if (at == index_.end())
      cell.Fail("names the parameter '" + cell.Text("parameterName") +
                "', which the <ParameterList> does not have");
    return parameters_[at->second];
  }

  /// The categories in order; of a regression none.
  std::vector<double> ReadBetas(const Element& element, const ModelContext& context) {
    const bool classifies = context.function == MiningFunction::kClassification;
    std::vector<double> values;
    if (classifies && context.target != nullptr) values = context.target->values;
    for (const Element& cell : element.Require("ParamMatrix").Children("PCell")) {
      const Parameter& parameter = ParameterOf(cell);
      double category = kNone;
      if (cell.Has("targetCategory") && classifies) {
        category = context.TargetValue(cell, cell.Text("targetCategory"));
        if (std::find(values.begin(), values.end(), category) == values.end())
          values.push_back(category);
      }
      betas_[category].push_back(
          {static_cast<size_t>(&parameter - parameters_.data()), cell.Number("beta")});
    }
    if (betas_.empty()) element.Fail("has no <PCell>");
    if (classifies && element.Has("targetReferenceCategory")) {
      const double reference =
          context.TargetValue(element, element.Text("targetReferenceCategory"));
      if (std::find(values.begin(), values.end(), reference) == values.end())
        values.push_back(reference);
      reference_ = reference;
    }
    if (classifies && kind_ != Kind::kOrdinal) FindReference(values);
    return values;
  }

  /// Without a declaration, the category that no cell names.
  void FindReference(const std::vector<double>& values) {
    if (!IsMissing(reference_)) return;
    for (const double value : values) {
      if (!betas_.contains(value)) reference_ = value;
    }
  }

  static void Evaluate(const Parameter& parameter, const Frame& frame, double* out) {
    const int n = frame.rows();
    std::fill_n(out, n, 1.0);
    for (const Cell& cell : parameter.cells) {
      const double* x = frame.Read(cell.slot);
      for (int i = 0; i < n; ++i) {
        if (cell.is_factor)
          out[i] *= IsMissing(x[i]) ? kMissing : x[i] == cell.value ? 1.0 : 0.0;
        else
          out[i] *= cell.value == 1 ? x[i] : std::pow(x[i], cell.value);
      }
    }
  }

  void Sum(const Frame& frame, const std::vector<const double*>& parameters,
           const std::vector<Term>& terms, double* out) const {
    const int n = frame.rows();
    std::fill_n(out, n, 0.0);
    for (const auto& [parameter, beta] : terms) {
      const double* x = parameters[parameter];
      for (int i = 0; i < n; ++i) out[i] += beta * x[i];
    }
    for (int i = 0; i < n; ++i)
      out[i] += offset_slot_ == kNoSlot ? offset_ : frame.Read(offset_slot_)[i];
  }

  double TrialsAt(const Frame& frame, int row) const {
    return trials_slot_ == kNoSlot ? trials_ : frame.Read(trials_slot_)[row];
  }

  /// The terms of a category; those that name none are of all.
  void SumOf(const Frame& frame, const std::vector<const double*>& parameters, double category,
             double* out) const {
    std::vector<Term> terms;
    if (const auto all = betas_.find(kNone); all != betas_.end()) terms = all->second;
    if (const auto own = betas_.find(category); own != betas_.end())
      terms.insert(terms.end(), own->second.begin(), own->second.end());
    Sum(frame, parameters, terms, out);
  }

  void Classify(Frame& frame, const std::vector<const double*>& parameters) const {
    const int n = frame.rows();
    std::vector<double*> columns;
    for (const Category& category : result.categories)
      columns.push_back(frame.Write(category.probability));
    const size_t last = columns.size() - 1;
    if (kind_ == Kind::kOrdinal) {
      for (size_t k = 0; k < last; ++k) {
        SumOf(frame, parameters, result.categories[k].value, columns[k]);
        InverseLink(link_, link_parameter_, columns[k], n);
      }
      for (int i = 0; i < n; ++i) {
        columns[last][i] = 1 - columns[last - 1][i];
        for (size_t k = last - 1; k > 0; --k) columns[k][i] -= columns[k - 1][i];
      }
    } else if (kind_ == Kind::kMultinomial) {
      for (size_t k = 0; k <= last; ++k) {
        if (result.categories[k].value == reference_)
          std::fill_n(columns[k], n, 0.0);
        else
          SumOf(frame, parameters, result.categories[k].value, columns[k]);
      }
      SoftMax(columns, n);
    } else {
      // One of two: the reference is what the other leaves.
      for (size_t k = 0; k <= last; ++k) {
        if (result.categories[k].value == reference_) continue;
        SumOf(frame, parameters, result.categories[k].value, columns[k]);
        InverseLink(link_, link_parameter_, columns[k], n);
      }
      for (size_t k = 0; k <= last; ++k) {
        if (result.categories[k].value != reference_) continue;
        for (int i = 0; i < n; ++i) {
          double sum = 0;
          for (size_t other = 0; other <= last; ++other) {
            if (other != k) sum += columns[other][i];
          }
          columns[k][i] = 1 - sum;
        }
      }
    }
    ChooseGreatest(frame);
  }

  static constexpr double kNone = -INFINITY;  ///< the category of cells that name none

  Kind kind_;
  Link link_;
  double link_parameter_ = 0;
  double offset_ = 0, trials_ = 1;
  Slot offset_slot_ = kNoSlot, trials_slot_ = kNoSlot;
  double reference_ = kMissing;
  std::vector<Parameter> parameters_;
  std::map<std::string, size_t> index_;
  std::map<double, std::vector<Term>> betas_;  ///< by category
};

}  // namespace

std::unique_ptr<Model> CompileGeneralRegression(const Element& element,
                                                const ModelContext& context) {
  return std::make_unique<GeneralRegression>(element, context);
}

}  // namespace millrace::pmml

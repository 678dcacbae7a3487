#include "models/pmml/field_treatment.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <optional>

#include "models/pmml/interval.h"

namespace millrace::pmml {
namespace {

constexpr uint64_t kInvalidBits = 0x7ff8'0000'0000'0bad;

enum class Invalid { kReturn, kAsIs, kAsMissing, kAsValue };
enum class Outliers { kAsIs, kAsMissing, kAsExtreme };

class TreatField final : public Step {
 public:
  TreatField(const Element& element, const Field& field, const Element& declaration,
             StringPool& pool)
      : from_(field.slot), name_(field.name), type_(field.type) {
    invalid_ =
        element.Choice<Invalid>("invalidValueTreatment", {{"returnInvalid", Invalid::kReturn},
                                                          {"asIs", Invalid::kAsIs},
                                                          {"asMissing", Invalid::kAsMissing},
                                                          {"asValue", Invalid::kAsValue}});
    if (invalid_ == Invalid::kAsValue)
      invalid_replacement_ =
          ParseConstant(element, element.RequireText("invalidValueReplacement"), type_, pool);
    if (element.Has("missingValueReplacement"))
      replacement_ = ParseConstant(element, element.Text("missingValueReplacement"), type_, pool);
    must_exist_ = element.Text("missingValueTreatment") == "returnInvalid";
    outliers_ = element.Choice<Outliers>("outliers", {{"asIs", Outliers::kAsIs},
                                                      {"asMissingValues", Outliers::kAsMissing},
                                                      {"asExtremeValues", Outliers::kAsExtreme}});
    if (outliers_ != Outliers::kAsIs) {
      low_ = element.Number("lowValue", low_);
      high_ = element.Number("highValue", high_);
    }
    if (declaration) ReadDeclaration(declaration, field, pool);
  }

  /// Nothing but missing and ill-typed values needs a look.
  bool plain() const {
    return missing_.empty() && bad_.empty() && good_.empty() && intervals_.empty() &&
           outliers_ == Outliers::kAsIs;
  }
  bool changes_nothing() const { return plain() && !replacement_ && !must_exist_; }
  void set_to(Slot to) { to_ = to; }

  void Run(Frame& frame, Active active) const override {
    const int n = frame.rows();
    const double* in = frame.Read(from_);
    if (plain()) {
      bool any = false;
      for (int i = 0; i < n; ++i) any |= in[i] != in[i];
      if (!any) return frame.Bind(to_, in);
    }
    double* out = frame.Write(to_);
    for (int i = 0; i < n; ++i) {
      out[i] = Treat(in[i], i, frame, active == nullptr || active[i] != 0);
    }
  }

 private:
  void ReadDeclaration(const Element& declaration, const Field& field, StringPool& pool) {
    for (const Element& value : declaration.Children("Value")) {
      const std::string text = value.RequireText("value");
      enum Property { kValid, kInvalid, kMissingValue };
      const auto property = value.Choice<Property>(
          "property", {{"valid", kValid}, {"invalid", kInvalid}, {"missing", kMissingValue}});
      if (property == kValid) continue;
      double constant = kMissing;
      // A mark for missing values need not be of the field's type.
      if (field.type != DataType::kString && !ParseValue(text, field.type, &constant)) continue;
      if (field.type == DataType::kString) constant = pool.Code(text);
      (property == kInvalid ? bad_ : missing_).push_back(constant);
    }
    good_ = field.values;
    std::sort(good_.begin(), good_.end());
    for (const Element& interval : declaration.Children("Interval"))
      intervals_.push_back(Interval::Read(interval));
  }

  double Treat(double x, int row, Frame& frame, bool asked) const {
    const bool ill_typed = std::bit_cast<uint64_t>(x) == kInvalidBits;
    if (!ill_typed && (IsMissing(x) || Has(missing_, x))) return Missing(row, frame, asked);
    if (ill_typed || !IsValid(x)) {
      switch (invalid_) {
        case Invalid::kAsMissing:
          return Missing(row, frame, asked);
        case Invalid::kAsValue:
          return invalid_replacement_;
        case Invalid::kAsIs:
          break;
        case Invalid::kReturn:
          if (asked) {
            frame.Fail(row, "the field '" + name_ + "' has an invalid value" +
                                (ill_typed ? " that is no " + std::string(NameOf(type_))
                                           : ": " + TextOf(x, type_, frame.strings())));
          }
      }
      return ill_typed ? kMissing : x;
    }
    if (outliers_ == Outliers::kAsIs || (x >= low_ && x <= high_)) return x;
    if (outliers_ == Outliers::kAsMissing) return Missing(row, frame, asked);
    return x < low_ ? low_ : high_;
  }

  double Missing(int row, Frame& frame, bool asked) const {
    if (must_exist_ && asked) frame.Fail(row, "the field '" + name_ + "' is missing");
    return replacement_.value_or(kMissing);
  }

  bool IsValid(double x) const {
    if (Has(bad_, x)) return false;
    if (good_.empty() && intervals_.empty()) return true;
    if (std::binary_search(good_.begin(), good_.end(), x)) return true;
    return std::any_of(intervals_.begin(), intervals_.end(),
                       [&](const Interval& interval) { return interval.Contains(x); });
  }

  static bool Has(const std::vector<double>& values, double x) {
    return std::find(values.begin(), values.end(), x) != values.end();
  }

  Slot from_, to_ = kNoSlot;
  std::string name_;
  DataType type_;
  Invalid invalid_;
  double invalid_replacement_ = kMissing;
  std::optional<double> replacement_;
  bool must_exist_ = false;
  Outliers outliers_;
  double low_ = -std::numeric_limits<double>::infinity();
  double high_ = std::numeric_limits<double>::infinity();
  std::vector<double> missing_, bad_, good_;
  std::vector<Interval> intervals_;
};

}  // namespace

double InvalidValue() { return std::bit_cast<double>(kInvalidBits); }

Slot CompileTreatment(const Element& mining_field, const Field& field, bool outermost,
                      Scope& scope) {
  const Element declaration = outermost ? field.declaration : Element();
  auto step = std::make_unique<TreatField>(mining_field, field, declaration, scope.compiler().pool);
  if (!outermost && step->changes_nothing()) return field.slot;
  const Slot to = scope.compiler().NewSlot();
  step->set_to(to);
  scope.AddStep(std::move(step));
  return to;
}

void DeclareDataField(const Element& data_field, Scope& scope) {
  Field field;
  field.name = data_field.RequireText("name");
  field.type = DataTypeOf(data_field, DataType::kString);
  field.op = OpTypeOf(data_field, field.type);
  field.declaration = data_field;
  for (const Element& value : data_field.Children("Value")) {
    if (value.Text("property", "valid") == "valid")
      field.values.push_back(
          ParseConstant(value, value.RequireText("value"), field.type, scope.compiler().pool));
  }
  scope.Add(std::move(field));
}

}  // namespace millrace::pmml

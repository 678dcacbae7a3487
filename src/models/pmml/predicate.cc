#include "models/pmml/predicate.h"

#include <algorithm>
#include <cmath>

namespace millrace::pmml {
namespace {

using Builder = DecisionGraphBuilder;
using Target = Builder::Target;
using Range = Builder::Range;

/// What a second copy of a predicate costs: nested ones double with each level.
constexpr size_t kCopy = 64;

enum class Comparison {
  kEqual,
  kNotEqual,
  kLess,
  kLessOrEqual,
  kGreater,
  kGreaterOrEqual,
  kMissing,
  kNotMissing
};

/// Codes of text are whole: neighbours make one range.
std::vector<Range> RangesOf(std::vector<double> values, bool codes) {
  std::sort(values.begin(), values.end());
  std::vector<Range> ranges;
  for (const double value : values) {
    if (!ranges.empty() &&
        (value == ranges.back().high || (codes && value == ranges.back().high + 1)))
      ranges.back().high = value;
    else
      ranges.push_back({value, value});
  }
  return ranges;
}

class PredicateCompiler {
 public:
  PredicateCompiler(Scope& scope, Builder& builder) : scope_(scope), builder_(builder) {}

  Target Compile(const Element& predicate, const Outcomes& to) {
    scope_.compiler().Spend(predicate);
    if (predicate.Is("True")) return to.yes;
    if (predicate.Is("False")) return to.no;
    if (predicate.Is("SimplePredicate")) return Simple(predicate, to);
    if (predicate.Is("SimpleSetPredicate")) return Set(predicate, to);
    if (predicate.Is("CompoundPredicate")) return Compound(predicate, to);
    predicate.FailUnsupported("this predicate",
                              "True, False, SimplePredicate, SimpleSetPredicate, "
                              "CompoundPredicate");
  }

 private:
  Target Simple(const Element& element, const Outcomes& to) {
    const Field& field = scope_.Require(element);
    const auto comparison =
        element.Choice<Comparison>("operator", {{"equal", Comparison::kEqual},
                                                {"notEqual", Comparison::kNotEqual},
                                                {"lessThan", Comparison::kLess},
                                                {"lessOrEqual", Comparison::kLessOrEqual},
                                                {"greaterThan", Comparison::kGreater},
                                                {"greaterOrEqual", Comparison::kGreaterOrEqual},
                                                {"isMissing", Comparison::kMissing},
                                                {"isNotMissing", Comparison::kNotMissing}});
    if (comparison == Comparison::kMissing)
      return builder_.Test(field.slot, 0, to.no, to.no, to.yes);
    if (comparison == Comparison::kNotMissing)
      return builder_.Test(field.slot, 0, to.yes, to.yes, to.no);
    const double value =
        ParseConstant(element, element.RequireText("value"), field.type, scope_.compiler().pool);
    if (comparison == Comparison::kEqual)
      return builder_.In(field.slot, {{value, value}}, to.yes, to.no, to.unknown);
    if (comparison == Comparison::kNotEqual)
      return builder_.In(field.slot, {{value, value}}, to.no, to.yes, to.unknown);
    if (field.type == DataType::kString || field.op == OpType::kOrdinal)
      return Ordered(element, field, comparison, value, to);
    const double below = std::nextafter(value, -INFINITY);
    switch (comparison) {
      case Comparison::kLess:
        return builder_.Test(field.slot, below, to.yes, to.no, to.unknown);
      case Comparison::kLessOrEqual:
        return builder_.Test(field.slot, value, to.yes, to.no, to.unknown);
      case Comparison::kGreater:
        return builder_.Test(field.slot, value, to.no, to.yes, to.unknown);
      default:
        return builder_.Test(field.slot, below, to.no, to.yes, to.unknown);
    }
  }

  /// Values in the order of the data dictionary.
  Target Ordered(const Element& element, const Field& field, Comparison comparison, double value,
                 const Outcomes& to) {
    const auto at = std::find(field.values.begin(), field.values.end(), value);
    if (at == field.values.end()) {
      element.Fail(
          "compares the field '" + field.name + "' with a value that its <DataField> does not list",
          "the order of text is that of the <Value> elements of its <DataField>");
    }
    const bool with =
        comparison == Comparison::kLessOrEqual || comparison == Comparison::kGreaterOrEqual;
    const bool before = comparison == Comparison::kLess || comparison == Comparison::kLessOrEqual;
    const std::vector<double> chosen =
        before ? std::vector<double>(field.values.begin(), at + (with ? 1 : 0))
               : std::vector<double>(at + (with ? 0 : 1), field.values.end());
    return builder_.In(field.slot, RangesOf(chosen, field.type == DataType::kString), to.yes, to.no,
                       to.unknown);
  }

  Target Set(const Element& element, const Outcomes& to) {
    const Field& field = scope_.Require(element);
    const bool inside =
        element.Choice<bool>("booleanOperator", {{"isIn", true}, {"isNotIn", false}});
    std::vector<double> values;
    for (const std::string& word : element.Require("Array").ArrayWords())
      values.push_back(ParseConstant(element, word, field.type, scope_.compiler().pool));
    scope_.compiler().Spend(element, values.size());
    return builder_.In(field.slot, RangesOf(values, field.type == DataType::kString),
                       inside ? to.yes : to.no, inside ? to.no : to.yes, to.unknown);
  }

  Target Compound(const Element& element, const Outcomes& to) {
    enum Operator { kAnd, kOr, kXor, kSurrogate };
    const auto op = element.Choice<Operator>(
        "booleanOperator", {{"or", kOr}, {"and", kAnd}, {"xor", kXor}, {"surrogate", kSurrogate}});
    const std::vector<Element> parts = element.Children();
    if (parts.empty()) element.Fail("has no predicates");
    // From the last part to the first: where a row stands that has seen no unknown, and one that
    // has (`and`, `or`), or an even and an odd number of true ones (`xor`).
    switch (op) {
      case kAnd:
      case kOr: {
        const bool is_and = op == kAnd;
        Target clean = is_and ? to.yes : to.no, unsure = to.unknown;
        // Where unknown is as good as decided nothing need be remembered.
        const bool forget = to.unknown == (is_and ? to.no : to.yes);
        for (size_t i = parts.size(); i-- > 0;) {
          const Target ahead = clean, ahead_unsure = forget ? to.unknown : unsure;
          clean = Compile(parts[i], is_and ? Outcomes{ahead, to.no, ahead_unsure}
                                           : Outcomes{to.yes, ahead, ahead_unsure});
          if (forget || i == 0) continue;
          scope_.compiler().Spend(parts[i], kCopy);
          unsure = Compile(parts[i], is_and ? Outcomes{ahead_unsure, to.no, ahead_unsure}
                                            : Outcomes{to.yes, ahead_unsure, ahead_unsure});
        }
        return clean;
      }
      case kXor: {
        Target even = to.no, odd = to.yes;
        for (size_t i = parts.size(); i-- > 0;) {
          const Target next_even = Compile(parts[i], {odd, even, to.unknown});
          if (i > 0) {
            scope_.compiler().Spend(parts[i], kCopy);
            odd = Compile(parts[i], {even, odd, to.unknown});
          }
          even = next_even;
        }
        return even;
      }
      case kSurrogate: {
        Target ahead = to.unknown;
        for (size_t i = parts.size(); i-- > 0;) ahead = Compile(parts[i], {to.yes, to.no, ahead});
        return ahead;
      }
    }
    return to.unknown;
  }

  Scope& scope_;
  Builder& builder_;
};

}  // namespace

Element PredicateOf(const Element& element) {
  for (const Element& child : element.Children()) {
    if (child.Is("True") || child.Is("False") || child.name().ends_with("Predicate")) return child;
  }
  element.Fail("has no predicate", "every node needs one, <True/> at the least");
}

Target CompilePredicate(const Element& predicate, Scope& scope, Builder& builder,
                        const Outcomes& outcomes) {
  return PredicateCompiler(scope, builder).Compile(predicate, outcomes);
}

}  // namespace millrace::pmml

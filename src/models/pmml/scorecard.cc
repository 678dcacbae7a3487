#include <algorithm>
#include <array>
#include <map>

#include "models/pmml/expression.h"
#include "models/pmml/model.h"
#include "models/pmml/predicate.h"

namespace millrace::pmml {
namespace {

using Builder = DecisionGraphBuilder;

struct Attribute {
  double score = 0;
  std::unique_ptr<Expression> expression;  ///< instead of `score`
  int reason = -1;                         ///< index of its code
};

struct Characteristic {
  DecisionGraph graph;  ///< to its attributes, and behind them to none
  std::vector<Attribute> attributes;
  double baseline = 0;
};

class Scorecard final : public Model {
 public:
  Scorecard(const Element& element, const ModelContext& context)
      : initial_(element.Number("initialScore", 0)),
        below_(element.Choice<bool>("reasonCodeAlgorithm",
                                    {{"pointsBelow", true}, {"pointsAbove", false}})) {
    const bool reasons = element.Flag("useReasonCodes", true);
    const auto characteristics = element.Require("Characteristics").Children("Characteristic");
    for (const Element& part : characteristics) Read(element, part, reasons, context);
    AddCategories(context, {});
    for (size_t i = 0; i < codes_.size(); ++i)
      result.ranked.push_back(context.compiler().NewResult());
  }

  void Run(Frame& frame, Active) const override {
    const int n = frame.rows();
    double* score = frame.Write(result.value);
    std::fill_n(score, n, initial_);
    std::vector<double> points(codes_.size() * kBlockRows, kMissing);
    std::array<int32_t, kBlockRows> at;
    Scratch computed(frame);
    for (const Characteristic& characteristic : characteristics_) {
      characteristic.graph.Evaluate(frame, at.data());
      for (size_t a = 0; a < characteristic.attributes.size(); ++a) {
        const Attribute& attribute = characteristic.attributes[a];
        if (attribute.expression != nullptr) attribute.expression->Evaluate(frame, computed.get());
        for (int i = 0; i < n; ++i) {
          if (at[static_cast<size_t>(i)] != static_cast<int32_t>(a)) continue;
          const double partial = attribute.expression != nullptr ? computed[i] : attribute.score;
          score[i] += partial;
          if (attribute.reason < 0) continue;
          double& own =
              points[static_cast<size_t>(attribute.reason) * kBlockRows + static_cast<size_t>(i)];
          const double lost =
              below_ ? characteristic.baseline - partial : partial - characteristic.baseline;
          own = IsMissing(own) ? lost : own + lost;
        }
      }
      const auto none = static_cast<int32_t>(characteristic.attributes.size());
      for (int i = 0; i < n; ++i) {
        if (at[static_cast<size_t>(i)] == none) score[i] = kMissing;
      }
    }
    Rank(frame, points);
  }

 private:
  void Read(const Element& card, const Element& element, bool reasons,
            const ModelContext& context) {
    Characteristic characteristic;
    Builder builder;
    const auto attributes = element.Children("Attribute");
    const int none = static_cast<int>(attributes.size());
    Builder::Target ahead = Builder::Leaf(none);
    for (size_t i = attributes.size(); i-- > 0;) {
      ahead = CompilePredicate(PredicateOf(attributes[i]), context.scope, builder,
                               {Builder::Leaf(static_cast<int>(i)), ahead, ahead});
    }
    characteristic.graph = std::move(builder).Finish(ahead, none + 1);
    if (reasons && (element.Has("baselineScore") || card.Has("baselineScore")))
      characteristic.baseline =
          (element.Has("baselineScore") ? element : card).Number("baselineScore");
    for (const Element& part : attributes) {
      Attribute attribute;
      if (const Element complex = part.Child("ComplexPartialScore")) {
        attribute.expression = ConvertTo(DataType::kDouble, CompileDerived(complex, context.scope));
      } else {
        attribute.score = part.Number("partialScore");
      }
      if (reasons) {
        const std::string code =
            part.Has("reasonCode") ? part.Text("reasonCode") : element.RequireText("reasonCode");
        attribute.reason = CodeOf(context.compiler().pool.Code(code));
      }
      characteristic.attributes.push_back(std::move(attribute));
    }
    characteristics_.push_back(std::move(characteristic));
  }

  int CodeOf(double code) {
    const auto at = std::find(codes_.begin(), codes_.end(), code);
    const auto index = at - codes_.begin();
    if (at == codes_.end()) codes_.push_back(code);
    return static_cast<int>(index);
  }

  /// The codes that the row has met by their points, most first; those below 0 are left out.
  void Rank(Frame& frame, const std::vector<double>& points) const {
    std::vector<double*> outs;
    for (const Slot slot : result.ranked) outs.push_back(frame.Write(slot));
    std::vector<std::pair<double, size_t>> order;
    for (int i = 0; i < frame.rows(); ++i) {
      order.clear();
      for (size_t k = 0; k < codes_.size(); ++k) {
        const double own = points[k * kBlockRows + static_cast<size_t>(i)];
        if (own >= 0) order.emplace_back(own, k);
      }
      std::stable_sort(order.begin(), order.end(),
                       [](const auto& a, const auto& b) { return a.first > b.first; });
      for (size_t rank = 0; rank < outs.size(); ++rank)
        outs[rank][i] = rank < order.size() ? codes_[order[rank].second] : kMissing;
    }
  }

  const double initial_;
  const bool below_;
  std::vector<Characteristic> characteristics_;
  std::vector<double> codes_;
};

}  // namespace

std::unique_ptr<Model> CompileScorecard(const Element& element, const ModelContext& context) {
  return std::make_unique<Scorecard>(element, context);
}

}  // namespace millrace::pmml

#include <algorithm>
#include <array>
#include <map>
#include <optional>

#include "models/pmml/model.h"
#include "models/pmml/predicate.h"

namespace millrace::pmml {
namespace {

using Builder = DecisionGraphBuilder;
using Target = Builder::Target;

enum class Missing {
  kNone,
  kLastPrediction,
  kNullPrediction,
  kDefaultChild,
  kWeightedConfidence,
  kAggregateNodes
};

/// A node of the document.
struct Node {
  Element element;
  std::vector<int> children;
  int default_child = -1;
  double record_count = 0;
  double score = kMissing;
  std::vector<double> shares;  ///< of the categories
  std::vector<double> confidences;
};

class TreeModel final : public Model {
 public:
  void Run(Frame& frame, Active) const override {
    std::array<int32_t, kBlockRows> at;
    graph_.Evaluate(frame, at.data());
    if (spread_.nodes.empty()) {
      Fill(frame, at.data());
    } else {
      Spread(frame, at.data());
    }
  }

 private:
  friend class TreeCompiler;

  /// What strategies that follow several children at once need: a graph for each predicate.
  struct SpreadParts {
    std::vector<DecisionGraph> predicates;  ///< by node: 0 false, 1 true, 2 unknown
    std::vector<Node> nodes;
  };

  void Fill(Frame& frame, const int32_t* at) const {
    const int n = frame.rows();
    const auto pick = [&](Slot slot, const std::vector<double>& values) {
      double* out = frame.Write(slot);
      for (int i = 0; i < n; ++i) out[i] = values[static_cast<size_t>(at[i])];
    };
    pick(result.value, value_);
    for (size_t k = 0; k < shares_.size(); ++k) pick(result.categories[k].probability, shares_[k]);
    if (result.confidence != kNoSlot) pick(result.confidence, confidence_);
    if (result.entity != kNoSlot) pick(result.entity, entity_);
  }

  /// Rows that meet an unknown predicate follow all children, weighed by their records.
  void Spread(Frame& frame, const int32_t* at) const {
    Fill(frame, at);
    const size_t none = value_.size() - 1;
    std::vector<std::array<int32_t, kBlockRows>> truth;
    const size_t k = result.categories.size();
    std::vector<double> sums(k + 1);
    for (int row = 0; row < frame.rows(); ++row) {
      if (static_cast<size_t>(at[row]) != none) continue;
      if (truth.empty()) {
        truth.resize(spread_.nodes.size());
        for (size_t i = 0; i < truth.size(); ++i)
          spread_.predicates[i].Evaluate(frame, truth[i].data());
      }
      std::fill(sums.begin(), sums.end(), 0);
      double weight = 0;
      Visit(truth, row, 0, 1, &sums, &weight);
      if (weight == 0) continue;
      double* value = frame.Write(result.value);
      value[row] = sums[k] / weight;
      size_t best = 0;
      for (size_t c = 0; c < k; ++c) {
        frame.Write(result.categories[c].probability)[row] = sums[c] / weight;
        if (sums[c] > sums[best]) best = c;
      }
      if (k > 0) {
        value[row] = result.categories[best].value;
        if (missing_ == Missing::kWeightedConfidence)
          frame.Write(result.confidence)[row] = sums[best] / weight;
      }
    }
  }

  void Visit(const std::vector<std::array<int32_t, kBlockRows>>& truth, int row, size_t index,
             double share, std::vector<double>* sums, double* weight) const {
    const Node& node = spread_.nodes[index];
    const size_t k = result.categories.size();
    if (node.children.empty()) {
      const bool by_confidence = missing_ == Missing::kWeightedConfidence;
      for (size_t c = 0; c < k; ++c) {
        const double value =
            by_confidence && !IsMissing(node.confidences[c]) ? node.confidences[c] : node.shares[c];
        (*sums)[c] += share * value;
      }
      (*sums)[k] += share * node.score;
      *weight += share;
      return;
    }
    double records = 0;
    bool unknown = false;
    for (const int child : node.children) {
      const int32_t seen = truth[static_cast<size_t>(child)][static_cast<size_t>(row)];
      if (seen == 1 && !unknown)
        return Visit(truth, row, static_cast<size_t>(child), share, sums, weight);
      unknown = unknown || seen == 2;
      if (seen != 0) records += spread_.nodes[static_cast<size_t>(child)].record_count;
    }
    if (!unknown || records == 0) return;
    for (const int child : node.children) {
      const auto at = static_cast<size_t>(child);
      if (truth[at][static_cast<size_t>(row)] != 0)
        Visit(truth, row, at, share * spread_.nodes[at].record_count / records, sums, weight);
    }
  }

  Missing missing_ = Missing::kNone;
  DecisionGraph graph_;  ///< to the nodes, and behind them to none
  std::vector<double> value_, confidence_, entity_;
  std::vector<std::vector<double>> shares_;  ///< by category, then leaf
  SpreadParts spread_;
};

/// Reads the nodes of a document and fills a model from them.
class TreeCompiler {
 public:
  TreeCompiler(const ModelContext& context, TreeModel* model) : context_(context), model_(model) {}

  void Read(const Element& element) {
    model_->missing_ = element.Choice<Missing>(
        "missingValueStrategy", {{"none", Missing::kNone},
                                 {"lastPrediction", Missing::kLastPrediction},
                                 {"nullPrediction", Missing::kNullPrediction},
                                 {"defaultChild", Missing::kDefaultChild},
                                 {"weightedConfidence", Missing::kWeightedConfidence},
                                 {"aggregateNodes", Missing::kAggregateNodes}});
    last_without_child_ = element.Choice<bool>(
        "noTrueChildStrategy", {{"returnNullPrediction", false}, {"returnLastPrediction", true}});
    const Element root = element.Require("Node");
    model_->AddCategories(context_, CategoriesOf(root));
    ReadNode(root);
    if (context_.function == MiningFunction::kClassification)
      model_->result.confidence = context_.compiler().NewResult();
    if (HasIds(root)) model_->result.entity = context_.compiler().NewResult();
    Compile();
  }

 private:
  static bool HasIds(const Element& node) { return node.Has("id"); }

  std::vector<double> CategoriesOf(const Element& root) {
    std::vector<double> values;
    if (context_.function != MiningFunction::kClassification) return values;
    if (context_.target != nullptr) values = context_.target->values;
    std::vector<Element> waiting{root};
    const auto add = [&](double value) {
      if (std::find(values.begin(), values.end(), value) == values.end()) values.push_back(value);
    };
    while (!waiting.empty()) {
      const Element node = waiting.back();
      waiting.pop_back();
      for (const Element& share : node.Children("ScoreDistribution"))
        add(context_.TargetValue(share, share.RequireText("value")));
      if (node.Has("score")) add(context_.TargetValue(node, node.Text("score")));
      const auto children = node.Children("Node");
      waiting.insert(waiting.end(), children.rbegin(), children.rend());
    }
    return values;
  }

  int ReadNode(const Element& element) {
    const size_t index = nodes_.size();
    context_.compiler().Spend(element);
    Node node;
    node.element = element;
    node.record_count = element.Number("recordCount", 0);
    if (element.Has("score")) node.score = context_.TargetValue(element, element.Text("score"));
    ReadShares(&node);
    nodes_.push_back(node);
    const std::string wanted = element.Text("defaultChild");
    for (const Element& child : element.Children("Node")) {
      const int at = ReadNode(child);
      nodes_[index].children.push_back(at);
      if (!wanted.empty() && child.Text("id") == wanted) nodes_[index].default_child = at;
    }
    if (!wanted.empty() && nodes_[index].default_child < 0)
      element.Fail("has defaultChild=\"" + wanted + "\", but no child of that id");
    return static_cast<int>(index);
  }

  void ReadShares(Node* node) {
    const size_t n = model_->result.categories.size();
    if (n == 0) return;
    node->shares.assign(n, kMissing);
    node->confidences.assign(n, kMissing);
    const auto shares = node->element.Children("ScoreDistribution");
    if (shares.empty()) {
      // A score alone is certain of itself.
      if (!IsMissing(node->score)) {
        node->shares.assign(n, 0);
        node->shares[static_cast<size_t>(model_->IndexOf(node->score))] = 1;
      }
      return;
    }
    double sum = 0;
    bool given = false;
    for (const Element& share : shares) {
      const double count = share.Number("recordCount", 0);
      sum += count;
      given = given || share.Has("probability");
    }
    node->shares.assign(n, 0);
    for (const Element& share : shares) {
      const auto at = static_cast<size_t>(
          model_->IndexOf(context_.TargetValue(share, share.RequireText("value"))));
      node->shares[at] = given ? share.Number("probability") : share.Number("recordCount", 0) / sum;
      if (share.Has("confidence")) node->confidences[at] = share.Number("confidence");
    }
    if (IsMissing(node->score)) {
      const auto best = std::max_element(node->shares.begin(), node->shares.end());
      node->score =
          model_->result.categories[static_cast<size_t>(best - node->shares.begin())].value;
    }
  }

  void Compile() {
    const bool spread = model_->missing_ == Missing::kWeightedConfidence ||
                        model_->missing_ == Missing::kAggregateNodes;
    targets_.assign(nodes_.size(), std::nullopt);
    for (const Node& node : nodes_) {
      model_->value_.push_back(node.score);
      model_->entity_.push_back(
          HasIds(node.element) ? context_.compiler().pool.Code(node.element.Text("id")) : kMissing);
    }
    model_->value_.push_back(kMissing);
    model_->entity_.push_back(kMissing);
    model_->shares_.resize(model_->result.categories.size());
    for (size_t k = 0; k < model_->shares_.size(); ++k) {
      for (const Node& node : nodes_) model_->shares_[k].push_back(node.shares[k]);
      model_->shares_[k].push_back(kMissing);
    }
    for (const Node& node : nodes_) {
      const int at = model_->IndexOf(node.score);
      model_->confidence_.push_back(at < 0 ? kMissing : node.confidences[static_cast<size_t>(at)]);
    }
    model_->confidence_.push_back(kMissing);
    const Target root = CompileNode(0, NoLeaf());
    const Target start = CompilePredicate(PredicateOf(nodes_[0].element), context_.scope, builder_,
                                          {root, NoLeaf(), NoLeaf()});
    if (spread) CompileSpread();
    model_->graph_ = std::move(builder_).Finish(start, static_cast<int>(nodes_.size()) + 1);
  }

  /// The leaf of rows without a prediction.
  Target NoLeaf() const { return Builder::Leaf(static_cast<int>(nodes_.size())); }

  /// Where a row goes for which the node's predicate holds; `last` is the last node above that has
  /// a score.
  Target CompileNode(int index, Target last) {
    auto& target = targets_[static_cast<size_t>(index)];
    if (target) return *target;
    const Node& node = nodes_[static_cast<size_t>(index)];
    const Target own = IsMissing(node.score) ? last : Builder::Leaf(index);
    if (node.children.empty()) return *(target = Builder::Leaf(index));
    Target ahead = last_without_child_ ? own : NoLeaf();
    for (size_t i = node.children.size(); i-- > 0;) {
      const Element child = nodes_[static_cast<size_t>(node.children[i])].element;
      const Target yes = CompileNode(node.children[i], own);
      ahead = CompilePredicate(PredicateOf(child), context_.scope, builder_,
                               {yes, ahead, Unknown(node, own, ahead)});
    }
    target = ahead;
    return ahead;
  }

  Target Unknown(const Node& node, Target own, Target ahead) {
    switch (model_->missing_) {
      case Missing::kLastPrediction:
        return own;
      case Missing::kNullPrediction:
        return NoLeaf();
      case Missing::kDefaultChild:
        return node.default_child < 0 ? NoLeaf() : CompileNode(node.default_child, own);
      case Missing::kWeightedConfidence:
      case Missing::kAggregateNodes:
        return NoLeaf();  // the row is looked at again
      case Missing::kNone:
        break;
    }
    return ahead;
  }

  void CompileSpread() {
    for (const Node& node : nodes_) {
      Builder builder;
      const Target root = CompilePredicate(PredicateOf(node.element), context_.scope, builder,
                                           {Builder::Leaf(1), Builder::Leaf(0), Builder::Leaf(2)});
      model_->spread_.predicates.push_back(std::move(builder).Finish(root, 3));
    }
    model_->spread_.nodes = nodes_;
    for (Node& node : model_->spread_.nodes) node.element = {};
  }

  const ModelContext& context_;
  TreeModel* const model_;
  bool last_without_child_ = false;
  std::vector<Node> nodes_;
  std::vector<std::optional<Target>> targets_;
  Builder builder_;
};

}  // namespace

std::unique_ptr<Model> CompileTree(const Element& element, const ModelContext& context) {
  auto model = std::make_unique<TreeModel>();
  TreeCompiler(context, model.get()).Read(element);
  return model;
}

}  // namespace millrace::pmml

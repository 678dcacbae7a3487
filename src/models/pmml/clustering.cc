#include <algorithm>

#include "models/pmml/comparison.h"
#include "models/pmml/model.h"

namespace millrace::pmml {
namespace {

class ClusteringModel final : public Model {
 public:
  ClusteringModel(const Element& element, const ModelContext& context)
      : comparison_(Comparison::Read(element.Require("ComparisonMeasure"))) {
    if (element.Text("modelClass", "centerBased") != "centerBased")
      element.FailUnsupported("modelClass=\"" + element.Text("modelClass") + "\"", "centerBased");
    for (const Element& field : element.Children("ClusteringField")) {
      if (field.Text("isCenterField", "true") == "false") continue;
      dimensions_.push_back(
          comparison_.ReadDimension(field, "fieldWeight", context.scope.Require(field).slot));
    }
    adjust_.assign(dimensions_.size(), 1);
    if (const Element weights = element.Child("MissingValueWeights"))
      adjust_ = weights.Require("Array").ArrayNumbers();
    if (adjust_.size() != dimensions_.size())
      element.Fail("has not one <MissingValueWeights> for each field");
    Compiler& compiler = context.compiler();
    int number = 0;
    for (const Element& cluster : element.Children("Cluster")) {
      ++number;
      const std::string id = cluster.Text("id", std::to_string(number).c_str());
      points_.push_back(cluster.Require("Array").ArrayNumbers());
      if (points_.back().size() != dimensions_.size())
        cluster.Fail("has " + std::to_string(points_.back().size()) + " coordinates for " +
                     std::to_string(dimensions_.size()) + " fields");
      ids_.push_back(compiler.pool.Code(id));
      result.affinities.emplace_back(id, compiler.NewResult());
    }
    if (points_.empty()) element.Fail("has no <Cluster>");
    result.function = MiningFunction::kClustering;
    result.type = DataType::kString;
    result.value = compiler.NewResult();
    result.entity = result.value;
    result.affinity = compiler.NewResult();
  }

  void Run(Frame& frame, Active) const override {
    const int n = frame.rows();
    double* id = frame.Write(result.value);
    double* best = frame.Write(result.affinity);
    std::fill_n(id, n, kMissing);
    std::fill_n(best, n, kMissing);
    for (size_t c = 0; c < points_.size(); ++c) {
      double* own = frame.Write(result.affinities[c].second);
      comparison_.Measure(frame, dimensions_, points_[c], adjust_, own);
      for (int i = 0; i < n; ++i) {
        const bool nearer = comparison_.is_similarity() ? own[i] > best[i] : own[i] < best[i];
        if (IsMissing(own[i]) || (!nearer && !IsMissing(best[i]))) continue;
        best[i] = own[i];
        id[i] = ids_[c];
      }
    }
  }

 private:
  const Comparison comparison_;
  std::vector<Comparison::Dimension> dimensions_;
  std::vector<double> adjust_;
  std::vector<std::vector<double>> points_;
  std::vector<double> ids_;
};

}  // namespace

std::unique_ptr<Model> CompileClustering(const Element& element, const ModelContext& context) {
  return std::make_unique<ClusteringModel>(element, context);
}

}  // namespace millrace::pmml

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "models/pmml/comparison.h"
#include "models/pmml/model.h"

namespace millrace::pmml {
namespace {

enum class Combine { kAverage, kMedian, kWeightedAverage };

class NearestNeighborModel final : public Model {
 public:
  NearestNeighborModel(const Element& element, const ModelContext& context)
      : comparison_(Comparison::Read(element.Require("ComparisonMeasure"))),
        combine_(element.Choice<Combine>("continuousScoringMethod",
                                         {{"average", Combine::kAverage},
                                          {"median", Combine::kMedian},
                                          {"weightedAverage", Combine::kWeightedAverage}})),
        weighted_votes_(element.Choice<bool>(
            "categoricalScoringMethod", {{"majorityVote", false}, {"weightedMajorityVote", true}})),
        threshold_(element.Number("threshold", 0.001)) {
    std::map<std::string, Field> inputs;
    for (const Element& input : element.Require("KNNInputs").Children("KNNInput")) {
      const Field& field = context.scope.Require(input);
      inputs[field.name] = field;
      names_.push_back(field.name);
      dimensions_.push_back(comparison_.ReadDimension(input, "fieldWeight", field.slot));
    }
    adjust_.assign(dimensions_.size(), 1);
    ReadInstances(element, inputs, context);
    const int k = element.Integer("numberOfNeighbors", 0);
    if (k < 1) element.Fail("needs numberOfNeighbors of 1 at the least");
    neighbors_ = std::min(static_cast<size_t>(k), points_.size());
    std::vector<double> values;
    if (context.function == MiningFunction::kClassification) {
      if (context.target != nullptr) values = context.target->values;
      for (const double target : targets_) {
        if (std::find(values.begin(), values.end(), target) == values.end())
          values.push_back(target);
      }
    }
    AddCategories(context, values);
    for (size_t i = 0; i < neighbors_; ++i) result.ranked.push_back(context.compiler().NewResult());
    result.entity = result.ranked[0];
  }

  void Run(Frame& frame, Active) const override {
    const int n = frame.rows();
    std::vector<double> distances(points_.size() * kBlockRows);
    for (size_t p = 0; p < points_.size(); ++p)
      comparison_.Measure(frame, dimensions_, points_[p], adjust_, &distances[p * kBlockRows]);
    std::vector<double*> ranked, columns;
    for (const Slot slot : result.ranked) ranked.push_back(frame.Write(slot));
    for (const Category& category : result.categories)
      columns.push_back(frame.Write(category.probability));
    double* value = frame.Write(result.value);
    std::vector<std::pair<double, size_t>> order(points_.size());
    for (int i = 0; i < n; ++i) {
      for (size_t p = 0; p < points_.size(); ++p) {
        const double distance = distances[p * kBlockRows + static_cast<size_t>(i)];
        const double own = comparison_.is_similarity() ? -distance : distance;
        order[p] = {IsMissing(own) ? std::numeric_limits<double>::infinity() : own, p};
      }
      const bool lost = IsMissing(distances[static_cast<size_t>(i)]);
      if (!lost) {
        std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(neighbors_),
                          order.end());
      }
      for (size_t k = 0; k < neighbors_; ++k)
        ranked[k][i] = lost ? kMissing : ids_[order[k].second];
      if (columns.empty())
        value[i] = lost ? kMissing : Average(order);
      else
        Vote(order, lost, i, columns);
    }
    if (!columns.empty()) ChooseGreatest(frame);
  }

 private:
  void ReadInstances(const Element& element, const std::map<std::string, Field>& inputs,
                     const ModelContext& context) {
    const Element training = element.Require("TrainingInstances");
    std::map<std::string, std::string> columns;  // by field
    for (const Element& field : training.Require("InstanceFields").Children("InstanceField")) {
      const std::string name = field.RequireText("field");
      columns[name] = field.Text("column", name.c_str());
    }
    const std::string target = context.target == nullptr ? "" : context.target->name;
    const std::string id = element.Text("instanceIdVariable");
    if (target.empty() || !columns.contains(target))
      training.Fail("has no <InstanceField> for the target '" + target + "'");
    const auto cell_of = [&](const Element& row, const std::string& field) {
      const auto column = columns.find(field);
      if (column == columns.end()) training.Fail("has no <InstanceField> for '" + field + "'");
      const auto colon = column->second.rfind(':');
      const Element cell =
          row.Child(colon == std::string::npos ? column->second : column->second.substr(colon + 1));
      if (!cell) row.Fail("lacks the column '" + column->second + "'");
      return cell;
    };
    int number = 0;
    for (const Element& row : training.Require("InlineTable").Children("row")) {
      ++number;
      std::vector<double>& point = points_.emplace_back();
      for (const std::string& name : names_) {
        const Element cell = cell_of(row, name);
        point.push_back(
            ParseConstant(cell, cell.text(), inputs.at(name).type, context.compiler().pool));
      }
      const Element own = cell_of(row, target);
      targets_.push_back(context.TargetValue(own, std::string(own.text())));
      ids_.push_back(context.compiler().pool.Code(
          id.empty() ? std::to_string(number) : std::string(cell_of(row, id).text())));
    }
    if (points_.empty()) training.Fail("has no rows");
  }

  double WeightOf(double distance) const { return 1 / (std::abs(distance) + threshold_); }

  double Average(const std::vector<std::pair<double, size_t>>& order) const {
    if (combine_ == Combine::kMedian) {
      std::vector<double> values;
      for (size_t k = 0; k < neighbors_; ++k) values.push_back(targets_[order[k].second]);
      std::sort(values.begin(), values.end());
      const size_t middle = values.size() / 2;
      return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
    }
    double sum = 0, all = 0;
    for (size_t k = 0; k < neighbors_; ++k) {
      const double weight = combine_ == Combine::kAverage ? 1 : WeightOf(order[k].first);
      sum += weight * targets_[order[k].second];
      all += weight;
    }
    return sum / all;
  }

  void Vote(const std::vector<std::pair<double, size_t>>& order, bool lost, int row,
            const std::vector<double*>& columns) const {
    for (double* column : columns) column[row] = lost ? kMissing : 0;
    if (lost) return;
    double all = 0;
    for (size_t k = 0; k < neighbors_; ++k) {
      const double weight = weighted_votes_ ? WeightOf(order[k].first) : 1;
      columns[static_cast<size_t>(IndexOf(targets_[order[k].second]))][row] += weight;
      all += weight;
    }
    for (double* column : columns) column[row] /= all;
  }

  const Comparison comparison_;
  const Combine combine_;
  const bool weighted_votes_;
  const double threshold_;
  std::vector<std::string> names_;
  std::vector<Comparison::Dimension> dimensions_;
  std::vector<double> adjust_;
  std::vector<std::vector<double>> points_;
  std::vector<double> targets_, ids_;
  size_t neighbors_;
};

}  // namespace

std::unique_ptr<Model> CompileNearestNeighbor(const Element& element, const ModelContext& context) {
  return std::make_unique<NearestNeighborModel>(element, context);
}

}  // namespace millrace::pmml

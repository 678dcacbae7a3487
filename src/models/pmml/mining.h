#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "models/pmml/model.h"
#include "models/pmml/predicate.h"

namespace millrace::pmml {

/// A <MiningModel>: segments, each a model with a predicate, and how their results become one.
class MiningModel final : public Model {
 public:
  MiningModel(const Element& element, const ModelContext& context);
  void Run(Frame& frame, Active active) const override;

 private:
  enum class Method {
    kMajorityVote,
    kWeightedMajorityVote,
    kAverage,
    kWeightedAverage,
    kMedian,
    kWeightedMedian,
    kMax,
    kSum,
    kWeightedSum,
    kSelectFirst,
    kSelectAll,
    kModelChain
  };
  enum class MissingPrediction { kContinue, kSkipSegment, kReturnMissing };

  struct Segment {
    std::string id;
    double weight = 1;
    bool always = true;
    DecisionGraph predicate;  ///< leaf 1: true
    std::unique_ptr<CompiledModel> model;
    std::vector<int> categories;  ///< of the mining model, by category of this
  };

  /// Whether one segment's result is that of the model.
  bool IsChoice() const {
    return method_ == Method::kSelectFirst || method_ == Method::kModelChain;
  }
  bool IsVote() const {
    return method_ == Method::kMajorityVote || method_ == Method::kWeightedMajorityVote;
  }
  bool IsWeighted() const {
    return method_ == Method::kWeightedMajorityVote || method_ == Method::kWeightedAverage ||
           method_ == Method::kWeightedMedian || method_ == Method::kWeightedSum;
  }

  static bool NamesSegments(const Element& element);
  void ReadSegments(const Element& element, const Element& segmentation,
                    const ModelContext& context);
  std::vector<double> CategoriesOf(const ModelContext& context) const;
  void Check(const Element& segmentation) const;
  void ListItems(const Element& segmentation, const ModelContext& context);
  void SelectAll(Frame& frame, Active active) const;

  /// A result with what any segment gives, filled from one of them for each row.
  void MergeResults(const Element& segmentation, const ModelContext& context);

  /// Which rows the segment is for, or null for all that are asked for.
  const uint8_t* ActiveOf(const Segment& segment, const Frame& frame, Active active,
                          std::array<uint8_t, kBlockRows>& mask) const;
  void Choose(Frame& frame, Active active) const;
  /// What a segment that was not run gives to those behind it is missing.
  static void ClearOutputs(Frame& frame, const Segment& segment, const uint8_t* rows);
  void Merge(Frame& frame, const Segment& segment, const uint8_t* rows) const;

  /// Sums, averages and votes: each segment's columns are added and forgotten.
  void Accumulate(Frame& frame, Active active) const;
  /// The category with most votes; of equals the one that was voted for first. Segments without a
  /// prediction vote for none where they are not to be skipped.
  void ChooseVoted(Frame& frame, const std::vector<double*>& sums,
                   const std::vector<int>& first_votes, const double* total,
                   const double* missing) const;
  void AddAll(const double* value, double weight, int n, double* sum) const;
  void Settle(Frame& frame, const std::vector<double*>& sums, const double* total,
              const double* missing) const;
  /// Whether the segments without a prediction leave the model without one.
  bool IsLost(double missing, double all) const;

  /// Median and greatest: all segments' columns are kept, then looked at row by row.
  void Collect(Frame& frame, Active active) const;
  double ProbabilityOf(const Frame& frame, size_t s, size_t category, int row) const;
  template <class Value>
  double Combine(const std::vector<size_t>& usable, Value value) const;
  /// The category whose median is the greatest, with the categories of the segments that have it.
  void FillMedians(const Frame& frame, const std::vector<size_t>& usable, bool lost, int row,
                   const std::vector<double*>& outs) const;
  /// The mean of the segments that are surest of a category.
  void FillGreatest(const Frame& frame, const std::vector<size_t>& usable, bool lost, int row,
                    const std::vector<double*>& outs) const;

  Method method_;
  MissingPrediction missing_;
  double missing_threshold_;
  bool single_;
  bool merged_ = true;
  std::vector<Segment> segments_;
};

}  // namespace millrace::pmml

#include <algorithm>
#include <array>
#include <limits>

#include "models/pmml/model.h"
#include "models/pmml/predicate.h"

namespace millrace::pmml {
namespace {

using Builder = DecisionGraphBuilder;

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

class MiningModel final : public Model {
 public:
  MiningModel(const Element& element, const ModelContext& context) {
    const Element segmentation = element.Require("Segmentation");
    segmentation.RequireText("multipleModelMethod");
    method_ = segmentation.Choice<Method>("multipleModelMethod",
                                          {{"majorityVote", Method::kMajorityVote},
                                           {"weightedMajorityVote", Method::kWeightedMajorityVote},
                                           {"average", Method::kAverage},
                                           {"weightedAverage", Method::kWeightedAverage},
                                           {"median", Method::kMedian},
                                           {"weightedMedian", Method::kWeightedMedian},
                                           {"x-weightedMedian", Method::kWeightedMedian},
                                           {"max", Method::kMax},
                                           {"sum", Method::kSum},
                                           {"weightedSum", Method::kWeightedSum},
                                           {"x-weightedSum", Method::kWeightedSum},
                                           {"selectFirst", Method::kSelectFirst},
                                           {"selectAll", Method::kSelectAll},
                                           {"modelChain", Method::kModelChain}});
    missing_ = segmentation.Choice<MissingPrediction>(
        "missingPredictionTreatment", {{"continue", MissingPrediction::kContinue},
                                       {"skipSegment", MissingPrediction::kSkipSegment},
                                       {"returnMissing", MissingPrediction::kReturnMissing}});
    missing_threshold_ = segmentation.Number("missingThreshold", 1);
    single_ = element.Text("x-mathContext") == "float";
    ReadSegments(element, segmentation, context);
    if (segments_.empty()) segmentation.Fail("has no <Segment>");
    for (const Segment& segment : segments_) {
      if (!segment.model->result().items.empty())
        segmentation.FailUnsupported("a segment that selects all", "it as the outermost model");
    }
    if (method_ == Method::kSelectAll) {
      ListItems(segmentation, context);
      return;
    }
    if (IsChoice()) {
      MergeResults(segmentation, context);
    } else {
      AddCategories(context, CategoriesOf(context), true);
    }
    for (Segment& segment : segments_) {
      for (const Category& category : segment.model->result().categories)
        segment.categories.push_back(IndexOf(category.value));
    }
    if (!IsChoice()) Check(segmentation);
  }

  void Run(Frame& frame, Active active) const override {
    if (IsChoice()) return Choose(frame, active);
    if (method_ == Method::kSelectAll) return SelectAll(frame, active);
    if (method_ == Method::kMedian || method_ == Method::kWeightedMedian || method_ == Method::kMax)
      return Collect(frame, active);
    Accumulate(frame, active);
  }

 private:
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

  static bool NamesSegments(const Element& element) {
    const Element output = element.Child("Output");
    if (!output) return false;
    for (const Element& field : output.Children("OutputField")) {
      if (field.Has("segmentId")) return true;
    }
    return false;
  }

  void ReadSegments(const Element& element, const Element& segmentation,
                    const ModelContext& context) {
    const bool keep = IsChoice() || method_ == Method::kSelectAll || method_ == Method::kMedian ||
                      method_ == Method::kWeightedMedian || method_ == Method::kMax ||
                      NamesSegments(element);
    for (const Element& part : segmentation.Children("Segment")) {
      Segment segment;
      segment.id = part.Text("id");
      segment.weight = part.Number("weight", 1);
      const Element predicate = PredicateOf(part);
      segment.always = predicate.Is("True");
      Builder builder;
      const auto root = CompilePredicate(predicate, context.scope, builder,
                                         {Builder::Leaf(1), Builder::Leaf(0), Builder::Leaf(0)});
      segment.predicate = std::move(builder).Finish(root, 2);
      for (const Element& child : part.Children()) {
        if (IsModel(child))
          segment.model = std::make_unique<CompiledModel>(child, context.scope, false);
      }
      if (segment.model == nullptr) part.Fail("has no model of a kind that is known");
      const ModelResult& own = segment.model->result();
      if (method_ == Method::kModelChain) {
        for (size_t i = 0; i < segment.model->outputs().size(); ++i) {
          const Field& field = segment.model->outputs()[i];
          context.scope.Add(field);
          if (segment.model->final_outputs()[i]) outputs.push_back(field);
        }
      }
      if (NamesSegments(element)) segments.emplace_back(segment.id, own);
      // The next segment may overwrite what this one has added up.
      if (!keep && segment.model->outputs().empty()) context.compiler().Release(own.Columns());
      segments_.push_back(std::move(segment));
    }
  }

  std::vector<double> CategoriesOf(const ModelContext& context) const {
    std::vector<double> values;
    if (context.function == MiningFunction::kRegression) return values;
    if (context.target != nullptr) values = context.target->values;
    for (const Segment& segment : segments_) {
      for (const Category& category : segment.model->result().categories) {
        if (std::find(values.begin(), values.end(), category.value) == values.end())
          values.push_back(category.value);
      }
    }
    return values;
  }

  void Check(const Element& segmentation) const {
    const bool classifies = result.function != MiningFunction::kRegression;
    const bool votes = method_ == Method::kMajorityVote || method_ == Method::kWeightedMajorityVote;
    const bool sums = method_ == Method::kSum || method_ == Method::kWeightedSum;
    if (classifies ? sums : votes) {
      segmentation.Fail("combines by " + segmentation.Text("multipleModelMethod") + ", which a " +
                        (classifies ? "classification" : "regression") + " cannot");
    }
    if (result.function == MiningFunction::kClustering)
      segmentation.FailUnsupported("a combination of clusterings", "selectFirst, modelChain");
    for (const Segment& segment : segments_) {
      if (segment.model->result().type != result.type && classifies)
        segmentation.Fail("combines values of several types");
      if (classifies && segment.model->result().categories.empty())
        segmentation.Fail("combines probabilities, which the segment '" + segment.id +
                          "' does not give");
    }
  }

  void ListItems(const Element& segmentation, const ModelContext& context) {
    result.function = context.function;
    result.type = segments_.front().model->result().type;
    for (const Segment& segment : segments_) {
      const ModelResult& own = segment.model->result();
      if (own.type != result.type) segmentation.Fail("selects values of several types");
      result.items.push_back({own.value, context.compiler().NewSlot()});
    }
  }

  void SelectAll(Frame& frame, Active active) const {
    std::array<uint8_t, kBlockRows> mask;
    for (size_t s = 0; s < segments_.size(); ++s) {
      const uint8_t* rows = ActiveOf(segments_[s], frame, active, mask);
      double* present = frame.Write(result.items[s].present);
      for (int i = 0; i < frame.rows(); ++i) present[i] = rows == nullptr || rows[i] != 0 ? 1 : 0;
      segments_[s].model->Run(frame, rows);
    }
  }

  /// A result with what any segment gives, filled from one of them for each row.
  void MergeResults(const Element& segmentation, const ModelContext& context) {
    const ModelResult& last = segments_.back().model->result();
    const bool simple =
        method_ == Method::kModelChain &&
        std::all_of(segments_.begin(), segments_.end(), [](const auto& s) { return s.always; });
    if (simple) {
      result = last;
      merged_ = false;
      return;
    }
    result.function = context.function;
    result.type = last.type;
    Compiler& compiler = context.compiler();
    result.value = compiler.NewSlot();
    bool confidence = false, entity = false, affinity = false;
    size_t ranked = 0;
    for (const Segment& segment : segments_) {
      const ModelResult& own = segment.model->result();
      if (own.type != result.type) segmentation.Fail("chooses among values of several types");
      for (const Category& category : own.categories) {
        if (IndexOf(category.value) < 0)
          result.categories.push_back({category.value, compiler.NewSlot()});
      }
      confidence |= own.confidence != kNoSlot;
      entity |= own.entity != kNoSlot;
      affinity |= own.affinity != kNoSlot;
      ranked = std::max(ranked, own.ranked.size());
    }
    if (confidence) result.confidence = compiler.NewSlot();
    if (entity) result.entity = compiler.NewSlot();
    if (affinity) result.affinity = compiler.NewSlot();
    for (size_t i = 0; i < ranked; ++i) result.ranked.push_back(compiler.NewSlot());
  }

  /// Which rows the segment is for, or null for all that are asked for.
  const uint8_t* ActiveOf(const Segment& segment, const Frame& frame, Active active,
                          std::array<uint8_t, kBlockRows>& mask) const {
    if (segment.always) return active;
    std::array<int32_t, kBlockRows> leaves;
    segment.predicate.Evaluate(frame, leaves.data());
    for (int i = 0; i < frame.rows(); ++i) {
      const auto at = static_cast<size_t>(i);
      mask[at] = leaves[at] == 1 && (active == nullptr || active[i] != 0);
    }
    return mask.data();
  }

  void Choose(Frame& frame, Active active) const {
    const int n = frame.rows();
    std::array<uint8_t, kBlockRows> mask, left;
    std::fill_n(left.begin(), n, uint8_t{1});
    if (merged_) {
      for (const Slot slot : result.Columns()) std::fill_n(frame.Write(slot), n, kMissing);
    }
    for (const Segment& segment : segments_) {
      const uint8_t* rows = ActiveOf(segment, frame, active, mask);
      if (method_ == Method::kSelectFirst) {
        if (rows != mask.data()) {
          if (rows == nullptr)
            std::fill_n(mask.begin(), n, uint8_t{1});
          else
            std::copy_n(rows, n, mask.begin());
        }
        bool any = false;
        for (size_t i = 0; i < static_cast<size_t>(n); ++i) {
          mask[i] &= left[i];
          left[i] &= static_cast<uint8_t>(mask[i] == 0);
          any |= mask[i] != 0;
        }
        if (!any) continue;
        rows = mask.data();
      }
      segment.model->Run(frame, rows);
      if (method_ == Method::kModelChain) ClearOutputs(frame, segment, rows);
      if (merged_) Merge(frame, segment, rows);
    }
  }

  /// What a segment that was not run gives to those behind it is missing.
  static void ClearOutputs(Frame& frame, const Segment& segment, const uint8_t* rows) {
    if (rows == nullptr) return;
    for (const Field& field : segment.model->outputs()) {
      double* out = frame.Write(field.slot);
      for (int i = 0; i < frame.rows(); ++i) out[i] = rows[i] != 0 ? out[i] : kMissing;
    }
  }

  void Merge(Frame& frame, const Segment& segment, const uint8_t* rows) const {
    const ModelResult& own = segment.model->result();
    const int n = frame.rows();
    const auto copy = [&](Slot from, Slot to) {
      if (to == kNoSlot) return;
      double* out = frame.Write(to);
      const double* in = from == kNoSlot ? nullptr : frame.Read(from);
      for (int i = 0; i < n; ++i) {
        if (rows == nullptr || rows[i] != 0) out[i] = in == nullptr ? kMissing : in[i];
      }
    };
    copy(own.value, result.value);
    copy(own.confidence, result.confidence);
    copy(own.entity, result.entity);
    copy(own.affinity, result.affinity);
    for (size_t i = 0; i < result.ranked.size(); ++i)
      copy(i < own.ranked.size() ? own.ranked[i] : kNoSlot, result.ranked[i]);
    for (const Category& category : result.categories) copy(kNoSlot, category.probability);
    for (size_t k = 0; k < own.categories.size(); ++k) {
      copy(own.categories[k].probability,
           result.categories[static_cast<size_t>(segment.categories[k])].probability);
    }
  }

  /// Sums, averages and votes: each segment's columns are added and forgotten.
  void Accumulate(Frame& frame, Active active) const {
    const int n = frame.rows();
    const bool votes = IsVote();
    const bool by_category = !result.categories.empty();
    std::vector<double*> sums;
    if (by_category) {
      for (const Category& category : result.categories)
        sums.push_back(frame.Write(category.probability));
    } else {
      sums.push_back(frame.Write(result.value));
    }
    for (double* sum : sums) std::fill_n(sum, n, 0.0);
    Scratch total(frame), missing(frame);
    std::fill_n(total.get(), n, 0.0);
    std::fill_n(missing.get(), n, 0.0);
    std::array<uint8_t, kBlockRows> mask;
    std::vector<int> first_votes(votes ? (sums.size() + 1) * kBlockRows : 0,
                                 std::numeric_limits<int>::max());
    const auto vote = [&](size_t category, int row, size_t segment) {
      int& first = first_votes[category * kBlockRows + static_cast<size_t>(row)];
      first = std::min(first, static_cast<int>(segment));
    };
    for (size_t s = 0; s < segments_.size(); ++s) {
      const Segment& segment = segments_[s];
      const uint8_t* rows = ActiveOf(segment, frame, active, mask);
      segment.model->Run(frame, rows);
      const double weight = IsWeighted() ? segment.weight : 1;
      const ModelResult& own = segment.model->result();
      const double* value = frame.Read(own.value);
      if (!by_category && rows == nullptr && missing_ != MissingPrediction::kSkipSegment) {
        AddAll(value, weight, n, sums[0]);
        for (int i = 0; i < n; ++i) total[i] += weight;
        continue;
      }
      for (int i = 0; i < n; ++i) {
        if (rows != nullptr && rows[i] == 0) continue;
        if (IsMissing(value[i])) {
          missing[i] += weight;
          if (votes) vote(sums.size(), i, s);
          continue;
        }
        total[i] += weight;
        if (votes) {
          const auto category = static_cast<size_t>(std::max(IndexOf(value[i]), 0));
          sums[category][i] += weight;
          vote(category, i, s);
        } else if (!by_category) {
          AddAll(value + i, weight, 1, sums[0] + i);
        } else {
          for (size_t k = 0; k < own.categories.size(); ++k) {
            sums[static_cast<size_t>(segment.categories[k])][i] +=
                weight * frame.Read(own.categories[k].probability)[i];
          }
        }
      }
    }
    if (votes)
      ChooseVoted(frame, sums, first_votes, total.get(), missing.get());
    else
      Settle(frame, sums, total.get(), missing.get());
  }

  /// The category with most votes; of equals the one that was voted for first. Segments without a
  /// prediction vote for none where they are not to be skipped.
  void ChooseVoted(Frame& frame, const std::vector<double*>& sums,
                   const std::vector<int>& first_votes, const double* total,
                   const double* missing) const {
    double* value = frame.Write(result.value);
    const size_t none = sums.size();
    for (int i = 0; i < frame.rows(); ++i) {
      const auto first = [&](size_t k) {
        return first_votes[k * kBlockRows + static_cast<size_t>(i)];
      };
      size_t best = none;
      double most = missing_ == MissingPrediction::kContinue ? missing[i] : 0;
      for (size_t k = 0; k < sums.size(); ++k) {
        if (sums[k][i] > most || (sums[k][i] == most && first(k) < first(best))) {
          best = k;
          most = sums[k][i];
        }
      }
      if (IsLost(missing[i], total[i] + missing[i])) best = none;
      value[i] = best == none ? kMissing : result.categories[best].value;
      for (double* sum : sums) sum[i] = best == none ? kMissing : sum[i] / total[i];
    }
  }

  void AddAll(const double* value, double weight, int n, double* sum) const {
    if (single_) {
      for (int i = 0; i < n; ++i)
        sum[i] =
            static_cast<float>(sum[i]) + static_cast<float>(weight) * static_cast<float>(value[i]);
    } else {
      for (int i = 0; i < n; ++i) sum[i] += weight * value[i];
    }
  }

  void Settle(Frame& frame, const std::vector<double*>& sums, const double* total,
              const double* missing) const {
    const int n = frame.rows();
    const bool divides = method_ != Method::kSum && method_ != Method::kWeightedSum;
    for (int i = 0; i < n; ++i) {
      const bool lost = missing[i] == 0 ? total[i] == 0 : IsLost(missing[i], total[i] + missing[i]);
      // Of nothing there is a sum, but no average.
      const bool none = lost && (divides || missing_ != MissingPrediction::kSkipSegment ||
                                 missing[i] < total[i] + missing[i] || missing[i] == 0);
      for (double* sum : sums) {
        if (none)
          sum[i] = kMissing;
        else if (divides)
          sum[i] =
              single_
                  ? static_cast<double>(static_cast<float>(sum[i]) / static_cast<float>(total[i]))
                  : sum[i] / total[i];
      }
    }
    if (!result.categories.empty()) ChooseGreatest(frame);
  }

  /// Whether the segments without a prediction leave the model without one.
  bool IsLost(double missing, double all) const {
    if (missing == 0) return all == 0;
    if (missing_ == MissingPrediction::kSkipSegment)
      return missing == all || missing / all > missing_threshold_;
    return missing_ == MissingPrediction::kReturnMissing || !IsVote();
  }

  /// Median and greatest: all segments' columns are kept, then looked at row by row.
  void Collect(Frame& frame, Active active) const {
    const int n = frame.rows();
    std::vector<std::array<uint8_t, kBlockRows>> masks(segments_.size());
    std::vector<const uint8_t*> rows;
    for (size_t s = 0; s < segments_.size(); ++s) {
      rows.push_back(ActiveOf(segments_[s], frame, active, masks[s]));
      segments_[s].model->Run(frame, rows.back());
    }
    std::vector<double*> outs;
    for (const Category& category : result.categories)
      outs.push_back(frame.Write(category.probability));
    double* out = frame.Write(result.value);
    std::vector<size_t> usable;
    for (int i = 0; i < n; ++i) {
      usable.clear();
      double missing = 0, all = 0;
      for (size_t s = 0; s < segments_.size(); ++s) {
        if (rows[s] != nullptr && rows[s][i] == 0) continue;
        all += segments_[s].weight;
        if (IsMissing(frame.Read(segments_[s].model->result().value)[i]))
          missing += segments_[s].weight;
        else
          usable.push_back(s);
      }
      const bool lost = usable.empty() || IsLost(missing, all);
      if (outs.empty()) {
        out[i] = lost ? kMissing : Combine(usable, [&](size_t s) {
          return frame.Read(segments_[s].model->result().value)[i];
        });
      } else if (method_ == Method::kMax) {
        FillGreatest(frame, usable, lost, i, outs);
      } else {
        FillMedians(frame, usable, lost, i, outs);
      }
    }
    if (!outs.empty()) ChooseGreatest(frame);
  }

  double ProbabilityOf(const Frame& frame, size_t s, size_t category, int row) const {
    const Segment& segment = segments_[s];
    for (size_t k = 0; k < segment.categories.size(); ++k) {
      if (segment.categories[k] == static_cast<int>(category))
        return std::max(0.0, frame.Read(segment.model->result().categories[k].probability)[row]);
    }
    return 0;
  }

  template <class Value>
  double Combine(const std::vector<size_t>& usable, Value value) const {
    std::vector<std::pair<double, double>> values;
    for (const size_t s : usable)
      values.emplace_back(value(s), method_ == Method::kWeightedMedian ? segments_[s].weight : 1);
    std::sort(values.begin(), values.end());
    const size_t n = values.size();
    if (method_ == Method::kMax) return values.back().first;
    if (method_ == Method::kMedian)
      return n % 2 == 1 ? values[n / 2].first : (values[n / 2 - 1].first + values[n / 2].first) / 2;
    double total = 0, sum = 0;
    for (const auto& [x, weight] : values) total += weight;
    for (const auto& [x, weight] : values) {
      if ((sum += weight) >= total / 2) return x;
    }
    return values.back().first;
  }

  /// The category whose median is the greatest, with the categories of the segments that have it.
  void FillMedians(const Frame& frame, const std::vector<size_t>& usable, bool lost, int row,
                   const std::vector<double*>& outs) const {
    for (double* out : outs) out[row] = kMissing;
    if (lost) return;
    using Share = std::pair<double, size_t>;
    std::vector<Share> chosen;
    double most = -1;
    const size_t middle = usable.size() / 2;
    for (size_t k = 0; k < outs.size(); ++k) {
      std::vector<Share> shares;
      for (const size_t s : usable) shares.emplace_back(ProbabilityOf(frame, s, k, row), s);
      std::sort(shares.begin(), shares.end());
      const bool odd = usable.size() % 2 == 1;
      const double median =
          odd ? shares[middle].first : (shares[middle - 1].first + shares[middle].first) / 2;
      if (median <= most) continue;
      most = median;
      chosen = {shares[middle]};
      if (!odd) chosen.push_back(shares[middle - 1]);
    }
    for (size_t k = 0; k < outs.size(); ++k) {
      double sum = 0;
      for (const auto& [share, s] : chosen) sum += ProbabilityOf(frame, s, k, row);
      outs[k][row] = sum / static_cast<double>(chosen.size());
    }
  }

  /// The mean of the segments that are surest of a category.
  void FillGreatest(const Frame& frame, const std::vector<size_t>& usable, bool lost, int row,
                    const std::vector<double*>& outs) const {
    double most = -1;
    std::vector<size_t> best;
    for (const size_t s : usable) {
      double own = -1;
      for (size_t k = 0; k < outs.size(); ++k) own = std::max(own, ProbabilityOf(frame, s, k, row));
      if (own > most) best.clear();
      if (own >= most) best.push_back(s);
      most = std::max(most, own);
    }
    for (size_t k = 0; k < outs.size(); ++k) {
      double sum = lost ? kMissing : 0;
      for (const size_t s : best) sum += ProbabilityOf(frame, s, k, row);
      outs[k][row] = sum / static_cast<double>(best.size());
    }
  }

  Method method_;
  MissingPrediction missing_;
  double missing_threshold_;
  bool single_;
  bool merged_ = true;
  std::vector<Segment> segments_;
};

}  // namespace

std::unique_ptr<Model> CompileMining(const Element& element, const ModelContext& context) {
  return std::make_unique<MiningModel>(element, context);
}

}  // namespace millrace::pmml

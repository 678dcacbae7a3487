#include "models/pmml/mining.h"

#include <algorithm>

namespace millrace::pmml {

MiningModel::MiningModel(const Element& element, const ModelContext& context) {
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

void MiningModel::Run(Frame& frame, Active active) const {
  if (IsChoice()) return Choose(frame, active);
  if (method_ == Method::kSelectAll) return SelectAll(frame, active);
  if (method_ == Method::kMedian || method_ == Method::kWeightedMedian || method_ == Method::kMax)
    return Collect(frame, active);
  Accumulate(frame, active);
}

bool MiningModel::NamesSegments(const Element& element) {
  const Element output = element.Child("Output");
  if (!output) return false;
  for (const Element& field : output.Children("OutputField")) {
    if (field.Has("segmentId")) return true;
  }
  return false;
}

void MiningModel::ReadSegments(const Element& element, const Element& segmentation,
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
    DecisionGraphBuilder builder;
    const auto root =
        CompilePredicate(predicate, context.scope, builder,
                         {DecisionGraphBuilder::Leaf(1), DecisionGraphBuilder::Leaf(0),
                          DecisionGraphBuilder::Leaf(0)});
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

std::vector<double> MiningModel::CategoriesOf(const ModelContext& context) const {
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

void MiningModel::Check(const Element& segmentation) const {
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

void MiningModel::ListItems(const Element& segmentation, const ModelContext& context) {
  result.function = context.function;
  result.type = segments_.front().model->result().type;
  for (const Segment& segment : segments_) {
    const ModelResult& own = segment.model->result();
    if (own.type != result.type) segmentation.Fail("selects values of several types");
    result.items.push_back({own.value, context.compiler().NewSlot()});
  }
}

void MiningModel::MergeResults(const Element& segmentation, const ModelContext& context) {
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

std::unique_ptr<Model> CompileMining(const Element& element, const ModelContext& context) {
  return std::make_unique<MiningModel>(element, context);
}

}  // namespace millrace::pmml

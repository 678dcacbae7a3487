#include "models/isolated_scoring.h"

#include <numeric>
#include <utility>

#include <arrow/array.h>
#include <arrow/record_batch.h>

namespace millrace {
namespace {

class Scorer {
 public:
  Scorer(const Batch& batch, const ScoreRows& score)
      : batch_(batch), score_(score), assembler_(batch.num_rows()) {}

  Status Score(const RowGroup& group) {
    const arrow::Int32Array indices(static_cast<int64_t>(group.size()), arrow::Buffer::Wrap(group));
    ARROW_ASSIGN_OR_RAISE(const Batch part, batch_.Take(indices));
    auto outputs = score_(part);
    if (outputs.ok()) {
      assembler_.Add(group, std::move(*outputs));
      return Status::OK();
    }
    return Failed(group, outputs.status());
  }

  Status Failed(const RowGroup& group, const Status& failure) {
    if (group.size() == 1 || InfoOf(failure).error_class != ErrorClass::kData) {
      for (const int32_t row : group) errors_.push_back({row, failure.message(), {}});
      return Status::OK();
    }
    const auto middle = group.begin() + static_cast<std::ptrdiff_t>(group.size() / 2);
    ARROW_RETURN_NOT_OK(Score({group.begin(), middle}));
    return Score({middle, group.end()});
  }

  Result<Prediction> Finish(const std::shared_ptr<arrow::Schema>& outputs) && {
    Prediction prediction;
    prediction.errors = std::move(errors_);
    ARROW_ASSIGN_OR_RAISE(prediction.outputs, std::move(assembler_).Finish(outputs));
    return prediction;
  }

 private:
  const Batch& batch_;
  const ScoreRows& score_;
  OutputAssembler assembler_;
  std::vector<RowError> errors_;
};

}  // namespace

Result<Prediction> ScoreIsolated(const Batch& batch, RowGroups groups,
                                 const std::shared_ptr<arrow::Schema>& outputs,
                                 const ScoreRows& score) {
  Scorer scorer(batch, score);
  if (groups.whole) {
    auto scored = score(batch);
    if (scored.ok()) {
      Prediction prediction;
      prediction.outputs = std::move(*scored);
      return prediction;
    }
    RowGroup all(static_cast<size_t>(batch.num_rows()));
    std::iota(all.begin(), all.end(), 0);
    ARROW_RETURN_NOT_OK(scorer.Failed(all, scored.status()));
  }
  for (const RowGroup& group : groups.groups) ARROW_RETURN_NOT_OK(scorer.Score(group));
  ARROW_ASSIGN_OR_RAISE(Prediction prediction, std::move(scorer).Finish(outputs));
  prediction.errors.insert(prediction.errors.begin(), groups.errors.begin(), groups.errors.end());
  return prediction;
}

}  // namespace millrace

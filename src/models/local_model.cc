#include "models/local_model.h"

#include <numeric>
#include <utility>

#include <arrow/array.h>
#include <arrow/record_batch.h>

#include "models/model_columns.h"

namespace millrace {
namespace {

class LocalModel final : public LoadedModel {
 public:
  LocalModel(std::shared_ptr<TensorModel> model, ModelColumns columns)
      : model_(std::move(model)), columns_(std::move(columns)) {}

  const ModelSignature& signature() const override { return columns_.signature(); }

  std::unique_ptr<Call> PredictAsync(const Batch& rows, const CallOptions&,
                                     PredictDone done) override {
    done(Predict(rows));
    return nullptr;
  }

 private:
  Result<Prediction> Predict(const Batch& batch) {
    Prediction prediction;
    prediction.version = signature().version;
    RowGroups groups = columns_.Group(*batch.rows);
    if (groups.whole) {
      auto outputs = Score(*batch.rows);
      if (outputs.ok()) {
        prediction.outputs = std::move(*outputs);
        return prediction;
      }
      RowGroup all(static_cast<size_t>(batch.num_rows()));
      std::iota(all.begin(), all.end(), 0);
      groups.groups.push_back(std::move(all));
    }
    prediction.errors = std::move(groups.errors);
    OutputAssembler assembler(batch.num_rows());
    for (const RowGroup& group : groups.groups) {
      ARROW_RETURN_NOT_OK(ScoreGroup(batch, group, &assembler, &prediction.errors));
    }
    ARROW_ASSIGN_OR_RAISE(prediction.outputs, std::move(assembler).Finish(columns_));
    return prediction;
  }

  Result<std::shared_ptr<arrow::RecordBatch>> Score(const arrow::RecordBatch& rows) {
    ARROW_ASSIGN_OR_RAISE(const auto inputs, columns_.ToTensors(rows));
    ARROW_ASSIGN_OR_RAISE(const auto outputs, model_->Run(inputs, columns_.outputs()));
    return columns_.FromTensors(outputs, rows.num_rows());
  }

  Status ScoreGroup(const Batch& batch, const RowGroup& group, OutputAssembler* assembler,
                    std::vector<RowError>* errors) {
    const arrow::Int32Array indices(static_cast<int64_t>(group.size()), arrow::Buffer::Wrap(group));
    ARROW_ASSIGN_OR_RAISE(const Batch part, batch.Take(indices));
    auto outputs = Score(*part.rows);
    if (outputs.ok()) {
      assembler->Add(group, std::move(*outputs));
      return Status::OK();
    }
    if (group.size() == 1) {
      errors->push_back({group[0], outputs.status().message(), {}});
      return Status::OK();
    }
    const auto middle = group.begin() + static_cast<std::ptrdiff_t>(group.size() / 2);
    ARROW_RETURN_NOT_OK(ScoreGroup(batch, {group.begin(), middle}, assembler, errors));
    return ScoreGroup(batch, {middle, group.end()}, assembler, errors);
  }

  const std::shared_ptr<TensorModel> model_;
  const ModelColumns columns_;
};

}  // namespace

Result<ModelLease> MakeLocalModel(const ModelConfig& config, std::shared_ptr<TensorModel> model) {
  ARROW_ASSIGN_OR_RAISE(auto columns, ModelColumns::Make(config, model->signature()));
  return std::make_shared<LocalModel>(std::move(model), std::move(columns));
}

}  // namespace millrace

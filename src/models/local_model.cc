#include "models/local_model.h"

#include <utility>

#include <arrow/record_batch.h>

#include "models/isolated_scoring.h"
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
    ARROW_ASSIGN_OR_RAISE(
        Prediction prediction,
        ScoreIsolated(batch, columns_.Group(*batch.rows), columns_.output_schema(),
                      [this](const Batch& rows) { return Score(*rows.rows); }));
    prediction.version = signature().version;
    return prediction;
  }

  Result<std::shared_ptr<arrow::RecordBatch>> Score(const arrow::RecordBatch& rows) {
    ARROW_ASSIGN_OR_RAISE(const auto inputs, columns_.ToTensors(rows));
    ARROW_ASSIGN_OR_RAISE(const auto outputs, model_->Run(inputs, columns_.outputs()));
    return columns_.FromTensors(outputs, rows.num_rows());
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

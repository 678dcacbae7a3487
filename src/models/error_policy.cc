#include "models/error_policy.h"

#include <utility>

#include "models/default_row.h"

namespace millrace {
namespace {

enum class OnError : uint8_t { kNull, kDefault, kDeadLetter, kFail };

Result<OnError> ReadOnError(const Options& options) {
  const bool has_default = options.Has("default-value");
  const std::string text = options.String("on-error");
  if (text.empty()) return has_default ? OnError::kDefault : OnError::kNull;
  if (text == "default" && !has_default)
    return Error::User("'on-error' = 'default' needs a 'default-value'");
  return text == "default"       ? OnError::kDefault
         : text == "dead-letter" ? OnError::kDeadLetter
         : text == "fail"        ? OnError::kFail
                                 : OnError::kNull;
}

/// What is done with a prediction that has errors.
struct Policy {
  OnError on_error = OnError::kNull;
  std::shared_ptr<arrow::RecordBatch> default_row;  ///< of kDefault
  std::string model;

  Result<Prediction> Apply(Prediction prediction) const {
    if (prediction.errors.empty()) return prediction;
    switch (on_error) {
      case OnError::kNull:
        break;
      case OnError::kDefault: {
        ARROW_ASSIGN_OR_RAISE(prediction.outputs,
                              WithDefaults(*prediction.outputs, prediction.errors, *default_row));
        break;
      }
      case OnError::kDeadLetter:
        prediction.leave_out_failed = true;
        break;
      case OnError::kFail:
        return Error::Data(prediction.errors[0].text)
            .In("model " + model)
            .Hint("with another 'on-error' than 'fail' such rows do not end the job");
    }
    return prediction;
  }
};

class ModelWithPolicy final : public LoadedModel {
 public:
  ModelWithPolicy(ModelLease model, Policy policy)
      : model_(std::move(model)), policy_(std::make_shared<const Policy>(std::move(policy))) {}

  const ModelSignature& signature() const override { return model_->signature(); }

  std::unique_ptr<Call> PredictAsync(const Batch& rows, const CallOptions& options,
                                     PredictDone done) override {
    return model_->PredictAsync(
        rows, options, [policy = policy_, done = std::move(done)](Result<Prediction> result) {
          done(result.ok() ? policy->Apply(std::move(*result)) : std::move(result));
        });
  }

 private:
  const ModelLease model_;
  const std::shared_ptr<const Policy> policy_;
};

}  // namespace

std::vector<OptionSpec> ErrorPolicyOptions() {
  return {
      {.key = "on-error",
       .type = OptionType::kEnum,
       .doc = "What becomes of a row that fails: its result is NULL, or the 'default-value'; it "
              "leaves at the side output `t$failed` only (dead-letter); or it ends the job. Where "
              "this is not set: the 'default-value' if there is one, else NULL. In each case but "
              "the last the row is also in `t$failed`.",
       .choices = {"null", "default", "dead-letter", "fail"}},
      {.key = "default-value",
       .doc = "Output of failed rows: text as it is, else as JSON; several outputs as one JSON "
              "object; 'null'."},
  };
}

Status CheckErrorPolicy(const ModelConfig& config, const Options& options) {
  ARROW_ASSIGN_OR_RAISE(const OnError on_error, ReadOnError(options));
  if (on_error != OnError::kDefault || config.output.size() == 0) return Status::OK();
  return ParseDefaultRow(config.output, options.String("default-value")).status();
}

Result<ModelLease> WithErrorPolicy(ModelLease model, const ModelConfig& config,
                                   const Options& options) {
  Policy policy;
  policy.model = config.name;
  ARROW_ASSIGN_OR_RAISE(policy.on_error, ReadOnError(options));
  if (policy.on_error == OnError::kNull) return model;
  if (policy.on_error == OnError::kDefault) {
    ARROW_ASSIGN_OR_RAISE(policy.default_row,
                          ParseDefaultRow(config.output, options.String("default-value")));
  }
  return std::make_shared<ModelWithPolicy>(std::move(model), std::move(policy));
}

}  // namespace millrace

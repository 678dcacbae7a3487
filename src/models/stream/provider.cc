#include "models/stream/provider.h"

#include <arrow/array/util.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "models/common_options.h"
#include "models/error_policy.h"
#include "models/stream/golden_rows.h"
#include "models/stream/s3_location.h"
#include "spi/services.h"

namespace millrace {
namespace {

class AbsentModel final : public LoadedModel {
 public:
  explicit AbsentModel(const ModelConfig& config)
      : cause_("there is no version of the model '" + config.name + "' for the row"),
        outputs_(config.output.ToArrow()) {
    signature_.local = true;
  }

  const ModelSignature& signature() const override { return signature_; }

  std::unique_ptr<Call> PredictAsync(const Batch& rows, const CallOptions&,
                                     PredictDone done) override {
    done(Fail(rows.num_rows()));
    return nullptr;
  }

 private:
  Result<Prediction> Fail(int64_t rows) const {
    Prediction prediction;
    arrow::ArrayVector columns;
    for (const auto& field : outputs_->fields()) {
      ARROW_ASSIGN_OR_RAISE(columns.emplace_back(), arrow::MakeArrayOfNull(field->type(), rows));
    }
    prediction.outputs = arrow::RecordBatch::Make(outputs_, rows, std::move(columns));
    for (int32_t row = 0; row < rows; ++row) prediction.errors.push_back({row, cause_, {}});
    return prediction;
  }

  const std::string cause_;
  const std::shared_ptr<arrow::Schema> outputs_;
  ModelSignature signature_;
};

Result<ModelSignature> DescribeStream(const ModelConfig& config, const Options& options,
                                      Services& services) {
  ARROW_RETURN_NOT_OK(CheckCommonOptions(config, options, services));
  if (config.input.size() > 0) {
    ARROW_RETURN_NOT_OK(GoldenRows::Read(config, options, services).status());
  }
  ModelSignature signature;
  signature.as_declared = true;  // no version has come
  return signature;
}

Result<ModelLease> LoadAbsent(const ModelConfig& config, const Options& options, Services&) {
  return WithErrorPolicy(std::make_shared<AbsentModel>(config), config, options);
}

}  // namespace

ModelProviderSpec StreamProvider() {
  ModelProviderSpec spec;
  spec.name = "stream";
  spec.doc =
      "A model whose versions are the records of a table. Each record brings the type of the model "
      "(`onnx`, or the modeltype of a ModelDescriptor) and its bytes, or where they are. A version "
      "is loaded and tried off the workers, and serves from the next batch on; one that does not "
      "load leaves at the side output `t$quarantined`, and the one before keeps serving.";
  spec.example =
      "CREATE MODEL wine_quality INPUT (alcohol DOUBLE, acidity DOUBLE) OUTPUT (quality DOUBLE)\n"
      "  WITH ('provider' = 'stream', 'source' = 'model_updates', 'key' = 'dataType')";
  spec.options = {
      {.key = "source", .doc = "Table or view of the models' records.", .required = true},
      {.key = "key",
       .doc = "Columns of the source that say which rows a model is for, comma-separated; without, "
              "there is one model for all rows."},
      {.key = "swap",
       .type = OptionType::kEnum,
       .default_value = "arrival",
       .doc = "When a version takes over: once it is loaded (arrival), or for the rows that are "
              "not older than its record (event-time).",
       .choices = {"arrival", "event-time"}},
      {.key = "swap-delay",
       .type = OptionType::kDuration,
       .doc = "With event-time: a silent source is taken to be complete up to the wall clock minus "
              "this; by default rows wait for its watermark."},
      {.key = "before-first-model",
       .type = OptionType::kEnum,
       .default_value = "wait",
       .doc = "What becomes of rows for which no model has come: they wait, are left out (skip), "
              "or fail as 'on-error' says.",
       .choices = {"wait", "skip", "on-error"}},
      {.key = "max-waiting-rows",
       .type = OptionType::kInt,
       .default_value = "1000000",
       .doc = "The most rows that wait in one subtask; more fail as 'on-error' says.",
       .min = 1},
      {.key = "max-model-size",
       .type = OptionType::kBytes,
       .default_value = "1 gb",
       .doc = "A larger model is refused. At most 2147483647 bytes, as many as a value may have.",
       .max = 2147483647},
      {.key = "location-prefix",
       .doc = "Locations of models must begin with this; by default any may be read."},
      {.key = "type", .doc = "Type of all models, for a source without a column of it."},
      {.key = "type-column",
       .doc = "Column of the type; by default `modeltype`, `model_type` or `type`."},
      {.key = "data-column", .doc = "Column of the bytes; by default `data`."},
      {.key = "location-column", .doc = "Column of the location; by default `location`."},
      {.key = "version-column",
       .doc = "Column of the version, an integer that grows; by default `version`, else a later "
              "record is a newer version."},
      {.key = "sha256-column",
       .doc = "Column of the SHA-256 that the bytes must have, in hexadecimal; by default "
              "`sha256`."},
      {.key = "golden-rows",
       .doc = "File of JSON lines, each with INPUT columns and what the OUTPUT columns must be: a "
              "version that scores one of them otherwise does not serve. A line with columns of "
              "the 'key' is for that key only."},
      {.key = "golden-tolerance",
       .type = OptionType::kDouble,
       .default_value = "0.000001",
       .doc = "How far numbers may be off in golden rows.",
       .min = 0},
      {.key = "rollout",
       .type = OptionType::kEnum,
       .default_value = "none",
       .doc = "What a new version does first: it serves (none), it serves a share of the rows "
              "(canary), or it scores them too, at the side output `t$shadow` (shadow).",
       .choices = {"none", "canary", "shadow"}},
      {.key = "rollout-share",
       .type = OptionType::kDouble,
       .doc = "Share of the rows that a new version scores during its rollout; by default 0.1 of "
              "a canary, 1 of a shadow.",
       .min = 0,
       .max = 1},
      {.key = "rollout-key",
       .doc = "Columns of the rows, comma-separated: rows that agree in them are scored by the "
              "same version; by default those that agree in the model's arguments."},
      {.key = "rollout-rows",
       .type = OptionType::kInt,
       .doc = "A new version takes over when it has scored so many rows of a key. Without this and "
              "'rollout-time' only ALTER MODEL … SET VERSION ends the rollout: an A/B test.",
       .min = 1},
      {.key = "rollout-time",
       .type = OptionType::kDuration,
       .doc = "A new version takes over so long after its rollout has begun."},
      {.key = "rollout-check-rows",
       .type = OptionType::kInt,
       .default_value = "1000",
       .doc = "The rules for a rollback are looked at each time the new version has scored so many "
              "rows of a key, and before it takes over.",
       .min = 1},
      {.key = "rollback-failed",
       .type = OptionType::kDouble,
       .doc = "A new version is rolled back when a greater share of its rows has failed.",
       .min = 0,
       .max = 1},
      {.key = "rollback-shift",
       .type = OptionType::kDouble,
       .doc = "A new version is rolled back when its scores are distributed otherwise than those "
              "of the version that serves, by a greater population stability index (0.2 is "
              "commonly taken for a change).",
       .min = 0},
      {.key = "rollback-latency",
       .type = OptionType::kDuration,
       .doc = "A new version is rolled back when it needs longer to score a row, on average."},
      {.key = "keep-versions",
       .type = OptionType::kInt,
       .default_value = "0",
       .doc = "How many versions older than the one that serves stay loaded for ALTER MODEL … SET "
              "VERSION.",
       .min = 0,
       .max = 100},
      {.key = "onnx.", .doc = "Options of the provider of that type.", .prefix = true},
      {.key = "tensorflow.", .doc = "Options of the provider of that type.", .prefix = true},
      {.key = "pmml.", .doc = "Options of the provider of that type.", .prefix = true},
  };
  for (OptionSpec& option : S3Options()) spec.options.push_back(std::move(option));
  AddCommonOptions(&spec);
  spec.describe = DescribeStream;
  spec.load = LoadAbsent;
  return spec;
}

}  // namespace millrace

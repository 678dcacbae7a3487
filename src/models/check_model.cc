#include "models/check_model.h"

#include <future>
#include <utility>

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/scalar.h>

#include "models/sample_rows.h"
#include "models/triton/check_server.h"
#include "models/zero_row.h"

namespace millrace {
namespace {

Result<Prediction> Ask(const ModelLease& model, const Batch& rows) {
  std::promise<Result<Prediction>> promise;
  auto answer = promise.get_future();
  const auto call = model->PredictAsync(
      rows, {}, [&](Result<Prediction> result) { promise.set_value(std::move(result)); });
  return answer.get();
}

/// The first row of an answer: "score = 0.5".
std::string Shown(const Prediction& prediction) {
  std::string text;
  for (int i = 0; i < prediction.outputs->num_columns() && prediction.outputs->num_rows() > 0;
       ++i) {
    const auto value = prediction.outputs->column(i)->GetScalar(0);
    text += (i == 0 ? "" : ", ") + prediction.outputs->column_name(i) + " = " +
            (value.ok() ? (*value)->ToString() : "?");
  }
  return text;
}

/// Completes the declaration from what the model says, and checks it.
Status Settle(const ModelProviderSpec& provider, const Options& options, Services& services,
              ModelConfig* config, ModelSignature* signature) {
  ARROW_ASSIGN_OR_RAISE(*signature, provider.describe(*config, options, services));
  if (signature->as_declared) {
    if (config->input.size() > 0 && config->output.size() > 0) return Status::OK();
    return Error::User("the provider '" + provider.name + "' cannot tell INPUT and OUTPUT")
        .Hint("write INPUT (name TYPE, …) OUTPUT (name TYPE, …) before WITH");
  }
  if (config->input.size() == 0) {
    ARROW_ASSIGN_OR_RAISE(config->input, SchemaOf(signature->inputs));
  }
  if (config->output.size() == 0) {
    ARROW_ASSIGN_OR_RAISE(config->output, SchemaOf(signature->outputs));
  }
  ARROW_RETURN_NOT_OK(CheckColumns(config->name, "INPUT", TensorInputs(config->input, *signature),
                                   signature->inputs));
  return CheckColumns(config->name, "OUTPUT", config->output, signature->outputs);
}

Status Infer(const ModelProviderSpec& provider, const ModelConfig& config, const Options& options,
             const ModelSignature& signature, const std::optional<std::string>& sample,
             Services& services, std::string* shown) {
  ARROW_ASSIGN_OR_RAISE(const ModelLease model, provider.load(config, options, services));
  ARROW_ASSIGN_OR_RAISE(const Batch rows, sample ? SampleRows(config.input, *sample)
                                                 : ZeroRow(config.input, signature));
  ARROW_ASSIGN_OR_RAISE(const Prediction prediction, Ask(model, rows));
  if (!prediction.errors.empty()) {
    return Error::Data("row " + std::to_string(prediction.errors[0].row + 1) +
                       " failed: " + prediction.errors[0].text)
        .Hint(sample ? "" : "the row was of zeros; give rows that mean something with --sample");
  }
  *shown = std::to_string(rows.num_rows()) + (rows.num_rows() == 1 ? " row, " : " rows, ") +
           Shown(prediction);
  return Status::OK();
}

}  // namespace

std::vector<CheckStep> CheckModel(const ModelConfig& declared, Services& services,
                                  const std::optional<std::string>& sample) {
  const auto provider = services.registries().providers.Get(declared.provider);
  if (!provider.ok()) return {{"options", provider.status(), {}}};
  auto values = declared.options;
  values.erase("provider");
  const auto options = Options::Make("provider '" + (*provider)->name + "'", (*provider)->options,
                                     std::move(values));
  if (!options.ok()) return {{"options", options.status(), {}}};
  std::vector<CheckStep> steps;
  if ((*provider)->name == "triton") {
    steps = CheckServer(declared, *options, services);
    if (!steps.back().status.ok()) return steps;
  }
  Env& env = services.env();
  int64_t start_us = env.MonotonicMicros();
  const auto add = [&](const char* name, Status status, std::string detail) {
    const int64_t now_us = env.MonotonicMicros();
    steps.push_back(
        {name, std::move(status), std::move(detail), now_us - std::exchange(start_us, now_us)});
  };
  ModelConfig config = declared;
  ModelSignature signature;
  const Status settled = Settle(**provider, *options, services, &config, &signature);
  add("configuration", settled,
      "INPUT " + config.input.ToString() + " OUTPUT " + config.output.ToString());
  if (!settled.ok()) return steps;
  std::string shown;
  const Status inferred = Infer(**provider, config, *options, signature, sample, services, &shown);
  add("inference", inferred, shown);
  return steps;
}

}  // namespace millrace

#pragma once

#include <future>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <arrow/array.h>
#include <arrow/json/from_string.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <gtest/gtest.h>

#include "models/register.h"
#include "models/runtime.h"
#include "net/http.h"
#include "spi/services.h"

namespace millrace {

/// Knows the secret 'token'.
struct OneSecret final : SecretProvider {
  Result<std::string> Get(std::string_view name) const override {
    if (name == "token") return std::string("s3cret");
    return Error::User("there is no secret '" + std::string(name) + "'");
  }
};

/// The real world with the providers of this folder, for tests.
class TestServices final : public Services {
 public:
  TestServices() { RegisterModelProviders(registries_.providers); }
  explicit TestServices(ModelProviderSpec another) : TestServices() {
    registries_.providers.Add(std::move(another));
  }

  Env& env() override { return *env_; }
  const Registries& registries() const override { return registries_; }
  ModelRuntime& models() override { return *models_; }
  const SecretProvider& secrets() const override { return secrets_; }
  MetricRegistry& metrics() override { return metrics_; }
  HttpClient& http() override { return HttpClient::Shared(); }
  Result<std::shared_ptr<RowReceiver>> receiver(std::string_view) override {
    return Error::Internal("no receivers");
  }

 private:
  MetricRegistry metrics_;
  Registries registries_;
  OneSecret secrets_;
  std::unique_ptr<Env> env_ = MakeSystemEnv(2);
  std::unique_ptr<ModelRuntime> models_ = MakeModelRuntime(*this);
};

using OptionMap = std::map<std::string, std::string>;

/// What CREATE MODEL makes: checks the options, asks the provider, settles the columns.
inline Result<ModelConfig> Define(TestServices& services, const std::string& provider,
                                  OptionMap options, Schema input = {}, Schema output = {}) {
  ModelConfig config{"m", provider, options, std::move(input), std::move(output)};
  ARROW_ASSIGN_OR_RAISE(const auto* spec, services.registries().providers.Get(provider));
  ARROW_ASSIGN_OR_RAISE(const auto checked,
                        Options::Make("provider '" + provider + "'", spec->options, options));
  ARROW_ASSIGN_OR_RAISE(const auto signature, spec->describe(config, checked, services));
  if (config.input.size() == 0) {
    ARROW_ASSIGN_OR_RAISE(config.input, SchemaOf(signature.inputs));
  }
  if (config.output.size() == 0) {
    ARROW_ASSIGN_OR_RAISE(config.output, SchemaOf(signature.outputs));
  }
  ARROW_RETURN_NOT_OK(
      CheckColumns("m", "INPUT", TensorInputs(config.input, signature), signature.inputs));
  ARROW_RETURN_NOT_OK(CheckColumns("m", "OUTPUT", config.output, signature.outputs));
  return config;
}

inline Result<ModelLease> LoadNow(TestServices& services, const ModelConfig& config) {
  ARROW_ASSIGN_OR_RAISE(const auto* spec, services.registries().providers.Get(config.provider));
  ARROW_ASSIGN_OR_RAISE(const auto options,
                        Options::Make("provider", spec->options, config.options));
  return spec->load(config, options, services);
}

inline Batch Rows(const Schema& schema, const std::string& json) {
  const auto arrow_schema = schema.ToArrow();
  const auto rows = arrow::json::ArrayFromJSONString(arrow::struct_(arrow_schema->fields()), json);
  EXPECT_TRUE(rows.ok()) << rows.status().ToString();
  Batch batch;
  batch.rows = arrow::RecordBatch::Make(arrow_schema, (*rows)->length(),
                                        static_cast<const arrow::StructArray&>(**rows).fields());
  return batch;
}

/// Asks and waits.
inline Result<Prediction> Predict(const ModelLease& model, const Batch& rows,
                                  const CallOptions& options = {}) {
  std::promise<Result<Prediction>> promise;
  auto result = promise.get_future();
  const auto call = model->PredictAsync(
      rows, options, [&](Result<Prediction> p) { promise.set_value(std::move(p)); });
  return result.get();
}

/// The outputs, a row a line: "1, list<…>[2, 3], null"; then errors as "!row: text".
inline std::vector<std::string> Lines(const Result<Prediction>& prediction) {
  if (!prediction.ok()) return {"failed: " + prediction.status().message()};
  const auto& rows = *prediction->outputs;
  const Status valid = rows.ValidateFull();
  EXPECT_TRUE(valid.ok()) << valid.ToString();
  std::vector<std::string> lines;
  for (int64_t i = 0; i < rows.num_rows(); ++i) {
    std::string line;
    for (int c = 0; c < rows.num_columns(); ++c) {
      line += (c == 0 ? "" : ", ") + rows.column(c)->GetScalar(i).ValueOrDie()->ToString();
    }
    lines.push_back(std::move(line));
  }
  for (const RowError& error : prediction->errors) {
    lines.push_back("!" + std::to_string(error.row) + ": " + error.text);
  }
  if (prediction->leave_out_failed) lines.push_back("(without the failed rows)");
  return lines;
}

}  // namespace millrace

#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <nlohmann/json.hpp>

#include "plan/physical_plan.h"
#include "spi/services.h"

// What tests of the runtime and of the simulator share.

namespace millrace::testing_support {

inline Schema Columns(const std::vector<std::string>& names) {
  Schema schema;
  for (const std::string& name : names) schema.Add(name, SqlType::BigInt().AsNotNull());
  return schema;
}

inline Batch MakeBatch(const Schema& schema, const std::vector<std::vector<int64_t>>& columns) {
  std::vector<std::shared_ptr<arrow::Array>> arrays;
  for (const auto& column : columns) {
    arrays.push_back(std::make_shared<arrow::Int64Array>(static_cast<int64_t>(column.size()),
                                                         arrow::Buffer::FromVector(column)));
  }
  const auto rows = static_cast<int64_t>(columns[0].size());
  return {arrow::RecordBatch::Make(schema.ToArrow(), rows, std::move(arrays)), nullptr, 0};
}

inline const int64_t* Values(const Batch& batch, int column) {
  return static_cast<const arrow::Int64Array&>(*batch.rows->column(column)).raw_values();
}

struct TestConfig final : NodeConfig {
  std::string_view op() const override { return "test"; }
  nlohmann::json ToJson() const override { return {}; }
  std::string Describe(const std::vector<Schema>&) const override { return {}; }
};

inline PortPlan Port(std::string name, Schema schema) {
  return {std::move(name), std::move(schema), {}, {}, -1};
}

/// Services for operators that need none but `Env` and metrics.
class TestServices final : public Services {
 public:
  explicit TestServices(Env& env) : env_(env) {}
  Env& env() override { return env_; }
  const Registries& registries() const override { return registries_; }
  ModelRuntime& models() override { return models_; }
  const SecretProvider& secrets() const override { return secrets_; }
  MetricRegistry& metrics() override { return metrics_; }
  HttpClient& http() override { std::abort(); }  // allowed: nobody here sends
  Result<std::shared_ptr<RowReceiver>> receiver(std::string_view) override {
    return Error::Internal("no receivers here");
  }

 private:
  struct NoModels final : ModelRuntime {
    Result<ModelLease> TryLease(const ModelConfig&, const VersionSelector&) override {
      return Error::Internal("no models here");
    }
    void WhenReady(const ModelConfig&, const VersionSelector&,
                   std::function<void(Status)> ready) override {
      ready(Error::Internal("no models here"));
    }
    void LoadVersion(const ModelConfig&, const ModelRecord&,
                     std::function<void(Result<LoadedVersion>)> done) override {
      done(Error::Internal("no models here"));
    }
  };
  struct NoSecrets final : SecretProvider {
    Result<std::string> Get(std::string_view) const override {
      return Error::Internal("no secrets here");
    }
  };

  Env& env_;
  Registries registries_;
  NoModels models_;
  NoSecrets secrets_;
  MetricRegistry metrics_;
};

}  // namespace millrace::testing_support

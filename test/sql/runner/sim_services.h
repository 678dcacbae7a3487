#pragma once

#include <memory>
#include <string_view>

#include "connectors/kafka/kafka.h"
#include "results.h"
#include "sim/slow_models.h"
#include "spi/services.h"

namespace millrace::sql_script {

/// All that is built in, with `kafka` as the way to brokers.
std::shared_ptr<const Registries> MakeRegistries(std::shared_ptr<Kafka> kafka);

/// What operators get from the simulated process.
class SimServices final : public Services {
 public:
  SimServices(SimEnv& env, std::shared_ptr<const Registries> registries,
              const SecretProvider& secrets, std::shared_ptr<Results> results, HttpClient& http,
              ModelDelays delays);
  ~SimServices() override;

  Env& env() override { return env_; }
  const Registries& registries() const override { return *registries_; }
  ModelRuntime& models() override { return *models_; }
  const SecretProvider& secrets() const override { return secrets_; }
  MetricRegistry& metrics() override { return metrics_; }
  HttpClient& http() override { return http_; }
  Result<std::shared_ptr<RowReceiver>> receiver(std::string_view /*name*/) override {
    return results_;
  }

 private:
  SimEnv& env_;
  const std::shared_ptr<const Registries> registries_;
  const SecretProvider& secrets_;
  MetricRegistry metrics_;
  const std::shared_ptr<Results> results_;
  HttpClient& http_;
  const std::unique_ptr<ModelRuntime> models_;
};

}  // namespace millrace::sql_script

#include "sim_services.h"

#include <sstream>
#include <utility>

#include "connectors/register.h"
#include "formats/register.h"
#include "functions/register.h"
#include "models/register.h"
#include "models/runtime.h"

namespace millrace::sql_script {

namespace {

const Registries& SharedRegistries() {
  static const Registries* registries = [] {
    auto* all = new Registries;
    static std::ostringstream printed;
    RegisterFunctions(*all);
    RegisterFormats(all->formats);
    RegisterConnectors(all->connectors, printed, printed);
    RegisterModelProviders(all->providers);
    return all;
  }();
  return *registries;
}

}  // namespace

std::shared_ptr<const Registries> MakeRegistries(std::shared_ptr<Kafka> kafka) {
  auto registries = std::make_shared<Registries>(SharedRegistries());
  registries->connectors.Add(KafkaConnector(kafka));
  registries->connectors.Add(UpsertKafkaConnector(std::move(kafka)));
  return registries;
}

SimServices::SimServices(SimEnv& env, std::shared_ptr<const Registries> registries,
                         const SecretProvider& secrets, std::shared_ptr<Results> results,
                         HttpClient& http, ModelDelays delays)
    : env_(env),
      registries_(std::move(registries)),
      secrets_(secrets),
      results_(std::move(results)),
      http_(http),
      models_(MakeSlowModels(MakeModelRuntime(*this), env, delays)) {}

SimServices::~SimServices() = default;

}  // namespace millrace::sql_script

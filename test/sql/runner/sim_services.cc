#include "sim_services.h"

#include <sstream>
#include <utility>

#include "connectors/register.h"
#include "formats/register.h"
#include "functions/register.h"
#include "models/register.h"
#include "models/runtime.h"

namespace millrace::sql_script {

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

SimServices::SimServices(SimEnv& env, const SecretProvider& secrets,
                         std::shared_ptr<Results> results, ModelDelays delays)
    : env_(env),
      secrets_(secrets),
      results_(std::move(results)),
      models_(MakeSlowModels(MakeModelRuntime(*this), env, delays)) {}

SimServices::~SimServices() = default;

}  // namespace millrace::sql_script

#include "session/engine.h"

#include <cstdlib>
#include <iostream>
#include <utility>

#include <arrow/compute/initialize.h>

#include "connectors/register.h"
#include "formats/register.h"
#include "functions/register.h"
#include "models/register.h"
#include "models/runtime.h"
#include "net/http.h"
#include "operators/registry.h"
#include "runtime/runtime.h"
#include "session/secrets.h"
#include <millrace/session.h>

namespace millrace {
namespace {

std::string SecretsDirectory(const SessionOptions& options) {
  if (!options.secrets_directory.empty()) return options.secrets_directory;
  const char* directory = std::getenv("MILLRACE_SECRETS");
  return directory == nullptr ? std::string() : directory;
}

}  // namespace

std::shared_ptr<Engine> Engine::Shared(const SessionOptions& options) {
  static std::mutex mutex;
  static std::weak_ptr<Engine> shared;
  std::lock_guard lock(mutex);
  auto engine = shared.lock();
  if (engine == nullptr) {
    engine = std::make_shared<Engine>(options);
    shared = engine;
  }
  return engine;
}

Engine::Engine(const SessionOptions& options) : Engine(options, HttpClient::Shared()) {}

Engine::Engine(const SessionOptions& options, HttpClient& http)
    : env_(MakeSystemEnv()),
      secrets_(MakeSecretProvider(env_->files(), SecretsDirectory(options))),
      http_(http) {
  // Fails only where memory is out, and then the first kernel that is missing says so.
  (void)arrow::compute::Initialize();
  RegisterFunctions(registries_);
  RegisterFormats(registries_.formats);
  // 'print' writes to the streams of the process.
  RegisterConnectors(registries_.connectors, std::cout, std::cerr);  // allowed: see above
  RegisterModelProviders(registries_.providers);
  models_ = MakeModelRuntime(*this);
  runtime_ = std::make_unique<Runtime>(*this, MakeOperator, options.worker_threads);
}

Engine::~Engine() = default;

std::pair<std::string, std::shared_ptr<ResultBuffer>> Engine::AddReceiver() {
  auto buffer = std::make_shared<ResultBuffer>();
  std::lock_guard lock(mutex_);
  std::erase_if(receivers_, [](const auto& entry) { return entry.second.expired(); });
  std::string name = "result-" + std::to_string(next_receiver_++);
  receivers_[name] = buffer;
  return {std::move(name), std::move(buffer)};
}

Result<std::shared_ptr<RowReceiver>> Engine::receiver(std::string_view name) {
  std::lock_guard lock(mutex_);
  const auto it = receivers_.find(name);
  if (auto buffer = it == receivers_.end() ? nullptr : it->second.lock()) return buffer;
  return Error::User("nobody takes the rows of '" + std::string(name) + "'")
      .Hint("a plan of a query is started by RunPlan");
}

}  // namespace millrace
